"""Tests for L{twisted_basic_ng.amp._streamtypes}: streams as arguments and response values."""

from __future__ import annotations

import io
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.trial.unittest import SynchronousTestCase

from tests.amp.streampeers import Peer, Talk, Upload, Watch, connectPeers, outcome
from tests.amp.test_streamproducers import Body, Pull, Push
from twisted_basic_ng import amp
from twisted_basic_ng.amp import _streamproducers, _streamsources
from twisted_basic_ng.amp._streampipes import PipeSource, SenderSource


class Pieces:
    """An asynchronous iterable."""

    def __aiter__(self) -> Any:
        return self


@implementer(IPushProducer)
class PushBody(Body):
    """A body that also declares itself a push producer."""


class SourceTests(SynchronousTestCase):
    """The source of a stream depends on the interface of its value."""

    def source(self, kind: amp.Stream, value: Any) -> type:
        return type(kind._ampSourceOf(value, None))

    def test_bytes(self) -> None:
        """A stream of bytes accepts all these values."""
        for value, expected in [
            (b"x", _streamsources.BytesSource),
            (bytearray(b"x"), _streamsources.BytesSource),
            (memoryview(b"x"), _streamsources.BytesSource),
            (io.BytesIO(), _streamsources.FileSource),
            ([b"x"], _streamsources.IterableSource),
            ((each for each in (b"x",)), _streamsources.IterableSource),
            (Pieces(), _streamsources.AsyncSource),
            (Body(), _streamproducers.BodySource),
            (PushBody(), _streamproducers.BodySource),
            (Push(), _streamproducers.ProducerSource),
            (Pull(), _streamproducers.ProducerSource),
            (amp.StreamPipe(), PipeSource),
            (amp.StreamSender(b"x"), SenderSource),
        ]:
            self.assertIs(self.source(amp.Stream(), value), expected, value)

    def test_items(self) -> None:
        """A stream of items accepts iterables, pipes and senders."""
        for value, expected in [
            ([1], _streamsources.IterableSource),
            (io.BytesIO(), _streamsources.IterableSource),
            (Pieces(), _streamsources.AsyncSource),
            (amp.StreamPipe(), PipeSource),
            (amp.StreamSender([1]), SenderSource),
        ]:
            self.assertIs(self.source(amp.StreamOf(amp.Integer()), value), expected, value)

    def test_others(self) -> None:
        """Any other value raises an error that names its type."""
        for value in ("text", {}, 5, None, object()):
            error = self.assertRaises(TypeError, amp.Stream()._ampSourceOf, value, None)
            self.assertEqual(str(error), f"a stream of bytes cannot be made of {type(value).__name__}")
        for value in ("text", b"x", bytearray(), memoryview(b""), {}, 5):
            error = self.assertRaises(TypeError, amp.StreamOf(amp.Integer())._ampSourceOf, value, None)
            self.assertEqual(str(error), f"a stream of items cannot be made of {type(value).__name__}")


class TypeTests(SynchronousTestCase):
    """The types decide where a stream is allowed."""

    def test_noElement(self) -> None:
        """A stream cannot be an element of a list, a row or another stream."""
        for argument in (amp.Stream(), amp.StreamOf(amp.Integer())):
            self.assertRaises(TypeError, amp.ListOf(argument).toStringProto, [b"x"], None)
            self.assertRaises(TypeError, amp.ListOf(argument).fromStringProto, b"\0\x011", None)
            for each in (argument, amp.ListOf(amp.ListOf(argument))):
                self.assertRaises(TypeError, amp.StreamOf, each)
            rows = amp.AmpList([(b"s", argument)])
            self.assertRaises(amp.StreamsUnsupportedError, rows.toStringProto, [{"s": [1]}], None)

    def test_noDescriptor(self) -> None:
        """A descriptor cannot be an item."""
        error = self.assertRaises(TypeError, amp.StreamOf, amp.Descriptor())
        self.assertEqual(str(error), "a stream cannot have items of the type Descriptor")

    def test_longItem(self) -> None:
        """An item has at most 65,535 bytes."""
        announced: dict[bytes, Any] = {}
        amp.StreamOf(amp.String()).toBox(b"s", announced, {"s": [bytes(65_536)]}, None)
        source = announced[b"s"].source
        self.assertRaises(amp.ElementTooLongError, source._encode, bytes(65_536))
        self.assertEqual(source._encode(b"ab"), b"\0\2ab")

    def test_withoutConnection(self) -> None:
        """A box with a stream cannot be serialized without a connection."""
        box = Upload.makeArguments({"how": "", "data": b"x"}, None)
        self.assertRaises(amp.StreamsUnsupportedError, box.serialize)
        self.assertEqual(repr(box[b"data"]), "<a stream>")


class CallTests(SynchronousTestCase):
    """Streams are arguments and response values."""

    def setUp(self) -> None:
        self.client, self.server = Peer(), Peer()
        self.connection = connectPeers(self.client, self.server)

    def call(self, command: Any, **kw: Any) -> Any:
        result = outcome(self.client.callRemote(command, **kw))
        self.connection.flush()
        return result

    def test_upload(self) -> None:
        """An argument arrives while its responder runs."""
        self.assertEqual(self.successResultOf(self.call(Upload, how="", data=[b"x"] * 30_000)), {"size": 30_000})

    def test_optional(self) -> None:
        """A stream may be left out."""
        self.assertEqual(self.successResultOf(self.call(Upload, how="")), {"size": -1})

    def test_download(self) -> None:
        """A stream in a response arrives after it, and ends with its declared error."""
        reader = self.successResultOf(self.call(Watch, count=3))["numbers"]
        taken: list[int] = []

        async def take() -> None:
            async for each in reader:
                taken.append(each)  # noqa: PERF401 - those before the error count

        error = self.failureResultOf(Deferred.fromCoroutine(take()), ZeroDivisionError).value
        self.assertEqual((taken, str(error)), ([0, 1, 2], "counted"))

    def test_argumentFails(self) -> None:
        """A declared error of an argument's source becomes the error of the call."""

        def generate() -> Any:
            yield b"x"
            raise ZeroDivisionError("sent")

        error = self.failureResultOf(self.call(Upload, how="", data=generate()), ZeroDivisionError).value
        self.assertEqual(str(error), "sent")

    def test_conversation(self) -> None:
        """
        Questions and answers are streamed at the same time, and the responder sees its current
        call.
        """
        pipe = amp.StreamPipe()
        reader = self.successResultOf(self.call(Talk, questions=pipe))["answers"]
        answers = reader.collect(1000)
        for question in ("one", "two"):
            pipe.write(question)
            self.connection.flush()
        pipe.end()
        self.connection.flush()
        self.assertEqual(self.successResultOf(answers), ["ONE", "TWO"])
        self.assertEqual([each.commandName for each in self.server.contexts], [b"Talk"] * 2)

    def test_noStream(self) -> None:
        """
        A value that is not the number of a stream gives the caller an error, and the connection
        stays open.
        """
        self.successResultOf(self.call(Upload, how="", data=b"x"))
        for number in (b"99", b"x", b"1"):
            failing = outcome(self.client.callRemoteString(b"Upload", how=b"", data=number))
            self.connection.flush()
            error = self.failureResultOf(failing, amp.RemoteAmpError).value
            self.assertEqual(error.errorCode, b"UNSUPPORTED")
        self.assertEqual(self.successResultOf(self.call(Upload, how="", data=b"x")), {"size": 1})

    def test_otherArgumentWrong(self) -> None:
        """If another argument cannot be read, the stream is stopped."""
        sender = amp.StreamSender(b"x" * 10**5)

        class Wrong(Upload):
            commandName = b"Upload"
            arguments = [(b"data", amp.Stream()), (b"how", amp.String())]

        failing = self.client.callRemote(Wrong, how=b"\xff", data=sender)
        failing.addErrback(lambda failure: failure.trap(amp.UnknownRemoteError))
        self.connection.flush()
        self.failureResultOf(sender.whenFinished())
        self.flushLoggedErrors(UnicodeDecodeError)

    def test_discarded(self) -> None:
        """The stream is also stopped if its reader was made before that."""
        sender = amp.StreamSender(b"x" * 10**5)

        class First(amp.Command):
            commandName = b"First"
            arguments = [(b"data", amp.Stream()), (b"n", amp.String())]

        class FirstInteger(First):
            commandName = b"First"
            arguments = [(b"data", amp.Stream()), (b"n", amp.Integer())]

        class Server(Peer):
            @FirstInteger.responder
            def first(self, data: Any, n: int) -> Any:
                raise AssertionError

            unknownErrorsAreFatal = False

        self.connection = connectPeers(self.client, Server())
        failing = outcome(self.client.callRemote(First, data=sender, n=b"no number"))
        self.connection.flush()
        self.failureResultOf(failing, amp.UnknownRemoteError)
        self.failureResultOf(sender.whenFinished(), amp.StreamStoppedError)
        self.flushLoggedErrors(ValueError)

    def test_large(self) -> None:
        """A response with a stream may also have a value of any size."""
        response = self.successResultOf(self.call(Watch, count=7))
        self.assertEqual(len(response["note"]), 70_000)
        self.failureResultOf(response["numbers"].collect(1000), ZeroDivisionError)
