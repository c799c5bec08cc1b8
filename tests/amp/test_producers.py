"""Tests for L{twisted_basic_ng.amp._producers}: the producers that a meter registers."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.amp.test_metering import TLS, Producer, Transport
from twisted_basic_ng.amp._producers import SendingWatcher, SharedProducer


class WatcherTests(SynchronousTestCase):
    """A watcher is told when all bytes are sent."""

    def setUp(self) -> None:
        self.sent = 0
        self.watcher = SendingWatcher(self.tell)
        self.clock = Clock()
        self.watcher.callLater = self.clock.callLater  # type: ignore[method-assign]

    def tell(self) -> None:
        self.sent += 1

    def test_asked(self) -> None:
        """A transport asks for bytes when it has sent all, except the first time."""
        transport = Transport()
        self.watcher.register(transport)
        self.assertEqual(self.sent, 0)
        transport.send()
        self.assertEqual(self.sent, 1)
        self.watcher.unregister(transport)
        self.watcher.unregister(transport)
        self.assertIsNone(transport.producer)

    def test_paused(self) -> None:
        """A transport with TLS pauses and resumes."""
        transport = TLS()
        self.watcher.register(transport)
        self.watcher.checkSoon()
        self.watcher.checkSoon()
        self.watcher.pauseProducing()
        self.watcher.checkSoon()
        self.clock.advance(0)
        self.assertEqual(self.sent, 0)
        self.watcher.resumeProducing()
        self.watcher.checkSoon()
        self.clock.advance(0)
        self.assertEqual(self.sent, 2)
        self.watcher.checkSoon()
        self.watcher.stopProducing()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_listener(self) -> None:
        """A delayed call of the listener can be cancelled."""
        self.watcher.listener = self.tell
        self.watcher.forgetListener()
        self.watcher.delayedListener = self.clock.callLater(1, self.tell)
        self.watcher.listener = self.tell
        self.watcher.forgetListener()
        self.assertEqual((self.watcher.listener, self.clock.getDelayedCalls()), (None, []))


class SharedTests(SynchronousTestCase):
    """The application's producer gets the same calls as without the meter."""

    def test_push(self) -> None:
        """It is paused and resumed once each."""
        producer, sent = Producer(), []
        shared = SharedProducer(producer, True, lambda: sent.append(shared.isPaused))
        shared.resumeProducing()
        shared.pauseProducing()
        shared.pauseProducing()
        shared.resumeProducing()
        self.assertEqual((producer.told, sent), (["pause", "resume"], [False]))

    def test_pausedBySending(self) -> None:
        """It is not resumed if the waiting boxes have paused it again."""
        producer = Producer()
        shared = SharedProducer(producer, True, lambda: shared.pauseProducing())  # noqa: PLW0108 - there is none yet
        shared.pauseProducing()
        shared.resumeProducing()
        self.assertEqual(producer.told, ["pause"])

    def test_pull(self) -> None:
        """A pull producer is asked for bytes, after the waiting boxes, except the first time."""
        producer, sent = Producer(), []
        shared = SharedProducer(producer, False, lambda: sent.append(None))
        shared.resumeProducing()
        shared.resumeProducing()
        shared.stopProducing()
        self.assertEqual((producer.told, len(sent)), (["resume", "resume", "stop"], 1))


class ReactorTests(SynchronousTestCase):
    """Delayed calls use the reactor."""

    def test_callLater(self) -> None:
        delayed = SendingWatcher(list).callLater(1000, list)
        self.assertTrue(delayed.active())
        delayed.cancel()
