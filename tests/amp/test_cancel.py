"""Tests for L{twisted_basic_ng.amp._cancel}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock

from twisted_basic_ng import amp

from .extended import Echo, ExtendedCase, Peer, StockPeer


class CancelCase(ExtendedCase):
    """The server's responder waits."""

    def setUp(self) -> None:
        super().setUp()
        self.prepare()

    def prepare(self) -> None:
        self.responses: list[Deferred[Any]] = []
        self.reasons: list[Any] = []
        self.server.respond = self.wait

    def wait(self, data: bytes, numbers: Any) -> Any:
        waiting = Deferred[Any]()
        waiting.addErrback(lambda failure: self.reasons.append(failure.type) or failure)
        self.responses.append(waiting)
        return waiting

    def call(self) -> Any:
        """Make a call, and handle its result."""
        call = self.client.callRemote(Echo, data=b"x")
        self.results = self.waiting(call)
        return call


class CancelTests(CancelCase):
    """Cancelling a call cancels its responder."""

    def test_cancel(self) -> None:
        """
        The responder is cancelled, and the answer has the code for that.  The features are asked
        for once.
        """
        for _ in range(2):
            call = self.call()
            self.wire.flush()
            call.cancel()
            self.assertEqual([type(each) for each in self.results], [CancelledError])
            self.wire.flush()
        self.assertEqual(self.reasons, [CancelledError] * 2)
        self.assertEqual(self.sent(), [b"Echo", b"_extensions", (b"_cancel",), b"Echo", (b"_cancel",)])
        self.assertEqual(self.sent(self.server), [b"answer", b"CANCELLED", b"CANCELLED"])
        self.assertEqual((self.client._ampCancelledRequests, self.server._ampResponding), (None, {}))
        self.assertEqual(amp.parseString(self.client.wire.written)[-1], {b"_cancel": b"3"})

    def test_once(self) -> None:
        """
        Other calls do not wait for the question, and a call answered meanwhile needs no C{_cancel}
        box.
        """
        first, second = self.call(), self.call()
        self.wire.flush()
        self.responses[0].callback({"data": b"x"})
        first.cancel()
        self.client.callRemote(Echo, data=b"y").addErrback(lambda failure: None)
        self.assertEqual(self.sent()[2:], [b"_extensions", b"Echo"])
        self.wire.flush()
        self.assertEqual(self.sent()[4:], [])
        second.cancel()
        self.assertEqual(self.sent()[4:], [(b"_cancel",)])

    def test_coroutine(self) -> None:
        """
        A coroutine gets C{CancelledError}, can see that it was cancelled, and may still answer.
        """
        seen: list[bool] = []

        async def respond() -> Any:
            call = amp.currentCall()
            assert call is not None
            try:
                seen.append(call.isCancelled)
                await Deferred()
            except CancelledError:
                seen.append(call.isCancelled)
            return {"data": b"x"}

        self.server.respond = lambda data, numbers: respond()
        call = self.call()
        self.wire.flush()
        call.cancel()
        self.wire.flush()
        self.assertEqual((seen, self.sent(self.server)[-1]), ([False, True], b"answer"))

    def test_deadline(self) -> None:
        """A call whose deadline passes is cancelled at the peer, too."""
        self.client._ampClock = clock = Clock()
        self.server._ampClock = Clock()  # this clock stands still
        self.results = self.waiting(self.client.callRemoteWithin(1, Echo, data=b"x"))
        self.wire.flush()
        clock.advance(1)
        self.wire.flush()
        self.assertIsInstance(self.results[0], amp.DeadlineError)
        self.assertEqual(self.reasons, [CancelledError])
        self.assertEqual(self.server._ampClock.getDelayedCalls(), [])

    def test_unknown(self) -> None:
        """An unknown tag is ignored: one never used, answered before, or cancelled twice."""
        self.client._ampExtend().ask()
        call = self.call()
        self.wire.flush()
        call.cancel()
        for tag in (b"2", b"2", b"1", b"", b"x" * 1000):
            self.client.sendBox(amp.AmpBox(_cancel=tag))
        self.wire.flush()
        self.client.sendBox(amp.AmpBox(_cancel=b"2"))
        self.wire.flush()
        self.assertEqual(self.reasons, [CancelledError])
        self.assertFalse(self.wire.server.disconnecting)

    def test_lost(self) -> None:
        """Nothing is kept after the connection is lost."""
        call = self.call()
        self.wire.flush()
        call.cancel()
        cancel = self.client._ampExtensions.feature(b"cancel")
        self.assertEqual(cancel._untold, {b"1": None})
        self.wire.drop()
        self.assertEqual(cancel._untold, {})
        self.assertEqual(self.reasons, [])

    def test_switching(self) -> None:
        """No C{_cancel} box is sent while the protocol switches."""
        self.client._ampExtend().ask()
        calls = [self.call(), self.call()]
        self.wire.flush()
        self.client._lockForSwitch()
        for each in calls:
            each.cancel()
        self.assertEqual(self.sent().count((b"_cancel",)), 0)

    def test_several(self) -> None:
        """If the box for one call cannot be sent, the next is not tried."""
        calls = [self.call(), self.call()]
        self.wire.flush()
        for each in calls:
            each.cancel()
        self.client._lockForSwitch()
        self.wire.flush()
        self.assertEqual(self.sent().count((b"_cancel",)), 0)

    def test_startTLS(self) -> None:
        """Cancelling before TLS is sent after TLS has started."""
        for end in (self.wire.client, self.wire.server):
            end.startTLS = lambda options: None  # type: ignore[method-assign]
        call = self.call()
        self.wire.flush()
        starting = self.waiting(self.client.callRemote(amp.StartTLS))
        call.cancel()
        self.wire.flush()
        self.assertEqual((starting, self.reasons), ([{}], [CancelledError]))
        self.client._ampExtensions.restart()
        self.assertEqual(self.sent().count(b"_extensions"), 1)


class KeptTests(CancelCase):
    """Calls that the peer keeps because too many are in progress."""

    def test_kept(self) -> None:
        """The responder of a cancelled call is not called, and the call is answered in its turn."""
        server = Peer()
        server.MAX_ASKS_IN_PROGRESS = 1
        self.join(Peer(), server)
        self.prepare()
        self.client.respond = lambda data, numbers: Deferred()
        self.ask(1, server)  # makes the server read while it keeps calls
        _, second, _ = (self.call() for _ in range(3))
        self.wire.flush()
        second.cancel()
        self.wire.flush()
        self.assertEqual(len(self.responses), 1)
        self.assertEqual(self.sent(self.server), [b"Echo", b"answer"])
        self.responses[0].callback({"data": b"x"})
        self.wire.flush()
        self.assertEqual(len(self.responses), 2)
        self.assertEqual(self.sent(self.server), [b"Echo", b"answer", b"answer", b"CANCELLED"])
        self.responses[1].callback({"data": b"x"})
        self.assertEqual(server._ampOverload._cancelled, set())
        server.dataReceived(amp.AmpBox(_cancel=b"99").serialize())
        self.assertEqual(server._ampOverload._cancelled, set())


class StockTests(CancelCase):
    """The peer does not support cancelling."""

    def test_stock(self) -> None:
        """The peer is asked once, and its late answers are dropped, as usual."""
        self.join(Peer(), StockPeer())
        self.prepare()
        for _ in range(2):
            self.call().cancel()
            self.wire.flush()
        self.responses[0].callback({"data": b"x"})
        self.responses[1].callback({"data": b"x"})
        self.wire.flush()
        self.assertEqual(self.sent(), [b"Echo", b"_extensions", b"Echo"])
        self.assertEqual((self.reasons, self.client._ampCancelledRequests), ([], None))

    def test_off(self) -> None:
        """With the features off, the peer is not asked, and its C{_cancel} box is an error."""
        self.join(Peer(), Peer())
        self.client.extended = False
        self.prepare()
        self.call().cancel()
        self.wire.flush()
        self.assertEqual(self.sent(), [b"Echo"])
        self.assertRaises(amp.NoEmptyBoxes, self.client.ampBoxReceived, amp.AmpBox(_cancel=b"1"))
        self.wire.drop()
        self.assertEqual(self.reasons, [])

    def test_unsent(self) -> None:
        """A call that was not sent needs no C{_cancel} box."""
        self.client.callRemote(Echo, data=b"x" * 100_000).addErrback(lambda failure: None).cancel()
        self.wire.flush()
        self.assertEqual(self.sent(), [b"_extensions"])

    def test_foreign(self) -> None:
        """Over an application's own box sender, no C{_cancel} box is sent."""
        dispatcher = amp.BoxDispatcher(None)
        dispatcher.extended = True
        dispatcher.boxSender = type("Sender", (), {"sendBox": lambda self, box: None})()
        call = dispatcher.callRemoteString(b"x")
        assert call is not None
        failures = self.waiting(call)
        call.cancel()
        self.assertIsInstance(failures[0], CancelledError)
        dispatcher.failAllOutgoing(ConnectionLost())  # type: ignore[arg-type]
