"""
What real applications do with AMP beyond its public names, in miniature; each with Twisted's classes and with ours.

Every class here is made of a module: that both work the same way is the point.
"""

from __future__ import annotations

import datetime
import json
import zlib
from types import ModuleType
from typing import Any

import pytest

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, connectInMemory, loadStock
from twisted_basic_ng import amp as ours


@pytest.fixture(params=["ours", "stock"])
def amp(request: pytest.FixtureRequest) -> Any:
    """Either implementation."""
    return ours if request.param == "ours" else loadStock("amp")


@pytest.fixture
def logged() -> Any:
    """What is logged while a test runs."""
    events: list[dict[str, Any]] = []
    globalLogPublisher.addObserver(events.append)  # type: ignore[arg-type]
    yield events
    globalLogPublisher.removeObserver(events.append)  # type: ignore[arg-type]


def double(amp: Any) -> Any:
    """A command that most of these use."""

    class Double(amp.Command):  # type: ignore[misc]
        arguments = [(b"n", amp.Integer())]
        response = [(b"n", amp.Integer())]
        errors = {ValueError: b"VALUE"}

    return Double


def responding(amp: Any, command: Any, base: Any = None) -> Any:
    """A peer that responds to it."""

    class Peer(base or amp.AMP):  # type: ignore[misc]
        @command.responder  # type: ignore[untyped-decorator]
        def double(self, n: int) -> Any:
            if n < 0:
                raise ValueError("below zero")
            return {"n": 2 * n}

    return Peer


def talk(client: Any, server: Any, command: Any, **arguments: Any) -> list[Any]:
    """Call once; say what came of it."""
    connection = connectInMemory(client, server)
    outcomes: list[Any] = []
    result = client.callRemote(command, **arguments)
    result.addCallbacks(outcomes.append, lambda failure: outcomes.append(failure.value))
    connection.flush()
    return outcomes


class TestDispatcher:
    """The conversation is looked into, and overridden."""

    def test_commandDispatch(self, amp: ModuleType) -> None:
        """A process pool's proxy looks responders up, and wraps them for a locator of its own."""
        command = double(amp)
        peer = responding(amp, command)()
        found, function = peer._commandDispatch[b"Double"]
        assert found is command
        wrapped = peer._wrapWithSerialization(lambda n: function(peer, n), found)
        answers: list[Any] = []
        wrapped(amp.Box(n=b"4")).addCallback(answers.append)
        assert answers == [{b"n": b"8"}]

    def test_currentClassCommands(self, amp: Any) -> None:
        """An own responder decorator declares several commands for a method."""
        command = double(amp)

        class Alias(command):  # type: ignore[misc]
            commandName = b"alias"

        def respondsTo(*commands: Any) -> Any:
            def declare(function: Any) -> Any:
                for each in commands:
                    amp.CommandLocator._currentClassCommands.append((each, function))
                return function

            return declare

        class Peer(amp.AMP):  # type: ignore[misc]
            @respondsTo(command, Alias)  # type: ignore[untyped-decorator]
            def double(self, n: int) -> Any:
                return {"n": 2 * n}

        for each in (command, Alias):
            assert talk(amp.AMP(), Peer(), each, n=4) == [{"n": 8}]

    def test_sendBoxCommand(self, amp: Any) -> None:
        """Calls are logged, or rerouted, where they are sent."""
        sent: list[Any] = []

        class Logging(amp.AMP):  # type: ignore[misc]
            def _sendBoxCommand(self, command: bytes, box: Any, requiresAnswer: bool = True) -> Any:
                sent.append((command, dict(box), requiresAnswer))
                return amp.AMP._sendBoxCommand(self, command, box, requiresAnswer)

        command = double(amp)
        assert talk(Logging(), responding(amp, command)(), command, n=4) == [{"n": 8}]
        assert sent == [(b"Double", {b"n": b"4"}, True)]

    def test_dispatchCommand(self, amp: Any) -> None:
        """A cloud manager maps the errors of responders."""

        class Mapping(amp.AMP):  # type: ignore[misc]
            def dispatchCommand(self, box: Any) -> Any:
                return amp.AMP.dispatchCommand(self, box).addErrback(self.mapped)

            def mapped(self, failure: Any) -> Any:
                raise amp.RemoteAmpError(b"VALUE", "mapped", False, failure)

        command = double(amp)
        (error,) = talk(amp.AMP(), responding(amp, command, Mapping)(), command, n=-1)
        assert (type(error), str(error)) == (ValueError, "mapped")

    def test_unhandledError(self, amp: Any) -> None:
        """Who overrides it keeps the connection."""
        unhandled: list[Any] = []

        class Lenient(amp.AMP):  # type: ignore[misc]
            def unhandledError(self, failure: Any) -> None:
                unhandled.append(failure.type)

        command = double(amp)
        client = Lenient()
        connection = connectInMemory(client, responding(amp, command)())
        client.callRemote(command, n=4).addCallback(lambda answer: 1 / 0)
        connection.flush()
        assert unhandled == [ZeroDivisionError]
        assert not connection.client.disconnecting

    def test_commandReceived(self, amp: Any) -> None:
        """A game server has its own way to answer, and to send what cannot be sent any more."""
        safely: list[Any] = []

        class Own(amp.AMP):  # type: ignore[misc]
            def _commandReceived(self, box: Any) -> None:
                def answer(answerBox: Any) -> None:
                    answerBox[amp.ANSWER] = box[amp.ASK]
                    self._safeEmit(answerBox)

                self.dispatchCommand(box).addCallback(answer).addErrback(self.unhandledError)

            def _safeEmit(self, aBox: Any) -> None:
                safely.append(dict(aBox))
                amp.AMP._safeEmit(self, aBox)

        command = double(amp)
        assert talk(amp.AMP(), responding(amp, command, Own)(), command, n=4) == [{"n": 8}]
        assert safely == [{b"_answer": b"1", b"n": b"8"}]

    def test_outstandingRequests(self, amp: Any) -> None:
        """What is not answered is looked at, by tag."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        results = [client.callRemoteString(b"x"), client.callRemoteString(b"y")]
        assert client._outstandingRequests == {b"1": results[0], b"2": results[1]}
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        assert list(client._outstandingRequests) == [b"2"]

    def test_keyError(self, amp: Any) -> None:
        """A game server catches the KeyError of an answer to nothing, and goes on."""
        received: list[Any] = []

        class Tolerant(amp.AMP):  # type: ignore[misc]
            def dataReceived(self, data: bytes) -> None:
                try:
                    amp.AMP.dataReceived(self, data)
                except KeyError as error:
                    received.append(error)

        client = Tolerant()
        RecordingTransport().connect(client)
        client.dataReceived(amp.Box(_answer=b"7").serialize())
        assert len(received) == 1

    def test_nextTag(self, amp: Any) -> None:
        """Tags may be another's."""
        client = amp.AMP()
        transport = RecordingTransport().connect(client)
        client._nextTag = lambda: b"mine"
        client.callRemoteString(b"x")
        assert amp.parseString(transport.written)[0][b"_ask"] == b"mine"

    def test_composition(self, amp: Any) -> None:
        """Dispatcher, wire and locator are separate objects, and are replaced on instances."""
        command = double(amp)
        dispatcher = amp.BoxDispatcher(responding(amp, command, amp.CommandLocator)())
        wire = amp.BinaryBoxProtocol(boxReceiver=dispatcher)
        server = amp.AMP()
        server.locator = dispatcher.locator
        client = amp.AMP()
        client.boxSender = None
        assert talk(client, wire, command, n=4) == [{"n": 8}]
        assert talk(amp.AMP(), server, command, n=4) == [{"n": 8}]
        assert (wire.boxReceiver, dispatcher.boxSender) == (dispatcher, wire)
        assert client.boxSender is client


class TestBoxes:
    """Boxes of one's own, and boxes that do something when they are sent."""

    def test_sendTo(self, amp: Any) -> None:
        """An own box acts when it is sent."""
        calls: list[Any] = []

        class Closing(amp.AmpBox):  # type: ignore[misc]
            __slots__: list[str] = []

            def _sendTo(self, proto: Any) -> None:
                amp.AmpBox._sendTo(self, proto)
                calls.append(proto)

        class Bye(double(amp)):  # type: ignore[misc]
            responseType = Closing
            commandName = b"Double"

        server = responding(amp, Bye)()
        assert talk(amp.AMP(), server, Bye, n=4) == [{"n": 8}]
        assert calls == [server]

    def test_private(self, amp: Any) -> None:
        """The special boxes are reachable, and are boxes."""
        assert issubclass(amp._SwitchBox, amp.AmpBox)
        assert issubclass(amp._TLSBox, amp.AmpBox)
        assert amp._SwitchBox("inner", a=b"1").innerProto == "inner"

    def test_conversions(self, amp: Any) -> None:
        """Schemas are read and written without a command."""
        schema = [(b"a-b", amp.Integer()), (b"c", amp.Unicode(optional=True))]
        strings = amp._objectsToStrings({"a_b": 1, "c": None}, schema, amp.Box(), None)
        assert strings == {b"a-b": b"1"}
        assert amp._stringsToObjects(strings, schema, None) == {"a_b": 1, "c": None}
        assert amp._wireNameToPythonIdentifier(b"a-b") == "a_b"

    def test_commandMethods(self, amp: Any) -> None:
        """So are commands, without a call."""
        command = double(amp)
        box = command.makeArguments({"n": 4}, None)
        assert (command.parseArguments(box, None), command.parseResponse(box, None)) == ({"n": 4}, {"n": 4})
        assert command.makeResponse({"n": 4}, None) == box
        assert (command.allErrors, command.reverseErrors) == ({ValueError: b"VALUE"}, {b"VALUE": ValueError})

    def test_makeResponse(self, amp: Any) -> None:
        """A command may make its response of something else than a dictionary."""

        class Plain(double(amp)):  # type: ignore[misc]
            commandName = b"Double"

            @classmethod
            def makeResponse(cls, objects: Any, proto: Any) -> Any:
                return super().makeResponse({"n": objects}, proto)

        class Peer(amp.AMP):  # type: ignore[misc]
            @Plain.responder  # type: ignore[untyped-decorator]
            def respond(self, n: int) -> int:
                return 3 * n

        assert talk(amp.AMP(), Peer(), Plain, n=4) == [{"n": 12}]


class TestArguments:
    """Types of arguments that applications wrote."""

    def echo(self, amp: Any, argument: Any, value: Any, client: Any = None, server: Any = None) -> Any:
        """Send a value there and back."""

        class Echo(amp.Command):  # type: ignore[misc]
            arguments = [(b"value", argument)]
            response = [(b"value", argument)]

        class Peer(amp.AMP):  # type: ignore[misc]
            attribute = "the server's"

            @Echo.responder  # type: ignore[untyped-decorator]
            def echo(self, value: Any) -> Any:
                return {"value": value}

        class Client(amp.AMP):  # type: ignore[misc]
            attribute = "the client's"

        (answer,) = talk(Client(), Peer(), Echo, value=value)
        return answer["value"]

    def test_strings(self, amp: Any) -> None:
        """JSON, and compressed: C{toString} and C{fromString}."""

        class Compressed(amp.Argument):  # type: ignore[misc]
            def toString(self, inObject: Any) -> bytes:
                return zlib.compress(json.dumps(inObject).encode())

            def fromString(self, inString: bytes) -> Any:
                return json.loads(zlib.decompress(inString))

        value = {"a": [1, 2, {"b": None}]}
        assert self.echo(amp, Compressed(), value) == value
        assert self.echo(amp, amp.ListOf(Compressed()), [value, 5]) == [value, 5]

    @pytest.mark.parametrize(
        "kind", ["Integer", "String", "Float", "Boolean", "Unicode", "Path", "Decimal", "DateTime"]
    )
    def test_subclasses(self, amp: Any, kind: str) -> None:
        """Each type is a base of others, which call it."""
        base = getattr(amp, kind)
        value = {
            "Integer": 5,
            "String": b"x",
            "Float": 1.5,
            "Boolean": True,
            "Unicode": "\N{SNOWMAN}",
            "Path": amp.filepath.FilePath("/a"),
            "Decimal": amp.decimal.Decimal("1.5"),
            "DateTime": datetime.datetime(2020, 1, 1, tzinfo=amp.utc),
        }[kind]

        class Marked(base):  # type: ignore[misc]
            def toString(self, inObject: Any) -> bytes:
                return b"!" + super().toString(inObject)  # type: ignore[no-any-return]

            def fromString(self, inString: bytes) -> Any:
                assert inString.startswith(b"!")
                return super().fromString(inString[1:])

        assert self.echo(amp, Marked(), value) == value
        assert self.echo(amp, amp.ListOf(Marked()), [value] * 3) == [value] * 3

    def test_listSubclasses(self, amp: Any) -> None:
        """Lists are, too."""

        class Tuple(amp.ListOf):  # type: ignore[misc]
            def fromString(self, inString: bytes) -> Any:
                return tuple(super().fromString(inString))

        class Rows(amp.AmpList):  # type: ignore[misc]
            def fromStringProto(self, inString: bytes, proto: Any) -> Any:
                return tuple(super().fromStringProto(inString, proto))

        assert self.echo(amp, Tuple(amp.Integer()), [1, 2]) == (1, 2)
        assert self.echo(amp, Rows([(b"a", amp.Integer())]), [{"a": 1}]) == ({"a": 1},)

    def test_proto(self, amp: Any) -> None:
        """An argument's form may depend on the protocol."""

        class Named(amp.Argument):  # type: ignore[misc]
            def toStringProto(self, inObject: Any, proto: Any) -> bytes:
                return f"{inObject} {proto.attribute}".encode()

            def fromStringProto(self, inString: bytes, proto: Any) -> Any:
                return f"{inString.decode()} {proto.attribute}"

        expected = "x the client's the server's the server's the client's"
        assert self.echo(amp, Named(), "x") == expected

    def test_severalKeys(self, amp: Any) -> None:
        """A large value is split over keys, and the dictionaries are changed while it is."""

        class Big(amp.Argument):  # type: ignore[misc]
            def toBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
                value = objects.pop(name.decode())
                strings[name] = value[:60000]
                for part, start in enumerate(range(60000, len(value), 60000), 2):
                    strings[b"%b.%d" % (name, part)] = value[start : start + 60000]

            def fromBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
                value, part = strings.pop(name), 2
                while b"%b.%d" % (name, part) in strings:
                    value += strings.pop(b"%b.%d" % (name, part))
                    part += 1
                objects[name.decode()] = value

        value = bytes(range(256)) * 1000
        assert self.echo(amp, Big(), value) == value

    def test_instance(self, amp: Any) -> None:
        """An attribute of the protocol is an argument: all forms are set on an instance that was never constructed."""
        argument = amp.Argument.__new__(amp.Argument)
        argument.retrieve = lambda d, name, proto: getattr(proto, "attribute", d.get(name))
        argument.toString = str.encode
        argument.fromString = lambda value: value
        assert self.echo(amp, argument, "ignored") == "the client's"


class TestWire:
    """The connection is looked into, and overridden."""

    def test_noConstructor(self, amp: Any) -> None:
        """A subclass whose constructor calls nobody's works."""
        command = double(amp)

        class Old(responding(amp, command)):  # type: ignore[misc]
            def __init__(self) -> None:
                pass

        server = Old()
        assert not server._ampInitialized
        assert talk(Old(), server, command, n=4) == [{"n": 8}]
        assert server._ampInitialized

    def test_copiedMakeConnection(self, amp: Any, logged: list[Any]) -> None:
        """A game server connects without the line in the log."""

        class Quiet(amp.AMP):  # type: ignore[misc]
            def makeConnection(self, transport: Any) -> None:
                if not self._ampInitialized:
                    amp.AMP.__init__(self)
                self._transportPeer = transport.getPeer()
                self._transportHost = transport.getHost()
                amp.BinaryBoxProtocol.makeConnection(self, transport)

        command = double(amp)
        assert talk(Quiet(), responding(amp, command, Quiet)(), command, n=4) == [{"n": 8}]
        assert [event for event in logged if "established" in event.get("log_format", "")] == []

    def test_makeConnection(self, amp: Any) -> None:
        """Whoever overrides it finds both addresses behind it."""
        seen: list[Any] = []

        class Own(amp.AMP):  # type: ignore[misc]
            def makeConnection(self, transport: Any) -> None:
                super().makeConnection(transport)
                seen.append((self._transportPeer, self._transportHost))

        transport = RecordingTransport().connect(Own())
        assert seen == [(transport.getPeer(), transport.getHost())]

    def test_stringReceived(self, amp: Any) -> None:
        """A game server looks at each string, and at the data."""
        strings: list[bytes] = []
        chunks: list[bytes] = []

        class Looking(amp.AMP):  # type: ignore[misc]
            def stringReceived(self, string: bytes) -> None:
                strings.append(string)
                super().stringReceived(string)

            def dataReceived(self, data: bytes) -> None:
                chunks.append(data)
                super().dataReceived(data)

        command = double(amp)
        assert talk(Looking(), responding(amp, command)(), command, n=4) == [{"n": 8}]
        assert strings == [b"_answer", b"1", b"n", b"8", b""]
        assert len(chunks) == 1

    @pytest.mark.parametrize("where", ["class", "instance"])
    def test_states(self, amp: Any, where: str) -> None:
        """Each state's method may be overridden, on the class and on the instance."""
        seen: list[Any] = []
        boxes: list[Any] = []

        class Receiver:
            def startReceivingBoxes(self, boxSender: Any) -> None:
                pass

            def ampBoxReceived(self, box: Any) -> None:
                boxes.append(box)

        class Wire(amp.BinaryBoxProtocol):  # type: ignore[misc]
            pass

        def override(wire: Any, name: str) -> Any:
            def looked(*arguments: Any) -> Any:
                state = getattr(amp.BinaryBoxProtocol, name)(wire, arguments[-1])
                seen.append((name, arguments[-1], state))
                return state

            return looked

        for name in ("proto_init", "proto_key", "proto_value"):
            wire = Wire(Receiver())
            if where == "instance":
                setattr(wire, name, override(wire, name))
            else:
                kind = type("Own", (Wire,), {name: lambda self, string, name=name: override(self, name)(string)})
                wire = kind(Receiver())
            RecordingTransport().connect(wire)
            wire.dataReceived(amp.Box(a=b"1", b=b"2").serialize())
        assert boxes == [{b"a": b"1", b"b": b"2"}] * 3
        assert seen == [
            ("proto_init", b"a", "value"),
            ("proto_key", b"a", "value"),
            ("proto_key", b"b", "value"),
            ("proto_key", b"", "init"),
            ("proto_value", b"1", "key"),
            ("proto_value", b"2", "key"),
        ]

    def test_members(self, amp: Any) -> None:
        """The documented attributes are there, with their meaning."""
        wire = amp.BinaryBoxProtocol(amp._ParserHelper())
        transport = RecordingTransport().connect(wire)
        assert (wire.structFormat, wire.prefixLength, wire.MAX_LENGTH, wire.state) == ("!H", 2, 255, "init")
        assert (wire._MAX_KEY_LENGTH, wire._MAX_VALUE_LENGTH) == (255, 65535)
        assert (wire.hostCertificate, wire.noPeerCertificate, wire.innerProtocol) == (None, False, None)
        assert (wire._startingTLSBuffer, wire._locked, wire._justStartedTLS) == (None, False, False)
        wire.dataReceived(b"\x00\x01a\x00\x05b")
        assert (wire.recvd, wire._unprocessed[wire._compatibilityOffset :], wire.state) == (
            b"\x00\x05b",
            b"\x00\x05b",
            "value",
        )
        assert (wire._currentKey, wire._currentBox, wire.MAX_LENGTH) == (b"a", {}, 65535)
        wire.sendString(b"x")
        wire.sendBox(amp.Box())
        wire.pauseProducing()
        wire.resumeProducing()
        wire.stopProducing()
        assert transport.names() == ["write", "write", "pauseProducing", "resumeProducing", "stopProducing"]
        assert transport.written == b"\x00\x01x\x00\x00"

    def test_counters(self, amp: Any) -> None:
        """Descriptors are counted by callables, and claimed by one."""
        wire = amp.BinaryBoxProtocol(amp._ParserHelper())
        RecordingTransport().connect(wire)
        assert [wire._sendingDescriptorCounter() for _ in range(3)] == [0, 1, 2]
        wire.fileDescriptorReceived(1000001)
        assert (wire._descriptors, wire._receivingDescriptorCounter()) == ({0: 1000001}, 1)
        assert (wire._getDescriptor(0), wire._descriptors) == (1000001, {})

    @pytest.mark.parametrize("where", ["class", "instance"])
    def test_limit(self, amp: Any, where: str) -> None:
        """A key's limit may be another, and what happens there, too."""
        lengths: list[int] = []
        kind = type("Own", (amp.BinaryBoxProtocol,), {"MAX_LENGTH": 3} if where == "class" else {})
        wire = kind(amp._ParserHelper())
        if where == "instance":
            wire.MAX_LENGTH = 3
        wire.lengthLimitExceeded = lengths.append
        RecordingTransport().connect(wire)
        wire.dataReceived(b"\x00\x04abcd")
        assert lengths == [4]

    def test_keyLengthLimit(self, amp: Any) -> None:
        """The flag of a key that is too long, and the reason that is given."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        waiting = client.callRemoteString(b"x")
        client.dataReceived(b"\x01\x00")
        assert client._keyLengthLimitExceeded
        client.connectionLost(Failure(ConnectionDone()))
        errors: list[Any] = []
        waiting.addErrback(lambda failure: errors.append(failure.value))
        assert [(type(each), each.isKey, each.isLocal) for each in errors] == [(amp.TooLong, True, False)]

    def test_certificates(self, amp: Any) -> None:
        """They are read, and what is for tests is set, on instances."""
        client = amp.AMP()
        client.hostCertificate = "mine"
        client.noPeerCertificate = True
        assert (client.hostCertificate, client.peerCertificate) == ("mine", None)

    def test_noTLS(self, amp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """C{ssl = None}, set from outside, is honoured."""
        monkeypatch.setattr(amp, "ssl", None)
        with pytest.raises(RuntimeError, match="TLS not available"):
            amp.StartTLS()
        with pytest.raises(amp.RemoteAmpError):
            amp._TLSBox()

    def test_parserHelper(self, amp: Any) -> None:
        """It parses, as a class and as an instance."""
        data = amp.Box(a=b"1").serialize()
        assert amp.parseString(data) == amp._ParserHelper.parseString(data) == [{b"a": b"1"}]
        helper = amp._ParserHelper()
        amp.BinaryBoxProtocol(boxReceiver=helper).makeConnection(helper)
        assert helper.boxes == []


class TestLocators:
    """Responders are found in other ways."""

    def test_locateResponder(self, amp: Any) -> None:
        """A subclass may find responders, and ask its base for the others."""
        command = double(amp)

        class Peer(responding(amp, command)):  # type: ignore[misc]
            def locateResponder(self, name: bytes) -> Any:
                if name == b"Own":
                    return lambda box: succeed(amp.Box(n=b"99"))
                return super().locateResponder(name)

        class Own(command):  # type: ignore[misc]
            pass

        assert talk(amp.AMP(), Peer(), command, n=4) == [{"n": 8}]
        assert talk(amp.AMP(), Peer(), Own, n=4) == [{"n": 99}]

    def test_keywords(self, amp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """A word that an application adds is capitalized."""
        monkeypatch.setattr(amp, "PYTHON_KEYWORDS", amp.PYTHON_KEYWORDS)
        amp.PYTHON_KEYWORDS.append("match")
        try:
            assert amp._wireNameToPythonIdentifier(b"match") == "Match"
        finally:
            amp.PYTHON_KEYWORDS.remove("match")

    def test_startStop(self, amp: Any) -> None:
        """A peer is told of its connection by the methods of a receiver of boxes."""
        calls: list[Any] = []

        class Peer(amp.AMP):  # type: ignore[misc]
            def startReceivingBoxes(self, boxSender: Any) -> None:
                calls.append(boxSender)
                super().startReceivingBoxes(boxSender)

            def stopReceivingBoxes(self, reason: Any) -> None:
                calls.append(reason.type)
                super().stopReceivingBoxes(reason)

        peer = Peer()
        RecordingTransport().connect(peer)
        peer.connectionLost(Failure(ConnectionDone()))
        assert calls == [peer, ConnectionDone]

    def test_protocolErrors(self, amp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """An application's own code for its own error, for every command."""

        class Denied(Exception):
            pass

        monkeypatch.setitem(amp.PROTOCOL_ERRORS, b"DENIED", Denied)
        client = amp.AMP()
        RecordingTransport().connect(client)
        errors: list[Any] = []
        client.callRemoteString(b"x").addErrback(lambda failure: errors.append(failure.type))
        client.dataReceived(amp.Box(_error=b"1", _error_code=b"DENIED", _error_description=b"").serialize())
        assert errors == [Denied]

    def test_waiting(self, amp: Any) -> None:
        """A responder's Deferred is cancelled by nobody when the connection is lost."""
        command = double(amp)
        waiting: Deferred[Any] = Deferred()

        class Peer(amp.AMP):  # type: ignore[misc]
            @command.responder  # type: ignore[untyped-decorator]
            def double(self, n: int) -> Any:
                return waiting

        connection = connectInMemory(amp.AMP(), Peer())
        connection.client.protocol.callRemote(command, n=1).addErrback(lambda failure: None)
        connection.pump()
        connection.drop()
        assert not waiting.called
        waiting.callback({"n": 1})
