"""Tests for L{twisted_basic_ng._filesender}."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from zope.interface.verify import verifyObject

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IPullProducer
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng.basic import FileSender


class Consumer:
    """Collects its data, and optionally asks for more in C{write}."""

    def __init__(self) -> None:
        self.producer: Any = None
        self.streaming: Any = None
        self.written: list[bytes] = []
        self.eager = False

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer, self.streaming = producer, streaming

    def unregisterProducer(self) -> None:
        self.producer = None

    def write(self, data: bytes) -> None:
        self.written.append(data)
        if self.eager:
            self.producer.resumeProducing()

    def pull(self) -> None:
        while self.producer is not None:
            self.producer.resumeProducing()


class Falsy(BytesIO):
    """A file whose truth value is false, as with a length of 0."""

    def __bool__(self) -> bool:
        return False


class Broken:
    """A file that cannot be read."""

    closed = False

    def read(self, size: int) -> bytes:
        raise OSError("unreadable")

    def close(self) -> None:
        self.closed = True


class FileSenderTests(SynchronousTestCase):
    """L{FileSender} sends a file, and its Deferred always reports the result."""

    def setUp(self) -> None:
        self.consumer = Consumer()
        self.sender = FileSender()

    def begin(self, file: Any, transform: Any = None) -> Deferred[bytes | str]:
        return self.sender.beginFileTransfer(file, self.consumer, transform)  # type: ignore[arg-type]

    def assertOver(self, file: Any) -> None:
        """Assert that nothing is left of the transfer, and that the file is still open."""
        self.assertIsNone(self.consumer.producer)
        self.assertIsNone(self.sender.file)
        self.assertIsNone(self.sender.deferred)
        self.assertFalse(file.closed)

    def test_interface(self) -> None:
        """It is a pull producer, and registers as one."""
        self.assertTrue(verifyObject(IPullProducer, self.sender))
        deferred = self.begin(BytesIO())
        self.assertIs(self.consumer.producer, self.sender)
        self.assertIs(self.consumer.streaming, False)
        self.assertIs(self.sender.deferred, deferred)

    def test_chunks(self) -> None:
        """It reads and writes in chunks, and fires with the last byte."""
        content = b"x" * FileSender.CHUNK_SIZE + b"yz"
        file = BytesIO(content)
        deferred = self.begin(file)
        self.consumer.pull()
        self.assertEqual([len(each) for each in self.consumer.written], [FileSender.CHUNK_SIZE, 2])
        self.assertEqual(b"".join(self.consumer.written), content)
        self.assertEqual((self.successResultOf(deferred), self.sender.lastSent), (b"z", b"z"))
        self.assertOver(file)

    def test_fromWhereItStands(self) -> None:
        """It starts at the current position of the file."""
        file = BytesIO(b"skipped, sent")
        file.seek(9)
        deferred = self.begin(file)
        self.consumer.pull()
        self.assertEqual((self.consumer.written, self.successResultOf(deferred)), ([b"sent"], b"t"))

    def test_empty(self) -> None:
        """For an empty file, the result is an empty string."""
        file = BytesIO()
        deferred = self.begin(file)
        self.consumer.pull()
        self.assertEqual((self.consumer.written, self.successResultOf(deferred)), ([], ""))
        self.assertOver(file)

    def test_falsy(self) -> None:
        """A file is read even if its truth value is false."""
        deferred = self.begin(Falsy(b"content"))
        self.consumer.pull()
        self.assertEqual((self.consumer.written, self.successResultOf(deferred)), ([b"content"], b"t"))

    def test_transform(self) -> None:
        """The result of the transform is written, and its last byte is the result."""
        deferred = self.begin(BytesIO(b"abc"), lambda chunk: chunk.upper() + b"!")
        self.consumer.pull()
        self.assertEqual((self.consumer.written, self.successResultOf(deferred)), ([b"ABC!"], b"!"))

    def test_eager(self) -> None:
        """A consumer may ask for the next chunk while it receives one."""
        self.consumer.eager = True
        self.sender.CHUNK_SIZE = 1
        deferred = self.begin(BytesIO(b"abc"))
        self.consumer.producer.resumeProducing()
        self.assertEqual((self.consumer.written, self.successResultOf(deferred)), ([b"a", b"b", b"c"], b"c"))

    def test_unreadable(self) -> None:
        """The Deferred fails if reading fails."""
        file = Broken()
        deferred = self.begin(file)
        self.consumer.pull()
        self.failureResultOf(deferred, OSError)
        self.assertOver(file)

    def test_failingTransform(self) -> None:
        """The Deferred fails if the transform fails."""
        file = BytesIO(b"abc")
        deferred = self.begin(file, lambda chunk: chunk[99])
        self.consumer.pull()
        self.failureResultOf(deferred, IndexError)
        self.assertEqual(self.consumer.written, [])
        self.assertOver(file)

    def test_failingWrite(self) -> None:
        """The Deferred fails if the consumer raises."""
        file = BytesIO(b"abc")
        deferred = self.begin(file)
        self.consumer.write = lambda data: 1 / 0  # type: ignore[method-assign, assignment, return-value]
        self.consumer.pull()
        self.failureResultOf(deferred, ZeroDivisionError)
        self.assertOver(file)

    def test_stopped(self) -> None:
        """The Deferred fails once if the consumer stops the transfer."""
        file = BytesIO(b"abc")
        deferred = self.begin(file)
        self.sender.stopProducing()
        self.sender.stopProducing()
        failure = self.failureResultOf(deferred, Exception)
        self.assertEqual(failure.getErrorMessage(), "Consumer asked us to stop producing")
        self.assertOver(file)

    def test_cancelled(self) -> None:
        """Cancelling ends the transfer."""
        file = BytesIO(b"abc")
        deferred = self.begin(file)
        deferred.cancel()
        self.failureResultOf(deferred, CancelledError)
        self.sender.resumeProducing()
        self.assertEqual(self.consumer.written, [])
        self.assertOver(file)

    def test_cancelledTwice(self) -> None:
        """Cancelling a transfer that another one has replaced does not affect the other."""
        first = self.begin(BytesIO(b"abc"))
        second = self.begin(BytesIO(b"def"))
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.consumer.pull()
        self.assertEqual((self.consumer.written, self.successResultOf(second)), ([b"def"], b"f"))

    def test_refused(self) -> None:
        """If the consumer refuses the producer, nothing of the transfer is kept."""
        file = BytesIO(b"abc")
        self.consumer.registerProducer = lambda producer, streaming: 1 / 0  # type: ignore[method-assign, assignment]
        self.assertRaises(ZeroDivisionError, self.begin, file)
        self.assertEqual(vars(self.sender), {})

    def test_busy(self) -> None:
        """A transfer continues if another one is refused because the consumer is busy."""
        deferred = self.begin(BytesIO(b"abc"))
        register = self.consumer.registerProducer
        self.consumer.registerProducer = lambda producer, streaming: 1 / 0  # type: ignore[method-assign, assignment]
        self.assertRaises(ZeroDivisionError, self.begin, BytesIO(b"def"))
        self.consumer.registerProducer = register  # type: ignore[method-assign]
        self.consumer.pull()
        self.assertEqual((self.consumer.written, self.successResultOf(deferred)), ([b"abc"], b"c"))

    def test_withoutDeferred(self) -> None:
        """A subclass that sets the attributes itself needs no Deferred."""
        self.sender.file, self.sender.consumer, self.sender.transform = BytesIO(b"abc"), self.consumer, None
        self.consumer.registerProducer(self.sender, False)
        self.consumer.pull()
        self.assertEqual((self.consumer.written, self.consumer.producer), ([b"abc"], None))

    def test_failingStop(self) -> None:
        """Stopping and cancelling work even if C{unregisterProducer} raises."""
        for stop, kind in (
            (lambda deferred: self.sender.stopProducing(), Exception),
            (lambda deferred: deferred.cancel(), CancelledError),
        ):
            self.setUp()
            deferred = self.begin(BytesIO(b"abc"))
            self.consumer.unregisterProducer = lambda: 1 / 0  # type: ignore[method-assign, assignment, return-value]
            stop(deferred)
            self.failureResultOf(deferred, kind)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            self.assertEqual((self.sender.file, self.sender.deferred), (None, None))

    def test_kinds(self) -> None:
        """A transform may return any bytes-like object."""
        for kind in (bytearray, memoryview):
            self.setUp()
            deferred = self.begin(BytesIO(b"abc"), kind)
            self.consumer.pull()
            self.assertEqual((self.consumer.written, self.successResultOf(deferred)), ([b"abc"], b"c"))

    def test_failingUnregister(self) -> None:
        """The Deferred fires even if C{unregisterProducer} raises."""
        deferred = self.begin(BytesIO())
        self.consumer.unregisterProducer = lambda: 1 / 0  # type: ignore[method-assign, assignment, return-value]
        self.assertRaises(ZeroDivisionError, self.sender.resumeProducing)
        self.assertEqual(self.successResultOf(deferred), "")

    def test_failingUnregisterWhenCancelled(self) -> None:
        """If it raises while the transfer is cancelled, the error is logged and not raised."""
        deferred = self.begin(BytesIO(b"abc"))
        self.consumer.unregisterProducer = lambda: 1 / 0  # type: ignore[method-assign, assignment, return-value]
        deferred.cancel()
        self.failureResultOf(deferred, CancelledError)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_abortedUnregisterWhenCancelled(self) -> None:
        """
        The Deferred also fires if C{unregisterProducer} raises C{SystemExit} while it is cancelled.
        """

        def abort() -> None:
            raise SystemExit

        deferred = self.begin(BytesIO(b"abc"))
        self.consumer.unregisterProducer = abort  # type: ignore[method-assign]
        self.assertRaises(SystemExit, deferred.cancel)
        self.failureResultOf(deferred, CancelledError)

    def test_cancelledAtTheEnd(self) -> None:
        """Cancelling a transfer while its consumer unregisters the producer cancels it once."""
        deferred = self.begin(BytesIO())
        self.consumer.unregisterProducer = deferred.cancel  # type: ignore[method-assign]
        self.sender.resumeProducing()
        self.failureResultOf(deferred, CancelledError)

    def test_failingRegister(self) -> None:
        """If C{registerProducer} raises, no transfer has begun, and the file is released."""
        self.consumer.registerProducer = lambda *args: 1 / 0  # type: ignore[method-assign, assignment, return-value]
        file = BytesIO(b"abc")
        self.assertRaises(ZeroDivisionError, self.begin, file)
        self.assertOver(file)

    def test_failingRegisterAgain(self) -> None:
        """A transfer in progress continues with its own file if another one is refused."""
        deferred = self.begin(BytesIO(b"abc"))
        register = self.consumer.registerProducer
        self.consumer.registerProducer = lambda *args: 1 / 0  # type: ignore[method-assign, assignment, return-value]
        self.assertRaises(ZeroDivisionError, self.begin, BytesIO(b"other"))
        self.consumer.registerProducer = register  # type: ignore[method-assign]
        self.consumer.pull()
        self.assertEqual((self.consumer.written, self.successResultOf(deferred)), ([b"abc"], b"c"))

    def test_failingRegisterBehind(self) -> None:
        """
        A consumer that takes the whole file before C{registerProducer} raises has received it.
        """

        def takeAll(producer: Any, streaming: bool) -> None:
            self.consumer.producer = producer
            self.consumer.pull()
            raise ZeroDivisionError

        self.consumer.registerProducer = takeAll  # type: ignore[method-assign]
        file = BytesIO(b"abc")
        self.assertRaises(ZeroDivisionError, self.begin, file)
        self.assertEqual((self.consumer.written, self.sender.lastSent), ([b"abc"], b"c"))
        self.assertOver(file)

    def test_cancelledBefore(self) -> None:
        """Cancelling an earlier transfer does not affect the current one."""
        before = self.begin(BytesIO(b"before"))
        other = Consumer()
        deferred = self.sender.beginFileTransfer(BytesIO(b"abc"), other)  # type: ignore[arg-type]
        before.cancel()
        self.failureResultOf(before, CancelledError)
        other.pull()
        self.assertEqual((other.written, self.successResultOf(deferred)), ([b"abc"], b"c"))

    def test_pause(self) -> None:
        """Pausing a pull producer does nothing."""
        deferred = self.begin(BytesIO(b"abc"))
        self.sender.pauseProducing()
        self.consumer.pull()
        self.assertEqual(self.successResultOf(deferred), b"c")

    def test_again(self) -> None:
        """One sender can send several files, one after the other."""
        for content in (b"one", b"two"):
            deferred = self.begin(BytesIO(content))
            self.consumer.pull()
            self.assertEqual(self.successResultOf(deferred), content[-1:])
        self.assertEqual(self.consumer.written, [b"one", b"two"])
