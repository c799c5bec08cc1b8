"""
Tests for connections, dispatchers and locators that are separate objects, and for applications' own
objects in their places.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.compatibility.words import Words
from tests.helpers import RecordingTransport, connectInMemory

case = SynchronousTestCase()


class TestComposition:
    """Tests for connections, dispatchers and locators that are separate objects."""

    def test_parts(self, amp: Any, words: Words) -> None:
        """
        C{AMP(boxReceiver=, locator=)} passes boxes to the one, and finds responders in the other.
        """

        class Locator(amp.CommandLocator):
            @words.Echo.responder
            def echo(self, text: str) -> Any:
                return {"text": text.upper()}

        locator = Locator()
        dispatcher = amp.BoxDispatcher(locator)
        server, client = amp.AMP(boxReceiver=dispatcher), amp.AMP(locator=locator)
        assert (server.boxReceiver, server.locator, client.boxReceiver, client.locator) == (
            dispatcher,
            server,
            client,
            locator,
        )
        connection = connectInMemory(client, server)
        assert (dispatcher.boxSender, client.boxSender) == (server, client)
        calls = [client.callRemote(words.Echo, text="x"), dispatcher.callRemote(words.Echo, text="y")]
        connection.flush()
        assert [case.successResultOf(each) for each in calls] == [{"text": "X"}, {"text": "Y"}]
        connection.drop()
        assert dispatcher._outstandingRequests is None

    def test_ownReceiver(self, amp: Any) -> None:
        """
        An application's own receiver behind C{BinaryBoxProtocol} can send boxes with the sender
        that it gets.
        """

        @implementer(amp.IBoxReceiver)
        class Receiver:
            def startReceivingBoxes(self, boxSender: Any) -> None:
                events.append(boxSender)
                boxSender.sendBox(amp.Box(hello=b"1"))

            def ampBoxReceived(self, box: Any) -> None:
                events.append(dict(box))

            def stopReceivingBoxes(self, reason: Failure) -> None:
                events.append(reason.type)

        events: list[Any] = []
        protocol = amp.BinaryBoxProtocol(Receiver())
        transport = RecordingTransport().connect(protocol)
        protocol.dataReceived(b"\0\1a\0\1b\0\0")
        protocol.connectionLost(Failure(ConnectionDone()))
        assert events == [protocol, {b"a": b"b"}, ConnectionDone]
        assert transport.written == b"\0\5hello\0\0011\0\0"

    def test_router(self, amp: Any, words: Words) -> None:
        """Several conversations can share a connection, each with a sender that adds its route."""

        class Route:
            def __init__(self, router: Any, name: bytes, receiver: Any) -> None:
                self.router, self.name, self.receiver = router, name, receiver

            def sendBox(self, box: Any) -> None:
                box[b"_route"] = self.name
                self.router.sender.sendBox(box)

            def unhandledError(self, failure: Failure) -> None:
                self.router.sender.unhandledError(failure)

        class Router:
            def __init__(self, **receivers: Any) -> None:
                self.routes = {name.encode(): Route(self, name.encode(), each) for name, each in receivers.items()}

            def startReceivingBoxes(self, sender: Any) -> None:
                self.sender = sender
                for each in self.routes.values():
                    each.receiver.startReceivingBoxes(each)

            def ampBoxReceived(self, box: Any) -> None:
                self.routes[box.pop(b"_route")].receiver.ampBoxReceived(box)

            def stopReceivingBoxes(self, reason: Failure) -> None:
                for each in self.routes.values():
                    each.receiver.stopReceivingBoxes(reason)

        one, other = (amp.BoxDispatcher(words.Server()) for _ in range(2))
        there = [amp.BoxDispatcher(words.Server()) for _ in range(2)]
        connection = connectInMemory(
            amp.BinaryBoxProtocol(Router(a=one, b=other)), amp.BinaryBoxProtocol(Router(a=there[0], b=there[1]))
        )
        calls = [one.callRemote(words.Echo, text="1"), other.callRemote(words.Echo, text="2")]
        connection.flush()
        assert [case.successResultOf(each) for each in calls] == [{"text": "1"}, {"text": "2"}]

    def test_replacedParts(self, amp: Any, words: Words) -> None:
        """C{boxSender}, C{boxReceiver} and C{locator} can be replaced during the connection."""

        class Sent:
            def __init__(self) -> None:
                self.boxes: list[Any] = []

            def sendBox(self, box: Any) -> None:
                self.boxes.append(dict(box))

        server, sent = words.Server(), Sent()
        transport = RecordingTransport().connect(server)
        original, server.boxSender = server.boxSender, sent
        server.dataReceived(amp.Box(_command=b"Echo", _ask=b"1", text=b"x").serialize())
        assert (sent.boxes, transport.written) == ([{b"_answer": b"1", b"text": b"x"}], b"")
        server.boxSender = original
        server.locator = amp.CommandLocator()
        server.dataReceived(amp.Box(_command=b"Echo", _ask=b"1", text=b"x").serialize())
        assert amp.parseString(transport.written)[0][b"_error_code"] == amp.UNHANDLED_ERROR_CODE
        server.boxReceiver = helper = amp._ParserHelper()
        server.dataReceived(amp.Box(a=b"1").serialize())
        assert helper.boxes == [{b"a": b"1"}]

    def test_withoutConnection(self, amp: Any, words: Words) -> None:
        """A dispatcher works without a connection, with a C{boxSender} that a test has set."""
        dispatcher = amp.BoxDispatcher(words.Server())
        assert dispatcher.boxSender is None
        dispatcher.boxSender = helper = type("Sender", (), {"sendBox": lambda self, box: sent.append(box)})()
        sent: list[Any] = []
        calling = dispatcher.callRemote(words.Echo, text="x")
        assert (sent, helper) == ([{b"_command": b"Echo", b"_ask": b"1", b"text": b"x"}], dispatcher.boxSender)
        dispatcher.ampBoxReceived(amp.Box(_answer=b"1", text=b"y"))
        assert case.successResultOf(calling) == {"text": "y"}
        box = case.successResultOf(dispatcher.dispatchCommand(amp.Box(_command=b"Echo", text=b"z")))
        assert dict(box) == {b"text": b"z"}
