"""Tests for L{twisted_basic_ng.amp._producers}: the producers that a meter registers."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.amp.test_metering import TLS, Producer, Transport
from twisted_basic_ng.amp._producers import SendingWatcher, SharedProducer


class WatcherTests(SynchronousTestCase):
    """A watcher is told when everything was sent."""

    def setUp(self) -> None:
        self.sent = 0
        self.watcher = SendingWatcher(self.tell)
        self.clock = Clock()
        self.watcher.callLater = self.clock.callLater  # type: ignore[method-assign]

    def tell(self) -> None:
        self.sent += 1

    def test_asked(self) -> None:
        """A transport asks when it has sent everything, but for the first time."""
        transport = Transport()
        self.watcher.register(transport)
        self.assertEqual(self.sent, 0)
        transport.send()
        self.assertEqual(self.sent, 1)
        self.watcher.unregister(transport)
        self.watcher.unregister(transport)
        self.assertIsNone(transport.producer)

    def test_paused(self) -> None:
        """One with TLS pauses and resumes."""
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
        """What is to be told later can be forgotten."""
        self.watcher.listener = self.tell
        self.watcher.forgetListener()
        self.watcher.delayedListener = self.clock.callLater(1, self.tell)
        self.watcher.listener = self.tell
        self.watcher.forgetListener()
        self.assertEqual((self.watcher.listener, self.clock.getDelayedCalls()), (None, []))


class SharedTests(SynchronousTestCase):
    """The application's producer is told what it would be told without us."""

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
        """It is not resumed if what is sent first has paused it again."""
        producer = Producer()
        shared = SharedProducer(producer, True, lambda: shared.pauseProducing())  # noqa: PLW0108 - there is none yet
        shared.pauseProducing()
        shared.resumeProducing()
        self.assertEqual(producer.told, ["pause"])

    def test_pull(self) -> None:
        """It is asked for bytes, and what waits is sent first, but for the first time."""
        producer, sent = Producer(), []
        shared = SharedProducer(producer, False, lambda: sent.append(None))
        shared.resumeProducing()
        shared.resumeProducing()
        shared.stopProducing()
        self.assertEqual((producer.told, len(sent)), (["resume", "resume", "stop"], 1))


class ReactorTests(SynchronousTestCase):
    """What is to be done later is done by the reactor."""

    def test_callLater(self) -> None:
        delayed = SendingWatcher(list).callLater(1000, list)
        self.assertTrue(delayed.active())
        delayed.cancel()
