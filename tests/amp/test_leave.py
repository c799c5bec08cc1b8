"""Tests for L{twisted_basic_ng.amp._leave}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock

from twisted_basic_ng import amp

from .extended import THEIRS, Echo, ExtendedCase, Note, Peer, StockPeer


class LeavingPeer(Peer):
    """Counts how often its peer has left."""

    left = 0

    def peerLeaves(self) -> None:
        super().peerLeaves()
        self.left += 1


class LeaveCase(ExtendedCase):
    """Two ends with one clock."""

    def setUp(self) -> None:
        self.begin(LeavingPeer(), LeavingPeer())

    def begin(self, client: Any, server: Any) -> None:
        self.clock = Clock()
        for end in (client, server):
            end._ampClock = self.clock
        self.join(client, server)

    def settle(self) -> None:
        """Let everything happen that takes no time."""
        for _ in range(5):
            self.clock.advance(0)
            self.wire.flush()

    def isOpen(self) -> bool:
        return not self.wire.client.disconnecting and not self.wire.server.disconnecting


class LeaveTests(LeaveCase):
    """A connection is closed when nothing is in progress."""

    def test_idle(self) -> None:
        """An idle connection is closed at once, after the other side was told."""
        results = self.waiting(self.client.leave())
        self.assertEqual(results, [])
        self.settle()
        self.assertEqual(results, [None])
        self.assertEqual((self.client.left, self.server.left), (1, 1))
        self.assertEqual(self.sent(), [b"_extensions", (b"_leave",)])
        self.assertEqual(self.sent(self.server), [b"answer", (b"_leave",)])
        self.assertEqual(self.successResultOf(self.client.leave()), None)
        self.assertNotIn("_sendBoxCommand", vars(self.client))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_underWay(self) -> None:
        """Calls in progress in either direction are answered first."""
        waiting: dict[str, Deferred[Any]] = {"client": Deferred(), "server": Deferred()}
        self.client.respond = lambda data, numbers: waiting["client"]
        self.server.respond = lambda data, numbers: waiting["server"]
        calls = [self.ask(1), self.ask(1, self.server)]
        results = self.waiting(self.client.leave())
        self.settle()
        self.assertTrue(self.isOpen())
        waiting["server"].callback({"data": b"x"})
        self.settle()
        self.assertTrue(self.isOpen())
        waiting["client"].callback({"data": b"x"})
        self.settle()
        self.assertEqual((calls, results), ([[1], [1]], [None]))

    def test_crossing(self) -> None:
        """A call that the other side makes before it is told is answered."""
        results = self.waiting(self.client.leave())
        self.clock.advance(0)
        calls = [self.ask(1, self.server), self.ask(100_000, self.server)]
        self.settle()
        self.assertEqual((calls, results), ([[1], [100_000]], [None]))

    def test_refused(self) -> None:
        """New calls of either side fail and are not sent.  One without an answer is dropped."""
        self.server.respond = lambda data, numbers: Deferred()
        self.ask(1)
        self.client.leave().addErrback(lambda failure: None)
        self.settle()
        for end in (self.client, self.server):
            before = end.wire.written
            (error,) = self.ask(1, end)
            self.assertIsInstance(error, amp.LeavingError)
            self.assertIsInstance(error, ConnectionDone)
            self.assertIn("Echo was not sent to", str(error))
            self.assertIsNone(end.callRemote(Note, data=b"x"))
            self.assertEqual(end.wire.written, before)
        self.wire.drop()
        self.assertIsInstance(self.ask(1)[0], ConnectionLost)

    def test_nested(self) -> None:
        """A responder may call its caller for its answer."""
        held: Deferred[None] = Deferred()

        async def respond() -> Any:
            await held
            return await self.server.callRemote(Echo, data=b"xx")

        self.server.respond = lambda data, numbers: respond()
        calls = self.ask(1)
        results = self.waiting(self.client.leave())
        self.settle()
        self.assertIsInstance(self.ask(1, self.server)[0], amp.LeavingError)
        held.callback(None)
        self.settle()
        self.assertEqual((calls, results), ([2], [None]))

    def test_both(self) -> None:
        """Both sides may leave at the same time, and each repeatedly."""
        results = [self.waiting(end.leave()) for end in (self.client, self.client, self.server)]
        self.settle()
        self.assertEqual(results, [[None]] * 3)

    def test_answering(self) -> None:
        """The side that was left may leave, too."""
        self.server.respond = lambda data, numbers: Deferred()
        self.ask(1)
        first = self.waiting(self.client.leave())
        self.settle()
        second = self.waiting(self.server.leave())
        self.settle()
        self.assertEqual((first, second), ([], []))
        self.wire.drop()
        self.assertEqual([type(each) for each in first + second], [ConnectionLost] * 2)

    def test_line(self) -> None:
        """Calls that wait in line are sent first, and the peer's kept calls are answered."""
        server = LeavingPeer()
        server.MAX_ASKS_IN_PROGRESS = 1
        self.begin(LeavingPeer(), server)
        waiting: list[Deferred[Any]] = []
        self.client.respond = lambda data, numbers: waiting.append(Deferred()) or waiting[-1]
        self.server.respond = self.client.respond
        calls = [self.ask(1, server), self.ask(2, server), self.ask(3), self.ask(4)]
        self.settle()
        results = self.waiting(self.client.leave())
        self.settle()
        self.assertNotIn((b"_leave",), self.sent(server))
        while waiting:
            waiting.pop(0).callback({"data": b"x"})
            self.settle()
        self.assertEqual((calls, results), ([[1]] * 4, [None]))

    def test_asking(self) -> None:
        """The calls of a peer that has left are still answered."""
        server = self.server
        for box in (
            amp.AmpBox(_ask=b"0", _command=b"_extensions", offers=b"\0\5leave"),
            amp.AmpBox(_leave=b"", more=b"x"),
        ):
            server.dataReceived(box.serialize())
        for _ in range(3):
            server.dataReceived(amp.AmpBox(_leave=b"").serialize())
            server.dataReceived(amp.AmpBox(_ask=b"1", _command=b"Echo", data=b"x").serialize())
        self.clock.advance(0)
        self.assertEqual(self.sent(server), [b"answer"] * 4 + [(b"_leave",)])
        self.assertEqual(server.left, 1)

    def test_feature(self) -> None:
        """A busy feature keeps the connection open, too."""
        busy = [True]
        cancel = self.client._ampExtend().feature(b"cancel")
        cancel.isBusy = lambda: busy[0]
        self.client._ampExtend().quieten()
        results = self.waiting(self.client.leave())
        self.settle()
        self.assertEqual(results, [])
        busy.clear()
        cancel.isBusy = lambda: False
        self.client._ampExtend().quieten()
        self.settle()
        self.assertEqual(results, [None])

    def test_hurry(self) -> None:
        """Cancelling the Deferred of C{leave} closes the connection."""
        self.server.respond = lambda data, numbers: Deferred()
        calls = self.ask(1)
        leaving = self.client.leave()
        results = self.waiting(leaving)
        leaving.cancel()
        self.settle()
        self.assertIsInstance(results[0], CancelledError)
        self.assertIsInstance(calls[0], ConnectionDone)
        self.assertEqual(len(results), 1)

    def test_locked(self) -> None:
        """While the protocol switches, no C{_leave} box is sent."""
        results = self.waiting(self.client.leave())
        self.client.dataReceived(amp.AmpBox(_answer=b"1", accepts=b"\0\5leave").serialize())
        self.client._lockForSwitch()
        self.clock.advance(0)
        self.assertEqual((results, self.sent()), ([], [b"_extensions"]))
        self.wire.drop()

    def test_startTLS(self) -> None:
        """After StartTLS, an earlier C{_leave} of the peer no longer counts."""
        self.server.respond = lambda data, numbers: Deferred()
        self.ask(1)
        results = self.waiting(self.client.leave())
        self.settle()
        self.assertIsInstance(self.ask(1, self.server)[0], amp.LeavingError)
        self.server._ampExtensions.restart()
        self.server._ampExtensions.restart()
        self.server._ampExtensions.feature(b"leave").look()
        calls = self.ask(1, self.server)
        self.settle()
        self.assertEqual((calls, results), ([1], []))
        self.wire.drop()

    def test_restarted(self) -> None:
        """A leaving side sends C{_leave} again after StartTLS, and closes the connection."""
        self.server.respond = lambda data, numbers: held
        held: Deferred[Any] = Deferred()
        self.ask(1)
        results = self.waiting(self.client.leave())
        self.settle()
        for end in (self.client, self.server):
            end._ampExtensions.restart()
        self.settle()
        held.callback({"data": b"x"})
        self.settle()
        self.assertEqual(results, [None])
        self.assertEqual(self.sent().count((b"_leave",)), 2)


class StockTests(LeaveCase):
    """The peer does not support leaving."""

    def test_stock(self) -> None:
        """The connection is closed when all calls that this side knows are answered."""
        held: Deferred[Any] = Deferred()
        self.begin(LeavingPeer(), StockPeer())
        self.server.respond = lambda data, numbers: held
        calls = self.ask(1)
        results = self.waiting(self.client.leave())
        self.settle()
        theirs = self.waiting(self.server.callRemote(THEIRS.Echo, data=b"x"))
        self.settle()
        self.assertEqual(theirs, [{"data": b"x", "numbers": None}])
        self.assertTrue(self.isOpen())
        held.callback({"data": b"x"})
        self.settle()
        self.assertEqual((calls, results), ([1], [None]))

    def test_off(self) -> None:
        """With the features off, or before the connection, C{leave} raises an error."""
        off = Peer()
        off.extended = False
        self.join(off, Peer())
        self.assertRaises(RuntimeError, off.leave)
        self.assertRaises(RuntimeError, Peer().leave)
        self.assertRaises(amp.NoEmptyBoxes, off.ampBoxReceived, amp.AmpBox(_leave=b""))
