"""Tests for L{twisted_basic_ng.amp._currentcall}."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng import amp

from .conversations import Sender


class Look(amp.Command):
    """A command whose responder looks at the current call, in the way that C{how} says."""

    arguments = [(b"how", amp.Unicode())]


class Other(amp.Command):
    """A command that the responder calls."""


class Locator(amp.CommandLocator):
    """
    Responds, and records the current calls.

    @ivar seen: the name of each case, and the current call.
    """

    dispatcher: amp.BoxDispatcher

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.waiting: Deferred[Any] = Deferred()

    def look(self, how: str, result: Any = None) -> Any:
        self.seen.append((how, amp.currentCall()))
        return result

    @Look.responder
    def respond(self, how: str) -> Any:
        self.look(how)
        return getattr(self, how)(how)

    def plain(self, how: str) -> Any:
        return {}

    def raising(self, how: str) -> Any:
        raise ZeroDivisionError

    async def coroutine(self, how: str) -> Any:
        self.look(how)
        await self.waiting
        self.look(how)
        return {}

    @inlineCallbacks
    def generator(self, how: str) -> Any:
        yield self.waiting
        self.look(how)
        return {}

    def calling(self, how: str) -> Any:
        return self.dispatcher.callRemote(Other).addBoth(lambda result: self.look(how, {}))

    def cancelling(self, how: str) -> Any:
        call = self.dispatcher.callRemote(Other).addBoth(lambda result: self.look(how, {}))
        call.addBoth(lambda result: self.dispatcher.callRemoteString(b"more"))
        call.addBoth(lambda result: self.look(how, {}))
        return call


class Case(SynchronousTestCase):
    """A dispatcher that responds."""

    def setUp(self) -> None:
        self.locator = Locator()
        self.dispatcher, self.sender = self.connected(self.locator)
        self.locator.dispatcher = self.dispatcher

    def connected(self, locator: Any) -> tuple[amp.BoxDispatcher, Sender]:
        dispatcher, sender = amp.BoxDispatcher(locator), Sender()
        dispatcher.unknownErrorsAreFatal = False
        dispatcher.startReceivingBoxes(sender)
        return dispatcher, sender

    def ask(self, how: str) -> None:
        self.dispatcher.ampBoxReceived(amp.AmpBox(_ask=b"7", _command=b"Look", how=how.encode()))

    def shown(self) -> list[tuple[str, bytes | None]]:
        """Return the recorded commands by name, and check that there is no current call outside."""
        assert amp.currentCall() is None
        return [(how, None if call is None else call.commandName) for how, call in self.locator.seen]


class ResponderTests(Case):
    """Each kind of responder sees its call."""

    def test_plain(self) -> None:
        """A plain function sees its call, and so does one that raises."""
        self.ask("plain")
        self.ask("raising")
        self.assertEqual(self.shown(), [("plain", b"Look"), ("raising", b"Look")])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_coroutine(self) -> None:
        """
        A coroutine sees its call after an C{await}, too, even if another call fires the Deferred.
        """
        self.ask("coroutine")
        self.assertEqual(self.shown(), [("coroutine", b"Look")] * 2)
        self.ask("generator")
        self.locator.waiting.callback(None)
        self.assertEqual(self.shown()[3:], [("coroutine", b"Look"), ("generator", b"Look")])
        first, second = self.locator.seen[0][1], self.locator.seen[2][1]
        self.assertEqual([call == first for _, call in self.locator.seen], [True, True, False, True, False])
        self.assertEqual(self.locator.seen[4][1], second)
        self.assertEqual(len({call for _, call in self.locator.seen}), 2)
        self.assertNotEqual(first, "a call")

    def test_callbacks(self) -> None:
        """Callbacks of a responder's own calls see the call, even of a cancelled one."""
        self.ask("calling")
        self.dispatcher.ampBoxReceived(amp.AmpBox(_answer=b"1"))
        self.ask("cancelling")
        self.dispatcher._outstandingRequests[b"2"].cancel()  # type: ignore[index]
        self.dispatcher.ampBoxReceived(amp.AmpBox(_error=b"3", _error_code=b"X", _error_description=b""))
        self.assertEqual(self.shown(), [("calling", b"Look")] * 2 + [("cancelling", b"Look")] * 3)

    def test_kept(self) -> None:
        """A call that has fired no longer refers to the call in whose responder it was made."""
        calls: list[Any] = []

        def make(how: str) -> Any:
            calls.extend([self.dispatcher.callRemote(Other) for each in "1234"])
            self.dispatcher.ampBoxReceived(amp.AmpBox(_answer=b"1"))
            calls[1].addErrback(lambda failure: None).cancel()
            return {}

        self.locator.plain = make  # type: ignore[method-assign]
        self.ask("plain")
        self.assertEqual([each._ampAskedIn is None for each in calls], [True, True, False, False])
        calls[2].addErrback(lambda failure: None).cancel()
        self.dispatcher.ampBoxReceived(amp.AmpBox(_answer=b"4"))
        self.assertEqual([each._ampAskedIn for each in calls], [None] * 4)

    def test_foreign(self) -> None:
        """
        A call made outside of responders sees no current call, even if a responder delivers its
        answer.
        """
        call = self.dispatcher.callRemote(Other)
        call.addCallback(lambda result: self.locator.look("outside"))
        answer = amp.AmpBox(_answer=b"1")
        self.locator.plain = lambda how: self.dispatcher.ampBoxReceived(answer) or {}  # type: ignore[method-assign]
        self.ask("plain")
        self.assertEqual(self.shown(), [("plain", b"Look"), ("outside", None)])

    def test_nested(self) -> None:
        """A nested call is the current one until its responder returns."""
        inner, other = Locator(), Locator()
        dispatcher, _ = self.connected(inner)
        box = amp.AmpBox(_ask=b"1", _command=b"Look", how=b"plain")

        def nest(how: str) -> Any:
            dispatcher.ampBoxReceived(box)
            return self.locator.look(how, {})

        self.locator.plain = nest  # type: ignore[method-assign]
        self.ask("plain")
        outer, behind = (call for _, call in self.locator.seen)
        self.assertEqual(outer, behind)
        self.assertEqual([call.protocol for _, call in inner.seen], [dispatcher])
        self.assertIs(outer.protocol, self.dispatcher)
        self.assertEqual(other.seen, [])


class AttributeTests(Case):
    """A call has the attributes that are known of it."""

    def look(self, command: bytes = b"Look") -> Any:
        """Answer a call, and return what its responder saw."""
        self.ask("plain")
        return self.locator.seen[0][1]

    def test_command(self) -> None:
        """It has the command; the deadline is C{None} and C{isCancelled} is false."""
        call = self.look()
        self.assertIs(call.command, Look)
        self.assertEqual((call.commandName, call.deadline, call.isCancelled), (b"Look", None, False))
        self.assertEqual((call.peer, call.peerCertificate), (None, None))
        self.assertEqual(repr(call), "<CurrentCall of b'Look' from None>")

    def test_undeclared(self) -> None:
        """A responder without a declared command sees only the name."""

        class Named:
            def locateResponder(self, name: bytes) -> Any:
                return lambda box: seen.append(amp.currentCall()) or succeed(amp.AmpBox())

        seen: list[Any] = []
        dispatcher, _ = self.connected(Named())
        dispatcher.ampBoxReceived(amp.AmpBox(_command=b"other"))
        self.assertEqual([(each.command, each.commandName) for each in seen], [(None, b"other")])

    def test_peer(self) -> None:
        """
        It has the peer's address, from the protocol if that keeps it, else from the transport.
        """
        address = IPv4Address("TCP", "192.0.2.1", 5)

        class Transport:
            def getPeer(self) -> Any:
                return address

        self.sender.transport = Transport()  # type: ignore[attr-defined]
        call = self.look()
        self.assertEqual(call.peer, address)
        self.sender._transportPeer = "gone"  # type: ignore[attr-defined]
        self.assertEqual((call.peer, call.peerCertificate), ("gone", None))

    def test_certificate(self) -> None:
        """It has the peer's certificate, or C{None} without one."""

        class Transport:
            def getPeerCertificate(self) -> Any:
                raise NotImplementedError

        self.sender.transport = Transport()  # type: ignore[attr-defined]
        call = self.look()
        self.assertIsNone(call.peerCertificate)
        self.sender.peerCertificate = "certificate"  # type: ignore[attr-defined]
        self.assertEqual(call.peerCertificate, "certificate")
