"""Tests for L{twisted_basic_ng.amp._protocol}."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet.defer import ensureDeferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, connectInMemory, deliver, deliveries
from twisted_basic_ng import amp


class Sum(amp.Command):
    """A command that adds two numbers."""

    arguments = [(b"a", amp.Integer()), (b"b", amp.Integer())]
    response = [(b"total", amp.Integer())]
    errors = {OverflowError: b"OVERFLOW"}
    fatalErrors = {ArithmeticError: b"FATAL"}


class Note(Sum):
    """The same command without an answer."""

    requiresAnswer = False


class Calculator(amp.AMP):
    """Responds to the commands."""

    def __init__(self) -> None:
        """Do not call the base class, which had no constructor in old versions."""
        self.notes: list[int] = []

    @Sum.responder
    async def add(self, a: int, b: int) -> dict[str, int]:
        if a > 1000:
            raise OverflowError("too much")
        if a < 0:
            raise ArithmeticError("too little")
        return {"total": await succeed(a + b)}

    @Note.responder
    def note(self, a: int, b: int) -> dict[str, int]:
        self.notes.append(a + b)
        return {"total": a + b}

    def amp_ECHO(self, box: amp.AmpBox) -> amp.AmpBox:
        return amp.AmpBox(said=box[b"say"])


class ConversationTests(SynchronousTestCase):
    """Two ends call each other."""

    def setUp(self) -> None:
        self.client, self.server = Calculator(), Calculator()
        self.connection = connectInMemory(self.client, self.server)

    def outcome(self, result: Any) -> Any:
        """Let the two ends talk, and return the result of a call."""
        outcomes: list[Any] = []
        result.addBoth(outcomes.append)
        self.connection.flush()
        (outcome,) = outcomes
        return outcome.value if isinstance(outcome, Failure) else outcome

    def test_call(self) -> None:
        """A call is answered, in both directions."""
        self.assertEqual(self.outcome(self.client.callRemote(Sum, a=1, b=2)), {"total": 3})
        self.assertEqual(self.outcome(self.server.callRemote(Sum, a=3, b=4)), {"total": 7})

    def test_awaited(self) -> None:
        """A coroutine can await calls."""

        async def conversation() -> int:
            first = await self.client.callRemote(Sum, a=1, b=2)
            second = await self.client.callRemote(Sum, a=first["total"], b=4)
            total: int = second["total"]
            return total

        self.assertEqual(self.outcome(ensureDeferred(conversation())), 7)

    def test_error(self) -> None:
        """A declared error arrives as itself, and the connection stays open."""
        error = self.outcome(self.client.callRemote(Sum, a=1001, b=2))
        self.assertEqual((type(error), str(error)), (OverflowError, "too much"))
        self.assertFalse(self.connection.server.disconnecting)

    def test_unknownError(self) -> None:
        """For an undeclared error, the caller is told which log has it, or its code."""
        for code, text, end in (
            (b"UNKNOWN", b"Unknown Error", f"; {self.client._transportPeer} failed in responding to Sum, with an"),
            (b"UNKNOWN", b"own text", "Code<UNKNOWN>: own text"),
            (b"OTHER", b"text", "answered Sum with the code b'OTHER', which Sum.errors does not declare here"),
        ):
            errors: list[Any] = []
            result = self.client.callRemote(Sum, a=1, b=2).addErrback(errors.append)
            self.assertIn("Sum object at", repr(result))
            (tag,) = self.client._outstandingRequests or ()
            self.client.ampBoxReceived(amp.AmpBox(_error=tag, _error_code=code, _error_description=text))
            error: Any = errors[0].value
            self.assertIsInstance(error, amp.UnknownRemoteError)
            self.assertIn(end, str(error))
            self.assertEqual((error.errorCode, error.description), (b"UNKNOWN", text.decode()))

    def test_fatal(self) -> None:
        """A fatal error closes the connection, and later calls are not run."""
        self.client.callRemote(Note, a=-1, b=0)
        fatal = self.client.callRemote(Sum, a=-1, b=2)
        self.client.callRemote(Note, a=5, b=5)
        self.assertIsInstance(self.outcome(fatal), ArithmeticError)
        self.assertTrue(self.connection.server.lost)
        self.assertEqual(self.server.notes, [-1])

    def test_note(self) -> None:
        """A call without an answer is run, and nothing is sent back."""
        self.assertIsNone(self.client.callRemote(Note, a=1, b=2))
        self.connection.flush()
        self.assertEqual((self.server.notes, self.connection.server.written), ([3], b""))

    def test_byName(self) -> None:
        """A method that is named after a command responds if none was declared."""
        box = self.outcome(self.client.callRemoteString(b"echo", say=b"hello"))
        self.assertEqual(box[b"said"], b"hello")

    def test_unhandled(self) -> None:
        """A command without a responder is unhandled, whatever its name."""
        for name in (b"nothing", b"\xff"):
            error = self.outcome(self.client.callRemoteString(name))
            self.assertIsInstance(error, amp.UnhandledCommand)

    def test_cancelled(self) -> None:
        """A cancelled call does not affect the others."""
        cancelled = self.client.callRemote(Sum, a=1, b=2)
        cancelled.addErrback(lambda failure: None)
        cancelled.cancel()
        self.assertEqual(self.outcome(self.client.callRemote(Sum, a=3, b=4)), {"total": 7})
        self.assertEqual(self.client._outstandingRequests, {})

    def test_lost(self) -> None:
        """All calls fail when the connection is lost."""
        result = self.client.callRemote(Sum, a=1, b=2)
        self.connection.drop()
        self.failureResultOf(result)
        self.failureResultOf(self.client.callRemote(Sum, a=1, b=2))

    def test_everyCut(self) -> None:
        """Calls are answered in the same way in any chunks."""
        data = amp.Box(_ask=b"1", _command=b"echo", say=b"x").serialize()
        for chunks in deliveries(data * 2):
            protocol = Calculator()
            transport = RecordingTransport().connect(protocol)
            deliver(protocol, chunks)
            self.assertEqual(amp.parseString(transport.written), [{b"_answer": b"1", b"said": b"x"}] * 2)


class CompositionTests(SynchronousTestCase):
    """A connection may be composed of several objects."""

    def test_locator(self) -> None:
        """Another object may locate the responders."""

        class Locator(amp.CommandLocator):
            @Sum.responder
            def add(self, a: int, b: int) -> dict[str, int]:
                return {"total": a * b}

        client = amp.AMP()
        connection = connectInMemory(client, amp.AMP(locator=Locator()))
        result = client.callRemote(Sum, a=3, b=4)
        connection.flush()
        self.assertEqual(self.successResultOf(result), {"total": 12})

    def test_boxReceiver(self) -> None:
        """Another object may receive the boxes."""
        calls: list[Any] = []

        class Receiver:
            startReceivingBoxes = calls.append
            ampBoxReceived = calls.append
            stopReceivingBoxes = calls.append

        protocol = amp.AMP(boxReceiver=Receiver)
        RecordingTransport().connect(protocol)
        protocol.dataReceived(amp.Box(a=b"1").serialize())
        reason = Failure(ConnectionDone())
        protocol.connectionLost(reason)
        self.assertEqual(calls, [protocol, {b"a": b"1"}, reason])


class LogTests(SynchronousTestCase):
    """Connections are logged."""

    def events(self, protocol: amp.AMP, transport: RecordingTransport) -> list[str]:
        """Make a connection and lose it, and return the logged texts."""
        observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)
        transport.connect(protocol)
        protocol.connectionLost(Failure(ConnectionDone()))
        return [event["log_format"].format(**event) for event in observer]

    def test_logged(self) -> None:
        """The texts have both addresses, in Twisted's words."""
        where = (
            "(HOST:IPv4Address(type='TCP', host='192.0.2.2', port=54321) "
            "PEER:IPv4Address(type='TCP', host='192.0.2.1', port=12345))"
        )
        self.assertEqual(
            self.events(Calculator(), RecordingTransport()),
            [f"Calculator connection established {where}", f"Calculator connection lost {where}"],
        )

    def test_quiet(self) -> None:
        """A class may switch the log off."""

        class Quiet(amp.AMP):
            logConnections = False

        self.assertEqual(self.events(Quiet(), RecordingTransport()), [])

    def test_noAddresses(self) -> None:
        """A transport need not know its addresses."""
        lines = self.events(amp.AMP(), RecordingTransport(lacking=["getPeer", "getHost"]))
        self.assertEqual(lines[0], "AMP connection established (HOST:None PEER:None)")

    def test_repr(self) -> None:
        """The C{repr} of a connection names its class and its address in memory."""
        protocol = Calculator()
        protocol._ampInitialized = True
        self.assertEqual(repr(protocol), f"<Calculator at 0x{id(protocol):x}>")


class ParserHelperTests(SynchronousTestCase):
    """Boxes are read without a connection."""

    data = amp.Box(a=b"1").serialize() + amp.Box(b=b"2").serialize()

    def test_both(self) -> None:
        """They are read from a file or from bytes."""
        self.assertEqual(amp.parse(BytesIO(self.data)), [{b"a": b"1"}, {b"b": b"2"}])
        self.assertEqual(amp.parseString(self.data), [{b"a": b"1"}, {b"b": b"2"}])

    def test_strict(self) -> None:
        """With C{strict}, an unfinished box raises an error."""
        self.assertEqual(amp.parseString(self.data[:-1]), [{b"a": b"1"}])
        self.assertRaises(amp.TruncatedBoxError, amp.parseString, self.data[:-1], strict=True)
        self.assertRaises(amp.TruncatedBoxError, amp.parse, BytesIO(self.data[:-1]), strict=True)

    def test_receiver(self) -> None:
        """The helper receives boxes of a protocol, and serves as its transport."""
        helper = amp._ParserHelper()
        protocol = amp.AMP(boxReceiver=helper)
        protocol.makeConnection(helper)
        protocol.dataReceived(self.data)
        self.assertEqual(helper.boxes, [{b"a": b"1"}, {b"b": b"2"}])
        self.assertEqual((helper.getPeer(), helper.getHost(), helper.disconnecting), ("string", "string", False))
