"""Tests for subclasses of boxes, boxes with effects, and boxes parsed from strings."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from twisted.internet.defer import succeed

from tests.helpers import RecordingTransport, bytewise, connectInMemory, deliver


class Sender:
    """A connection that records the calls of a box."""

    def __init__(self) -> None:
        self.transport = RecordingTransport()
        self.hostCertificate: Any = None
        self.asked: list[Any] = []

    def sendBox(self, box: Any) -> None:
        self.asked.append(("sendBox", type(box).__name__, dict(box)))

    def _lockForSwitch(self) -> None:
        self.asked.append("_lockForSwitch")

    def _switchTo(self, newProto: Any, clientFactory: Any = None) -> None:
        self.asked.append(("_switchTo", newProto))

    def _startTLS(self, certificate: Any, verifyAuthorities: Any) -> None:
        self.asked.append(("_startTLS", type(certificate).__name__, verifyAuthorities))


class TestBoxes:
    """Boxes are dictionaries, and can be subclassed."""

    def test_dictionary(self, amp: Any) -> None:
        """Boxes are equal to dictionaries, and accept names as bytes, strings or keywords."""
        box = amp.AmpBox({"a": b"1", b"b": b"2"}, c=b"3")
        assert box == {b"a": b"1", b"b": b"2", b"c": b"3"}
        assert amp.Box is amp.AmpBox
        assert amp.AmpBox([(b"a", b"1")]) == {b"a": b"1"}
        with pytest.raises(UnicodeEncodeError):
            amp.AmpBox({"\N{SNOWMAN}": b""})

    def test_subclass(self, amp: Any) -> None:
        """A subclass can override C{serialize}, and its result is sent."""

        class Own(amp.AmpBox):
            def serialize(self) -> Any:
                return amp.AmpBox({key: value.upper() for key, value in self.items()}).serialize()

        class Send(amp.Command):
            arguments = [(b"text", amp.String())]
            commandType = Own
            requiresAnswer = False

        protocol = amp.AMP()
        transport = RecordingTransport().connect(protocol)
        protocol.callRemote(Send, text=b"loud")
        assert transport.written == b"\0\x08_command\0\4SEND\0\4text\0\4LOUD\0\0"
        assert type(Own(a=b"1").copy()) is Own

    def test_attributes(self, amp: Any) -> None:
        """A subclass can have attributes, and accept other arguments."""

        class Own(amp.AmpBox):
            def __init__(self, extra: object = None) -> None:
                super().__init__()
                self.extra = extra

        box = Own(5)
        box[b"a"] = b"1"
        assert (box.extra, box.copy(), box.serialize()) == (5, {b"a": b"1"}, b"\0\1a\0\0011\0\0")

    @pytest.mark.parametrize("wrong", [{"a": "text"}, {b"a": "text"}])
    def test_text(self, amp: Any, wrong: Any) -> None:
        """A string is refused as a value or as a key, with an error that names it."""
        with pytest.raises(TypeError, match="Unicode value for key b'a' not allowed: 'text'"):
            amp.AmpBox(wrong).serialize()
        box = amp.AmpBox()
        box["a"] = b"1"
        with pytest.raises(TypeError, match="Unicode key not allowed: 'a'"):
            box.serialize()

    def test_tooLong(self, amp: Any) -> None:
        """A key or value that is too long is refused, with an error that has its details."""
        with pytest.raises(amp.TooLong) as caught:
            amp.Box({b"k" * 256: b""}).serialize()
        error = caught.value
        assert (error.isKey, error.isLocal, error.value, error.keyName) == (True, True, b"k" * 256, None)
        with pytest.raises(amp.TooLong) as caught:
            amp.Box({b"k": b"v" * (amp.MAX_VALUE_LENGTH + 1)}).serialize()
        error = caught.value
        assert (error.isKey, error.isLocal, len(error.value), error.keyName) == (False, True, 65536, b"k")
        assert len(amp.Box({b"k" * amp.MAX_KEY_LENGTH: b"v" * amp.MAX_VALUE_LENGTH}).serialize()) == 65796

    def test_order(self, amp: Any) -> None:
        """Keys are sent in sorted order."""
        assert amp.Box({b"b": b"", b"a": b"", b"_x": b""}).serialize() == b"\0\2_x\0\0\0\1a\0\0\0\1b\0\0\0\0"


class TestEffects:
    """Tests for boxes that do something when they are sent."""

    def test_own(self, amp: Any) -> None:
        """The C{_sendTo} of an answer can do something after sending it."""

        class Hang(amp.AmpBox):
            def _sendTo(self, proto: Any) -> None:
                super()._sendTo(proto)
                proto.transport.loseConnection()
                proto.hung = True

        class Bye(amp.Command):
            responseType = Hang

        class Server(amp.AMP):
            @Bye.responder
            def bye(self) -> Any:
                return {}

        client, server = amp.AMP(), Server()
        connection = connectInMemory(client, server)
        outcomes: list[Any] = []
        client.callRemote(Bye).addBoth(outcomes.append)
        connection.flush()
        assert (outcomes, server.hung, connection.server.lost) == ([{}], True, True)

    def test_quit(self, amp: Any) -> None:
        """C{QuitBox} closes the connection after it was sent."""
        sender = Sender()
        amp.QuitBox(a=b"1")._sendTo(sender)
        assert sender.asked == [("sendBox", "QuitBox", {b"a": b"1"})]
        assert sender.transport.disconnecting

    def test_quitSubclass(self, amp: Any) -> None:
        """A responder of boxes can return an instance of its own subclass of C{QuitBox}."""

        class Last(amp.QuitBox):
            pass

        class Server(amp.AMP):
            def amp_LAST(self, box: Any) -> Any:
                return Last(said=box[b"say"])

        client, server = amp.AMP(), Server()
        connection = connectInMemory(client, server)
        outcomes: list[Any] = []
        client.callRemoteString(b"last", say=b"bye").addBoth(outcomes.append)
        connection.flush()
        assert outcomes == [{b"said": b"bye", b"_answer": b"1"}]
        assert (connection.client.lost, connection.server.lost) == (True, True)

    def test_switch(self, amp: Any) -> None:
        """
        C{_SwitchBox} locks and switches the connection after it was sent, to the current
        C{innerProto}.
        """
        sender, box = Sender(), amp._SwitchBox("inner", a=b"1")
        box.innerProto = "another"
        box._sendTo(sender)
        assert sender.asked == [("sendBox", "_SwitchBox", {b"a": b"1"}), "_lockForSwitch", ("_switchTo", "another")]

    def test_switchSubclass(self, amp: Any) -> None:
        """A subclass of C{_SwitchBox} can add an effect."""

        class Own(amp._SwitchBox):
            def _sendTo(self, proto: Any) -> None:
                proto.asked.append("first")
                super()._sendTo(proto)

        sender = Sender()
        Own("inner")._sendTo(sender)
        assert sender.asked == ["first", ("sendBox", "Own", {}), "_lockForSwitch", ("_switchTo", "inner")]

    def test_tls(self, amp: Any) -> None:
        """C{_TLSBox} is sent without its local values, and then starts TLS."""
        pytest.importorskip("OpenSSL")
        sender, box = Sender(), amp._TLSBox()
        assert (type(box.certificate), box.certificate.client, box.verify) == (amp._NoCertificate, False, None)
        box[b"a"] = b"1"
        box._sendTo(sender)
        assert sender.asked == [("sendBox", "AmpBox", {b"a": b"1"}), ("_startTLS", "_NoCertificate", None)]

    def test_tlsWithCertificate(self, amp: Any) -> None:
        """
        C{_TLSBox} starts TLS with the certificate and authorities that the responder returned.
        """
        pytest.importorskip("OpenSSL")
        sender = Sender()
        response = {"tls_localCertificate": sender, "tls_verifyAuthorities": [1]}
        box = amp.StartTLS.makeResponse(response, sender)
        assert (box.certificate, box.verify) == (sender, [1])
        box._sendTo(sender)
        assert sender.asked == [("sendBox", "AmpBox", {}), ("_startTLS", "Sender", [1])]

    def test_withoutTLS(self, amp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """If an application sets C{amp.ssl} to C{None}, TLS is not available to either side."""
        monkeypatch.setattr(amp, "ssl", None)
        with pytest.raises(RuntimeError, match="TLS not available"):
            amp.StartTLS()
        with pytest.raises(amp.RemoteAmpError, match="TLS not available") as caught:
            amp._TLSBox()
        assert (caught.value.errorCode, caught.value.fatal) == (b"TLS_ERROR", False)
        client = amp.AMP()
        connection = connectInMemory(client, amp.AMP())
        outcomes: list[Any] = []
        client.callRemote(amp.StartTLS).addErrback(outcomes.append)
        client.callRemoteString(b"StartTLS").addErrback(outcomes.append)
        connection.flush()
        assert [each.type for each in outcomes] == [RuntimeError, amp.RemoteAmpError]
        assert (outcomes[1].value.errorCode, connection.client.lost) == (b"TLS_ERROR", False)


class TestParsing:
    """Tests for parsing boxes from strings and files."""

    DATA = b"\0\1a\0\0011\0\0" + b"\0\1b\0\0\0\0"

    def test_parse(self, amp: Any) -> None:
        """C{parse} reads a file, and C{parseString} a string.  An unfinished box is left out."""
        boxes = [{b"a": b"1"}, {b"b": b""}]
        for data in (self.DATA, self.DATA + b"\0\1c\0\5unfi"):
            assert amp.parse(BytesIO(data)) == boxes
            assert amp.parseString(data) == boxes
        assert [type(each) for each in amp.parseString(self.DATA)] == [amp.AmpBox] * 2
        assert (amp.parseString(b""), amp.parseString(b"\0\0")) == ([], [{}])

    def test_helper(self, amp: Any) -> None:
        """C{_ParserHelper} can be subclassed, and used as a box receiver and as a transport."""

        class Helper(amp._ParserHelper):
            pass

        helper = Helper()
        protocol = amp.BinaryBoxProtocol(boxReceiver=helper)
        protocol.makeConnection(helper)
        deliver(protocol, bytewise(self.DATA))
        assert (helper.boxes, helper.disconnecting) == ([{b"a": b"1"}, {b"b": b""}], False)
        assert (helper.getPeer(), helper.getHost()) == ("string", "string")
        assert Helper.parseString(self.DATA) == Helper.parse(BytesIO(self.DATA)) == helper.boxes

    def test_types(self, amp: Any) -> None:
        """
        Bytes-like objects are parsed.  Other objects raise C{TypeError}, for boxes and for lists.
        """
        for kind in (bytearray, memoryview):
            assert amp.parseString(kind(self.DATA)) == [{b"a": b"1"}, {b"b": b""}]
            assert amp.ListOf(amp.String()).fromString(kind(b"\0\1a")) == [b"a"]
        for wrong in (5, "text"):
            with pytest.raises(TypeError):
                amp.parseString(wrong)
            with pytest.raises(TypeError):
                amp.ListOf(amp.String()).fromString(wrong)

    def test_longKey(self, amp: Any) -> None:
        """A key that is too long raises an error."""
        with pytest.raises(AttributeError):
            amp.parseString(b"\x01\x00" + b"k" * 256)


class TestErrors:
    """Tests for applications' own errors, and for the table of protocol errors."""

    def test_remote(self, amp: Any) -> None:
        """
        A responder of boxes can raise C{RemoteAmpError} or a subclass, with a code, a text and
        C{fatal}.
        """

        class Busy(amp.RemoteAmpError):
            def __init__(self, seconds: int) -> None:
                super().__init__(b"BUSY", f"for {seconds} s", fatal=seconds > 10)

        class Server(amp.AMP):
            def amp_TRY(self, box: Any) -> Any:
                raise Busy(int(box[b"seconds"]))

        client = amp.AMP()
        connection = connectInMemory(client, Server())
        outcomes: list[Any] = []
        for seconds in (b"5", b"50"):
            client.callRemoteString(b"try", seconds=seconds).addErrback(outcomes.append)
            connection.flush()
        errors = [each.value for each in outcomes]
        assert [(type(each), each.errorCode, each.description) for each in errors] == [
            (amp.RemoteAmpError, b"BUSY", "for 5 s"),
            (amp.RemoteAmpError, b"BUSY", "for 50 s"),
        ]
        assert connection.client.lost

    def test_protocolErrors(self, amp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """An application can add a code and its exception to C{PROTOCOL_ERRORS}."""

        class Limited(amp.AmpError):
            pass

        monkeypatch.setitem(amp.PROTOCOL_ERRORS, b"LIMITED", Limited)
        dispatcher, outcomes = amp.BoxDispatcher(None), []
        dispatcher.startReceivingBoxes(Sender())
        dispatcher.callRemoteString(b"x").addErrback(outcomes.append)
        dispatcher.ampBoxReceived(amp.Box(_error=b"1", _error_code=b"LIMITED", _error_description=b"slowly"))
        assert (outcomes[0].type, outcomes[0].value.args) == (Limited, (b"LIMITED", "slowly"))

    def test_described(self, amp: Any) -> None:
        """
        The caller gets a declared error as an instance of its class, with the text as the only
        argument.
        """

        class Refused(Exception):
            pass

        class Try(amp.Command):
            errors = {Refused: b"REFUSED"}

        class Dispatcher(amp.BoxDispatcher):
            def _sendBoxCommand(self, command: bytes, box: Any, requiresAnswer: bool = True) -> Any:
                return succeed(None).addCallback(self.refuse)

            def refuse(self, ignored: object) -> Any:
                raise amp.RemoteAmpError(b"REFUSED", "politely")

        outcomes: list[Any] = []
        Dispatcher(None).callRemote(Try).addErrback(outcomes.append)
        assert (outcomes[0].type, outcomes[0].value.args) == (Refused, ("politely",))
