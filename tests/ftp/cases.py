"""A data connection for tests, and a consumer of its upload."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng._ftp.dtpfactory import DTPFactory

__all__ = ["DONE", "LOST", "Consumer", "DTPCase"]

DONE, LOST = Failure(ConnectionDone()), Failure(ConnectionLost())


class Consumer:
    """Records its calls, and runs a function for each write and at the end."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.onWrite: Any = lambda data: None
        self.onEnd: Any = lambda: None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer
        self.events.append(("registered", streaming))

    def write(self, data: bytes) -> None:
        self.events.append(data)
        self.onWrite(data)

    def unregisterProducer(self) -> None:
        self.events.append("unregistered")
        self.onEnd()

    @property
    def received(self) -> bytes:
        return b"".join(each for each in self.events if isinstance(each, bytes))


class DTPCase(SynchronousTestCase):
    """A data connection with its factory."""

    def setUp(self) -> None:
        self.factory = DTPFactory(self, None, Clock())
        dtp = self.factory.buildProtocol(None)
        assert dtp is not None
        self.dtp = dtp
        self.transport = RecordingTransport()
        self.consumer = Consumer()

    def connect(self) -> None:
        self.transport.connect(self.dtp)

    def register(self) -> list[Any]:
        """Start an upload.  The returned list will hold its result."""
        outcomes: list[Any] = []
        self.dtp.registerConsumer(self.consumer).addBoth(outcomes.append)
        return outcomes
