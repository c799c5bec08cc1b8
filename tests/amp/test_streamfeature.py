"""Tests for L{twisted_basic_ng.amp._streamfeature}: streams on a connection."""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.amp.streampeers import Add, Peer, StockPeer, Talk, Upload, Watch, connectPeers, outcome
from tests.amp.test_streampipes import dropping
from twisted_basic_ng import amp


class FeatureCase(SynchronousTestCase):
    """Two peers with streams."""

    def setUp(self) -> None:
        self.join(Peer(), Peer())

    def join(self, client: Any, server: Any) -> None:
        self.client, self.server = client, server
        self.connection = connectPeers(client, server)

    def call(self, command: Any, **kw: Any) -> Any:
        result = outcome(self.client.callRemote(command, **kw))
        self.connection.flush()
        return result

    def assertLives(self) -> None:
        """Assert that the connection is open and the next call works."""
        self.assertEqual(self.successResultOf(self.call(Add, a=1)), {"total": 2})

    def kept(self, end: Any) -> list[Any]:
        table = end._ampExtensions.feature(b"streams").table
        return [each for each in (table.writers, table.inboxes, table.unread, table.announced, table.stopped) if each]

    def sent(self, end: Any) -> list[amp.AmpBox]:
        return amp.parseString(end.transport.written)


class BelongingTests(FeatureCase):
    """A stream belongs to its call."""

    def test_responderFails(self) -> None:
        """If the responder fails, its streams are stopped, and nothing is kept."""
        sender = amp.StreamSender(b"x" * 10**6)
        self.failureResultOf(self.call(Upload, how="fail", data=sender), ZeroDivisionError)
        stopped = self.failureResultOf(sender.whenFinished(), amp.StreamStoppedError).value
        self.assertIn(stopped.code, (b"FAILED", b"UNREAD"))
        self.assertEqual(self.kept(self.client) + self.kept(self.server), [])
        self.assertLives()

    def test_responderFailsLater(self) -> None:
        """They are stopped even if the responder still refers to the reader."""
        sender = amp.StreamSender(b"x" * 10**6)
        result = self.client.callRemote(Upload, how="wait", data=sender)
        result.addErrback(lambda failure: failure.trap(ZeroDivisionError))
        self.connection.flush()
        self.server.waiting.errback(ZeroDivisionError())
        self.connection.flush()
        self.assertEqual(self.failureResultOf(sender.whenFinished(), amp.StreamStoppedError).value.code, b"FAILED")
        self.failureResultOf(self.server.readers[0].collect(1), amp.StreamStoppedError)

    def test_notRead(self) -> None:
        """A stream whose reader is dropped is stopped."""
        sender = amp.StreamSender(b"x" * 10**6)
        self.successResultOf(self.call(Upload, how="ignore", data=sender))
        self.connection.flush()
        self.assertEqual(self.failureResultOf(sender.whenFinished(), amp.StreamStoppedError).value.code, b"UNREAD")
        self.assertEqual(self.kept(self.client) + self.kept(self.server), [])

    def test_readLater(self) -> None:
        """A reader that is still referenced can be read after the answer."""
        self.successResultOf(self.call(Upload, how="keep", data=b"x" * 10**5))
        read = self.server.readers[0].collect(10**6)
        self.connection.flush()
        self.assertEqual(len(self.successResultOf(read)), 10**5)

    def test_responderReadsStopped(self) -> None:
        """If a responder fails because its stream was stopped, only its call fails."""
        pipe = amp.StreamPipe()
        result = outcome(self.client.callRemote(Upload, how="", data=pipe))
        self.connection.flush()
        self.server._ampStreams.stopAll(b"ENOUGH", "no more")
        self.connection.flush()
        error: Any = self.failureResultOf(result, amp.UnknownRemoteError).value
        self.assertIn("ENOUGH", str(error))
        self.assertLives()

    def test_responderReadsLost(self) -> None:
        """A responder that fails because the connection is lost is not logged."""
        result = outcome(self.client.callRemote(Upload, how="", data=amp.StreamPipe()))
        self.connection.flush()
        self.connection.drop()
        self.failureResultOf(result, ConnectionLost)

    def test_unhandled(self) -> None:
        """A call without a responder leaves no stream."""

        class Unknown(Upload):
            commandName = b"Unknown"

        sender = amp.StreamSender(b"x" * 10**6)
        self.failureResultOf(self.call(Unknown, how="", data=sender), amp.UnhandledCommand)
        self.assertEqual(self.failureResultOf(sender.whenFinished(), amp.StreamStoppedError).value.code, b"UNREAD")
        self.assertEqual(self.kept(self.client) + self.kept(self.server), [])

    def test_cancelled(self) -> None:
        """A stream in the answer to a cancelled call is stopped."""
        self.assertLives()
        result = self.client.callRemote(Watch, count=10**6)
        result.addErrback(lambda failure: None)
        self.connection.pump()
        result.cancel()
        self.connection.flush()
        self.assertEqual(self.kept(self.client) + self.kept(self.server), [])

    def test_cancelledKept(self) -> None:
        """A stream of a call that is cancelled while the peer keeps it is stopped."""
        server = Peer()
        server.MAX_ASKS_IN_PROGRESS = 1
        self.join(Peer(), server)
        first = self.client.callRemote(Upload, how="wait", data=b"x")
        sender = amp.StreamSender(b"x" * 10**5)
        second = self.client.callRemote(Upload, how="", data=sender)
        second.addErrback(lambda failure: None)
        self.connection.flush()
        second.cancel()
        self.connection.flush()
        server.waiting.callback(None)
        self.connection.flush()
        self.successResultOf(first)
        self.failureResultOf(sender.whenFinished(), amp.StreamStoppedError)
        self.assertEqual(self.kept(server), [])

    def test_notSent(self) -> None:
        """If a call cannot be sent, the Deferreds of its streams fail."""
        sender = amp.StreamSender(b"x")
        waiting = sender.whenFinished()

        class Last(Upload):
            arguments = [*reversed(Upload.arguments)]

        def call() -> None:
            self.assertRaises(AttributeError, self.client.callRemote, Last, how=5, data=sender)
            gc.collect()  # the exception, which holds the box

        dropping(call)
        self.failureResultOf(waiting, amp.StreamError)


class PeerTests(FeatureCase):
    """One side has no streams."""

    def test_stockServer(self) -> None:
        """
        If the server has no streams, the caller gets a documented error, and the connection stays
        open.
        """
        self.join(Peer(), StockPeer())
        for command, kw in ((Upload, {"how": "", "data": b"x"}), (Watch, {"count": 1})):
            for _ in range(2):
                error = self.failureResultOf(self.call(command, **kw), amp.StreamsUnsupportedError).value
                self.assertEqual(error.feature, b"streams")
                self.assertLives()
        self.assertNotIn(b"Upload", [box.get(b"_command") for box in self.sent(self.client)])

    def test_stockCaller(self) -> None:
        """If the caller has no streams, it gets an error, and the connection stays open."""
        server = Peer()
        self.join(StockPeer(), server)
        for command, kw in ((b"Watch", {"count": b"1"}), (b"Upload", {"how": b"", "data": b"1"})):
            result = outcome(self.client.callRemoteString(command, **kw))
            self.connection.flush()
            error: Any = self.failureResultOf(result).value
            self.assertEqual(error.errorCode, b"UNSUPPORTED")
        self.assertFalse(server.transport.disconnecting)

    def test_off(self) -> None:
        """With the features off, a call with streams fails at once, and nothing is sent."""

        class Off(Peer):
            extended = False

        self.join(Off(), Peer())
        error = self.failureResultOf(self.call(Upload, how="", data=b"x"), amp.StreamsUnsupportedError).value
        self.assertEqual(str(error), "Upload was not sent" and str(error))
        self.assertEqual(self.client.transport.written, b"")
        self.assertLives()

    def test_offServer(self) -> None:
        """A peer of ours with the features off is sent only the question."""

        class Off(Peer):
            extended = False

        self.join(Peer(), Off())
        self.failureResultOf(self.call(Upload, how="", data=b"x"), amp.StreamsUnsupportedError)
        self.assertLives()

    def test_noAnswer(self) -> None:
        """A call without an answer raises if it cannot be sent."""

        class Send(Upload):
            requiresAnswer = False
            response: Any = []

        class Off(Peer):
            extended = False

        self.join(Off(), Peer())
        self.assertRaises(amp.StreamsUnsupportedError, self.client.callRemote, Send, how="", data=b"x")

    def test_notTold(self) -> None:
        """Without an agreement, a peer cannot send a stream."""
        self.client.callRemoteString(b"Upload", how=b"", data=b"1", _streams=b"1").addErrback(
            lambda failure: self.assertEqual(failure.value.errorCode, b"UNSUPPORTED")
        )
        self.connection.flush()
        self.client.transport.write(amp.AmpBox(_stream=b"1", _data=b"x").serialize())
        self.assertRaises(amp.NoEmptyBoxes, self.connection.flush)

    def test_violation(self) -> None:
        """A peer that violates the rules is dropped, and calls fail with the violation."""
        for box in (amp.AmpBox(_stream=b"7", _data=b"x"), amp.AmpBox(_command=b"Add", _streams=b"5", a=b"1")):
            self.join(Peer(), Peer())
            self.successResultOf(self.call(Upload, how="", data=b"x"))
            waiting = outcome(self.server.callRemote(Upload, how="wait", data=b""))
            self.connection.flush()
            self.client.transport.write(box.serialize())
            self.connection.flush()
            self.failureResultOf(waiting, amp.StreamViolationError)
            self.assertEqual(self.server._ampStreams, None)

    def test_unknownBox(self) -> None:
        """A box without the key of streams is not a stream box."""
        self.successResultOf(self.call(Upload, how="", data=b"x"))
        self.client.transport.write(amp.AmpBox(_data=b"x").serialize())
        self.assertRaises(amp.NoEmptyBoxes, self.connection.flush)


class ChangeTests(FeatureCase):
    """Streams end when the connection changes or is lost."""

    def test_lost(self) -> None:
        """Both sides are told, and nothing is kept."""
        sender = amp.StreamSender(b"x" * 10**6)
        result = self.call(Upload, how="", data=sender)
        self.successResultOf(result)
        pipe = amp.StreamPipe()
        reader = self.successResultOf(self.call(Talk, questions=pipe))["answers"]
        read = reader.collect(10)
        self.connection.drop()
        self.failureResultOf(read, ConnectionLost)
        self.failureResultOf(pipe.whenFinished(), ConnectionLost)
        self.assertIsNone(self.client._ampExtensions)

    def test_leave(self) -> None:
        """A connection that is left is closed when no stream is in progress any more."""
        self.assertFalse(self.client._ampExtensions.isBusy())
        clock = self.client._ampClock = self.server._ampClock = Clock()
        pipe = amp.StreamPipe()
        read = self.successResultOf(self.call(Talk, questions=pipe))["answers"].collect(10)
        left = self.client.leave()

        def goOn() -> None:
            for _ in range(5):
                self.connection.flush()
                clock.advance(0)

        goOn()
        self.assertNoResult(left)
        pipe.write("x")
        pipe.end()
        goOn()
        self.assertEqual(self.successResultOf(read), ["X"])
        self.successResultOf(left)

    def test_lostUnused(self) -> None:
        """A connection without streams has none to end."""
        self.join(Peer(), Peer())
        feature = self.client._ampExtensions.feature(b"streams")
        feature._table = None
        self.assertFalse(feature.isBusy())
        feature.changing()
        feature.restart()
        self.connection.drop()

    def test_switched(self) -> None:
        """Before another protocol takes over, all streams end at both sides."""

        class Switch(amp.ProtocolSwitchCommand):
            pass

        class Server(Peer):
            @Switch.responder
            def switch(self) -> Any:
                return Protocol()

        self.join(Peer(), Server())
        pipe = amp.StreamPipe()
        read = self.successResultOf(self.call(Talk, questions=pipe))["answers"].collect(10)
        switched = self.client.callRemote(Switch, Factory.forProtocol(Protocol))
        self.connection.flush()
        self.successResultOf(switched)
        self.failureResultOf(pipe.whenFinished(), amp.StreamStoppedError)
        self.failureResultOf(read, amp.StreamStoppedError)
        self.assertIsNone(self.server._ampStreams)

    def test_startTLS(self) -> None:
        """After StartTLS, streams are agreed on again, with new numbers."""
        table = self.client._ampExtensions.feature(b"streams").table
        self.successResultOf(self.call(Upload, how="", data=b"x"))
        self.assertEqual(table._lastSent, 1)
        self.client._ampExtensions.restart()
        self.assertEqual(table._lastSent, 0)

    def test_soon(self) -> None:
        """A stream that is dropped in another thread is stopped in the reactor's thread."""
        from twisted.internet import reactor

        feature = self.client._ampExtensions.feature(b"streams")
        feature._table = None
        self.assertEqual(feature.table.soon, reactor.callFromThread)  # type: ignore[attr-defined]

    def test_deadline(self) -> None:
        """A call with a deadline may have streams, which end with its responder."""
        clock = self.client._ampClock = self.server._ampClock = Clock()
        pipe = amp.StreamPipe()
        result = outcome(self.client.callRemoteWithin(5, Upload, how="", data=pipe))
        self.connection.flush()
        clock.advance(6)
        self.connection.flush()
        self.failureResultOf(result, amp.DeadlineError)
        self.failureResultOf(pipe.whenFinished(), amp.StreamStoppedError)
        self.assertEqual(self.kept(self.client) + self.kept(self.server), [])

    def test_oneWay(self) -> None:
        """A call without an answer may have streams."""

        class Send(Upload):
            commandName = b"Upload"
            requiresAnswer = False
            response: Any = []

        sender = amp.StreamSender(b"x" * 10**5)
        self.client.callRemote(Send, how="", data=sender)
        self.connection.flush()
        self.successResultOf(sender.whenFinished())

    def test_sentInside(self) -> None:
        """A call with a stream may be made while a transport writes another one."""
        self.assertLives()
        results: list[Any] = []

        def write(data: bytes) -> None:
            del transport.write
            transport.write(data)
            results.append(outcome(self.client.callRemote(Upload, how="", data=b"second")))

        self.successResultOf(self.call(Upload, how="", data=b""))
        transport: Any = self.connection.client
        transport.write = write
        first = self.call(Upload, how="", data=b"x")
        self.assertEqual(self.successResultOf(first), {"size": 1})
        self.assertEqual(self.successResultOf(results[0]), {"size": 6})

    def test_pending(self) -> None:
        """Calls that wait for the agreement are sent in order, with their streams."""
        self.join(Peer(), Peer())
        results = [self.client.callRemote(Upload, how="", data=bytes(size)) for size in (1, 2, 3)]
        adding: Deferred[Any] = self.client.callRemote(Add, a=1)
        self.connection.flush()
        self.assertEqual([self.successResultOf(each)["size"] for each in results], [1, 2, 3])
        self.successResultOf(adding)
        commands = [box[b"_command"] for box in self.sent(self.client) if b"_command" in box]
        self.assertEqual(commands, [b"_extensions", b"Upload", b"Upload", b"Upload", b"Add"])
