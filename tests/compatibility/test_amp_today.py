"""
Tests for responders and callers in modern Python, and for everyday problems of Twisted's AMP that
ours does not have.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, connectInMemory
from twisted_basic_ng import amp


class Add(amp.Command):
    arguments = [(b"a", amp.Integer()), (b"f", amp.Integer(optional=True))]
    response = [(b"total", amp.Integer())]
    errors = {ZeroDivisionError: b"ZERO"}


class Text(amp.Command):
    arguments = [(b"size", amp.Integer())]
    response = [(b"text", amp.String())]


class Server(amp.AMP):
    """A server with a coroutine responder and a plain one."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Deferred[int]] = []

    @Add.responder
    async def add(self, a: int, f: int | None) -> dict[str, int]:
        if a == 0:
            raise ZeroDivisionError("in a coroutine")
        waiting: Deferred[int] = Deferred()
        self.held.append(waiting)
        return {"total": a + await waiting}

    def release(self, more: int = 0) -> None:
        while self.held:
            self.held.pop(0).callback(more)

    @Text.responder
    def text(self, size: int) -> dict[str, Any]:
        return {"text": b"x" * size if size else "text"}

    def unhandledError(self, failure: Failure) -> None:
        raise AssertionError(failure)


class Case(SynchronousTestCase):
    """A client and a server that are connected."""

    def setUp(self) -> None:
        self.client, self.server = amp.AMP(), Server()
        self.connection = connectInMemory(self.client, self.server)

    def outcome(self, calling: Any) -> list[Any]:
        outcomes: list[Any] = []
        calling.addBoth(outcomes.append)
        self.connection.flush()
        return outcomes


class CoroutineTests(Case):
    """Tests for coroutines on both ends."""

    def test_responder(self) -> None:
        """A coroutine's result becomes the answer, and its errors are those of the command."""
        outcome = self.outcome(self.client.callRemote(Add, a=1))
        self.assertEqual(outcome, [])
        self.server.release(2)
        self.connection.flush()
        self.assertEqual(outcome, [{"total": 3}])
        (failure,) = self.outcome(self.client.callRemote(Add, a=0))
        self.assertEqual((failure.type, str(failure.value)), (ZeroDivisionError, "in a coroutine"))

    def test_caller(self) -> None:
        """Calls can be awaited one after the other, and several at once."""

        async def use() -> list[Any]:
            first = await self.client.callRemote(Add, a=1)
            two = [self.client.callRemote(Add, a=each) for each in (2, 3)]
            try:
                await self.client.callRemote(Add, a=0)
            except ZeroDivisionError as error:
                return [first, await two[1], await two[0], str(error)]
            raise AssertionError

        outcome = self.outcome(ensureDeferred(use()))
        for _ in range(2):
            self.server.release()
            self.connection.flush()
        self.assertEqual(outcome, [[{"total": 1}, {"total": 3}, {"total": 2}, "in a coroutine"]])

    def test_named(self) -> None:
        """A method that is found by its name may be a coroutine function."""

        class Named(amp.AMP):
            async def amp_ECHO(self, box: amp.AmpBox) -> amp.AmpBox:
                return amp.AmpBox({b"x": box[b"x"]})

        client = amp.AMP()
        self.connection = connectInMemory(client, Named())
        self.assertEqual(self.outcome(client.callRemoteString(b"echo", x=b"1")), [{b"x": b"1", b"_answer": b"1"}])


class CancellingTests(Case):
    """Tests for cancelled calls."""

    def test_freed(self) -> None:
        """
        A cancelled request is forgotten at once.  Its late answer does no harm to the next call.
        """
        calling = self.client.callRemote(Add, a=1)
        failures: list[Any] = []
        calling.addErrback(failures.append)
        calling.cancel()
        self.assertEqual(([each.type for each in failures], self.client._outstandingRequests), ([CancelledError], {}))
        other = self.outcome(self.client.callRemote(Add, a=2))
        self.server.release()
        self.connection.flush()
        self.assertEqual(other, [{"total": 2}])
        self.assertFalse(self.connection.client.disconnecting)

    def test_answeredTwice(self) -> None:
        """Only one late answer to a cancelled call is ignored."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        calling = client.callRemote(Add, a=1)
        calling.addErrback(lambda failure: None)
        calling.cancel()
        late = amp.Box(_error=b"1", _error_code=b"ZERO", _error_description=b"").serialize()
        client.dataReceived(late)
        self.assertRaises(KeyError, client.dataReceived, late)

    def test_throughCoroutine(self) -> None:
        """Cancelling a coroutine that awaits a call cancels the call."""

        async def use() -> None:
            await self.client.callRemote(Add, a=1)

        using = ensureDeferred(use())
        failures: list[Any] = []
        using.addErrback(failures.append)
        using.cancel()
        self.assertEqual(([each.type for each in failures], self.client._outstandingRequests), ([CancelledError], {}))


class EverydayTests(Case):
    """Tests for small everyday problems."""

    def test_f(self) -> None:
        """An argument may have the name C{f}."""
        outcome = self.outcome(self.client.callRemote(Add, a=1, f=2))
        self.server.release(5)
        self.connection.flush()
        self.assertEqual(outcome, [{"total": 6}])

    def assertLogged(self) -> None:
        """Assert that the responder's side has logged the reason."""
        self.assertEqual(len(self.flushLoggedErrors(TypeError, amp.TooLong)), 1)

    def test_unserialisable(self) -> None:
        """If an answer cannot be serialised, the caller gets an error, for any reason."""
        for size in (0, 65536):
            self.setUp()
            (failure,) = self.outcome(self.client.callRemote(Text, size=size))
            self.assertEqual(failure.type, amp.UnknownRemoteError)
            self.assertTrue(self.connection.client.lost)
            self.assertLogged()

    def test_unserialisableKept(self) -> None:
        """
        With C{unknownErrorsAreFatal} off, only the caller gets the error, and the connection stays
        open.
        """
        self.server.unknownErrorsAreFatal = False
        for size in (0, 65536):
            (failure,) = self.outcome(self.client.callRemote(Text, size=size))
            self.assertEqual(failure.type, amp.UnknownRemoteError)
            self.assertLogged()
        self.assertEqual(self.outcome(self.client.callRemote(Text, size=1)), [{"text": b"x"}])

    def test_tooLong(self) -> None:
        """The text of C{TooLong} has the key and both lengths."""
        error = self.assertRaises(amp.TooLong, self.client.callRemoteString, b"x", a=b"v" * 70000)
        advice = "; x was not sent: split it over several calls"
        self.assertEqual(str(error), "local value b'a' too long: got 70000 bytes, at most 65535" + advice)

    def test_dateTime(self) -> None:
        """C{import *} includes C{DateTime}."""
        self.assertIn("DateTime", amp.__all__)

    def test_quietConnections(self) -> None:
        """With C{logConnections} off, connections are not logged."""
        from twisted.logger import globalLogPublisher

        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        for quiet in (True, False):

            class Own(amp.AMP):
                logConnections = not quiet

            RecordingTransport().connect(Own())
            self.assertEqual(len(events), 0 if quiet else 1)

    def test_withoutAddresses(self) -> None:
        """A transport need not have C{getPeer} and C{getHost}."""
        protocol = amp.AMP()
        RecordingTransport(lacking=["getPeer", "getHost"]).connect(protocol)
        self.assertEqual((protocol._transportPeer, protocol._transportHost), (None, None))

    def test_overriddenResponder(self) -> None:
        """With C{overriddenResponders}, an override needs no decorator."""

        class Derived(Server):
            overriddenResponders = True

            def text(self, size: int) -> dict[str, Any]:
                return {"text": b"%d" % size}

        self.client = amp.AMP()
        self.connection = connectInMemory(self.client, Derived())
        self.assertEqual(self.outcome(self.client.callRemote(Text, size=7)), [{"text": b"7"}])

    def test_nestedLists(self) -> None:
        """Lists of rows can be nested."""
        rows = amp.ListOf(amp.ListOf(amp.AmpList([(b"x", amp.Integer())])))
        value = [[[{"x": 1}], []], []]
        self.assertEqual(rows.fromStringProto(rows.toStringProto(value, self.client), self.client), value)
