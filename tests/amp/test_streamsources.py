"""Tests for L{twisted_basic_ng.amp._streamsources}: the values that can be sent as a stream."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng.amp._streamproducers import bytesOnly
from twisted_basic_ng.amp._streamsources import (
    MOST_AT_ONCE,
    Announced,
    AsyncSource,
    BytesSource,
    FileSource,
    IterableSource,
    Source,
)

__all__ = ["Writer"]


class Writer:
    """
    Collects what a source writes, and its end.

    @ivar sends: whether written data is sent at once, so that the source is asked for more.
    """

    piece = 16361

    def __init__(self, source: Source, sends: bool = False) -> None:
        self.source = source
        self.written: list[bytes] = []
        self.ends: list[Any] = []
        self.size = 0
        self.sends = sends
        source.begin(self)

    def isFull(self) -> bool:
        return self.size >= 65536

    def wantsMore(self) -> bool:
        return not self.size and not self.ends

    def write(self, data: bytes) -> None:
        if data:
            self.written.append(data)
            if self.sends:
                self.source.more()
            else:
                self.size += len(data)

    def end(self) -> None:
        if not self.ends:
            self.ends.append(None)

    def fail(self, failure: Failure) -> None:
        if not self.ends:
            self.ends.append(failure.type)

    def goOn(self) -> None:
        """Send everything, and ask for more."""
        self.size = 0
        self.source.more()


LOST = Failure(ConnectionLost())


class SourceTests(SynchronousTestCase):
    """Bytes and files."""

    def test_bytes(self) -> None:
        """Bytes are written in one piece."""
        writer = Writer(BytesSource(b"abc"))
        writer.goOn()
        self.assertEqual((writer.written, writer.ends), ([b"abc"], [None]))

    def test_file(self) -> None:
        """A file is read in pieces from its current position, and is not closed."""
        file = io.BytesIO(bytes(40_000))
        file.seek(100)
        writer = Writer(FileSource(file))
        for _ in range(4):
            self.assertEqual(writer.ends, [])
            writer.goOn()
        self.assertEqual([len(each) for each in writer.written], [16361, 16361, 7178])
        self.assertEqual(writer.ends, [None])
        writer.source.finished(None)
        self.assertFalse(file.closed)

    def test_textFile(self) -> None:
        """A file that is open in text mode raises an error."""
        writer = Writer(FileSource(io.StringIO("text")))
        error = self.assertRaises(TypeError, writer.goOn)
        self.assertIn("binary mode", str(error))

    def test_announced(self) -> None:
        """If a box with a stream is dropped without being sent, its source is told."""
        told: list[str] = []
        source = Source()
        source.dropped = lambda: told.append("dropped")  # type: ignore[method-assign]
        announced = Announced(source)
        self.assertEqual((len(announced), repr(announced)), (16, "<a stream>"))
        del announced
        self.assertEqual(told, ["dropped"])
        begun = Announced(source)
        begun.isBegun = True
        del begun
        self.assertEqual(told, ["dropped"])

    def test_base(self) -> None:
        """The base class does nothing."""
        source = Source()
        Writer(source)
        source.more()
        source.sent(1)
        source.dropped()
        source.stop(LOST)
        source.finished(None)
        self.assertIsNone(source.writer)


class IterableTests(SynchronousTestCase):
    """Iterables."""

    def setUp(self) -> None:
        self.closed = 0

    def generate(self, *values: Any) -> Iterator[Any]:
        try:
            for each in values:
                if isinstance(each, Exception):
                    raise each
                yield each() if callable(each) else each
        finally:
            self.closed += 1

    def test_all(self) -> None:
        """Values are joined to about one piece."""
        writer = Writer(IterableSource(self.generate(b"a", b"b", b"c" * 20_000, b"d"), bytesOnly))
        writer.goOn()
        self.assertEqual((writer.written, writer.ends), ([b"ab" + b"c" * 20_000], []))
        writer.goOn()
        self.assertEqual((writer.written[1:], writer.ends), ([b"d"], [None]))
        writer.source.finished(None)
        self.assertEqual(self.closed, 1)

    def test_fewAtOnce(self) -> None:
        """The number of values taken at once is limited, however small they are."""
        writer = Writer(IterableSource([b"x"] * (MOST_AT_ONCE + 1), bytesOnly))
        writer.goOn()
        self.assertEqual(writer.written, [b"x" * MOST_AT_ONCE])

    def test_fails(self) -> None:
        """An error comes after the values before it."""
        for sends in (False, True):
            writer = Writer(IterableSource(self.generate(b"a", LookupError()), bytesOnly), sends)
            writer.source.more()
            self.assertEqual((writer.written, writer.ends), ([b"a"], [LookupError]))

    def test_wrongValue(self) -> None:
        """The error for a value that cannot be sent also comes after the values before it."""
        writer = Writer(IterableSource([b"a", "b"], bytesOnly))
        writer.goOn()
        self.assertEqual((writer.written, writer.ends), ([b"a"], [TypeError]))

    def test_sentAtOnce(self) -> None:
        """If everything is sent at once, all values are taken.  The stack does not grow."""
        writer = Writer(IterableSource([b"x" * 16384] * 5000, bytesOnly), sends=True)
        writer.source.more()
        self.assertEqual((len(writer.written), writer.ends), (5000, [None]))

    def test_stopped(self) -> None:
        """A generator is closed once when the stream ends early."""
        source = IterableSource(self.generate(b"x" * 20_000, b"y"), bytesOnly)
        writer = Writer(source)
        writer.goOn()
        source.stop(LOST)
        source.finished(LOST)
        self.assertEqual(self.closed, 1)

    def test_stoppedInside(self) -> None:
        """A generator that stops its own stream is closed after its value."""
        source = IterableSource(self.generate(lambda: source.stop(LOST) or b"x", b"y"), bytesOnly)  # type: ignore[func-returns-value]
        writer = Writer(source)
        writer.goOn()
        self.assertEqual((writer.written, self.closed), ([], 1))
        source.finished(LOST)

    def test_finishedInside(self) -> None:
        """A generator is also closed if the stream finishes while it runs."""

        def end() -> bytes:
            source.stop(LOST)
            source.finished(LOST)
            return b"x"

        source = IterableSource(self.generate(end), bytesOnly)
        Writer(source).goOn()
        self.assertEqual(self.closed, 1)

    def test_askedInside(self) -> None:
        """A generator that asks for more is not re-entered."""
        source = IterableSource(self.generate(lambda: source.more() or b"x", b"y"), bytesOnly)  # type: ignore[func-returns-value]
        writer = Writer(source)
        writer.goOn()
        self.assertEqual((writer.written, writer.ends), ([b"xy"], [None]))

    def test_notClosed(self) -> None:
        """A file that is iterated is not closed."""
        file = io.BytesIO(b"a\nb\n")
        source = IterableSource(file, bytesOnly)
        Writer(source)
        source.stop(LOST)
        self.assertFalse(file.closed)

    def test_moreAfterEnd(self) -> None:
        """After the end, no value is taken."""
        source = IterableSource(self.generate(b"a"), bytesOnly)
        writer = Writer(source)
        writer.goOn()
        source._values = None
        writer.goOn()
        self.assertEqual(writer.written, [b"a"])


NAME: ContextVar[str] = ContextVar("NAME", default="")


class AsyncTests(SynchronousTestCase):
    """Asynchronous iterables."""

    def setUp(self) -> None:
        self.closed: list[Any] = []
        self.waiting: list[Deferred[None]] = []

    async def generate(self, *values: Any) -> AsyncIterator[Any]:
        try:
            for each in values:
                if each is None:
                    self.waiting.append(Deferred())
                    await self.waiting[-1]
                elif isinstance(each, Exception):
                    raise each
                else:
                    yield each() if callable(each) else each
        except BaseException as error:
            self.closed.append(type(error))
            raise
        else:
            self.closed.append(None)

    def writer(self, *values: Any, sends: bool = False) -> Writer:
        return Writer(AsyncSource(self.generate(*values), bytesOnly), sends)

    def test_all(self) -> None:
        """A value is taken whenever none waits to be sent, and may come later."""
        writer = self.writer(b"a", None, b"b")
        writer.goOn()
        self.assertEqual(writer.written, [b"a"])
        writer.goOn()
        writer.source.more()
        self.assertEqual(writer.written, [b"a"])
        self.waiting[0].callback(None)
        self.assertEqual((writer.written, writer.ends), ([b"a", b"b"], []))
        writer.goOn()
        self.assertEqual((writer.ends, self.closed), ([None], [None]))
        writer.source.finished(None)

    def test_sentAtOnce(self) -> None:
        """If everything is sent at once, all values are taken.  The stack does not grow."""
        writer = self.writer(*[b"x"] * 5000, sends=True)
        writer.source.more()
        self.assertEqual((len(writer.written), writer.ends), (5000, [None]))

    def test_sentAtOnceLater(self) -> None:
        """The same holds if the first value comes later."""
        writer = self.writer(None, *[b"x"] * 500, sends=True)
        writer.source.more()
        self.waiting[0].callback(None)
        self.assertEqual((len(writer.written), writer.ends), (500, [None]))

    def test_emptyValues(self) -> None:
        """Empty values do not keep the source waiting."""
        writer = self.writer(*[b""] * 1000, b"x")
        writer.goOn()
        self.assertEqual(writer.written, [b"x"])

    def test_fails(self) -> None:
        """An error comes after the values before it."""
        writer = self.writer(b"a", LookupError())
        writer.goOn()
        writer.goOn()
        self.assertEqual((writer.written, writer.ends), ([b"a"], [LookupError]))

    def test_wrongValue(self) -> None:
        """A value that cannot be sent fails the stream, and the generator is closed."""
        writer = self.writer("text")
        writer.goOn()
        self.assertEqual(writer.ends, [TypeError])
        writer.source.finished(LOST)
        self.assertEqual(self.closed, [GeneratorExit])

    def test_stopped(self) -> None:
        """A generator is closed when the stream ends early."""
        writer = self.writer(b"a", b"b")
        writer.goOn()
        writer.source.stop(LOST)
        writer.source.finished(LOST)
        self.assertEqual(self.closed, [GeneratorExit])

    def test_stoppedWaiting(self) -> None:
        """The Deferred that it awaits is cancelled."""
        writer = self.writer(None, b"b")
        writer.goOn()
        writer.source.stop(LOST)
        writer.source.finished(LOST)
        self.assertEqual((self.closed, writer.written), ([CancelledError], []))

    def test_finishedWaiting(self) -> None:
        """A generator whose stream finishes while it waits ends later."""
        writer = self.writer(None, b"b", b"c")
        writer.goOn()
        writer.source.finished(LOST)
        self.waiting[0].callback(None)
        self.assertEqual((writer.written, self.closed), ([], [GeneratorExit]))

    def test_endsLater(self) -> None:
        """A generator that finishes after the stream has ended is not reported again."""
        writer = self.writer(None)
        writer.goOn()
        writer.source.finished(LOST)
        self.waiting[0].callback(None)
        self.assertEqual((writer.ends, self.closed), ([], [None]))

    def test_stoppedInside(self) -> None:
        """A generator may stop its own stream."""

        def stop() -> bytes:
            writer.source.stop(LOST)
            writer.source.finished(LOST)
            return b"x"

        writer = self.writer(stop, b"y", sends=True)
        writer.source.more()
        self.assertEqual((writer.written, self.closed), ([], [GeneratorExit]))
        writer.source.more()
        self.assertEqual(writer.written, [])

    def test_stoppedInsideLater(self) -> None:
        """A generator may stop its own stream after it has waited."""

        def stop() -> bytes:
            writer.source.stop(LOST)
            writer.source.finished(LOST)
            return b"x"

        writer = self.writer(None, stop, b"y")
        writer.goOn()
        self.waiting[0].callback(None)
        self.assertEqual((writer.written, self.closed), ([], [GeneratorExit]))

    def test_context(self) -> None:
        """A generator runs in the context in which it was passed in."""
        names: list[str] = []

        def note() -> bytes:
            names.append(NAME.get())
            return b"x"

        token = NAME.set("giver")
        writer = self.writer(note, note)
        NAME.reset(token)
        writer.goOn()
        writer.goOn()
        self.assertEqual(names, ["giver", "giver"])

    def test_closingFails(self) -> None:
        """An error in C{aclose} is logged."""

        class Values:
            def __aiter__(self) -> Values:
                return self

            async def __anext__(self) -> bytes:
                return b"x"

            async def aclose(self) -> None:
                raise LookupError

        writer = Writer(AsyncSource(Values(), bytesOnly))
        writer.goOn()
        writer.source.stop(LOST)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)

    def test_noClose(self) -> None:
        """An asynchronous iterable need not have C{aclose}."""

        class Values:
            def __aiter__(self) -> Values:
                return self

            async def __anext__(self) -> bytes:
                raise StopAsyncIteration

        source = AsyncSource(Values(), bytesOnly)
        Writer(source)
        source.stop(LOST)
        source.finished(LOST)
        stopped: Callable[[], object] = source.more
        stopped()
