"""
Tests for what applications override and read in the dispatching of calls: sending, answering, and
its tables.
"""

from __future__ import annotations

from typing import Any

import pytest

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.compatibility.words import Words, outcomeOf
from tests.helpers import RecordingTransport, connectInMemory

case = SynchronousTestCase()


class TestSending:
    """
    Tests for overrides of C{_sendBoxCommand} and C{callRemoteString}, and for
    C{_outstandingRequests}.
    """

    def test_sendBoxCommand(self, amp: Any, words: Words) -> None:
        """
        An override of C{_sendBoxCommand} can log each command, add a key, and read the answer.
        """

        class Client(amp.AMP):
            def _sendBoxCommand(self, command: bytes, box: Any, requiresAnswer: bool = True) -> Any:
                log.append((command, dict(box), requiresAnswer))
                box[b"_session"] = b"5"
                answering = super()._sendBoxCommand(command, box, requiresAnswer)
                return answering.addCallback(lambda answer: (log.append(sorted(answer)), answer)[1])

        log: list[Any] = []
        client, server = Client(), words.Server()
        connection = connectInMemory(client, server)
        calling = client.callRemote(words.Echo, text="x")
        connection.flush()
        assert case.successResultOf(calling) == {"text": "x"}
        assert log == [(b"Echo", {b"text": b"x"}, True), [b"_answer", b"text"]]
        assert b"\0\x08_session\0\x015" in connection.client.written

    def test_positional(self, amp: Any) -> None:
        """
        C{_sendBoxCommand} is called with three positional arguments, so an override can name them
        freely.
        """

        class Dispatcher(amp.BoxDispatcher):
            def _sendBoxCommand(self, *given: Any) -> Any:
                return given

        class Tell(amp.Command):
            requiresAnswer = False

        dispatcher = Dispatcher(None)
        assert dispatcher.callRemote(Tell) == (b"Tell", {}, False)
        assert dispatcher.callRemoteString(b"x", a=b"1") == (b"x", {b"a": b"1"}, True)

    def test_onInstance(self, amp: Any, words: Words) -> None:
        """C{_sendBoxCommand} can be replaced on one connection."""
        client = amp.AMP()
        client._sendBoxCommand = lambda command, box, requiresAnswer=True: maybeDeferred(amp.Box, box)
        assert case.successResultOf(client.callRemote(words.Echo, text="x")) == {"text": "x"}

    def test_outstanding(self, amp: Any, words: Words) -> None:
        """
        C{_outstandingRequests} has the unanswered calls, by their hexadecimal tags.  After the
        connection it is C{None}.
        """
        client, server = amp.AMP(), words.Server()
        server.waiting = Deferred()
        connection = connectInMemory(client, server)
        assert client._outstandingRequests == {}
        outcomes = [outcomeOf(client.callRemote(words.Echo, text=text)) for text in ("x", *["wait"] * 9, "y")]
        assert list(client._outstandingRequests) == [b"%x" % number for number in range(1, 12)]
        connection.flush()
        assert list(client._outstandingRequests) == [b"%x" % number for number in range(2, 11)]
        assert all(isinstance(each, Deferred) for each in client._outstandingRequests.values())
        connection.drop()
        assert client._outstandingRequests is None
        assert [each[0].type for each in outcomes[1:-1]] == [ConnectionLost] * 9

    def test_taken(self, amp: Any, words: Words) -> None:
        """An application can remove a request and fire its Deferred."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        outcome = outcomeOf(client.callRemote(words.Echo, text="x"))
        client._outstandingRequests.pop(b"1").callback(amp.Box(text=b"own"))
        assert outcome == [{"text": "own"}]

    def test_tags(self, amp: Any, words: Words) -> None:
        """C{_nextTag} can be overridden, and C{_counter} can be set."""

        class Client(amp.AMP):
            def _nextTag(self) -> bytes:
                return b"tag-%d" % self._counter

        client = Client()
        connection = connectInMemory(client, words.Server())
        client._counter = 41
        calling = client.callRemote(words.Echo, text="x")
        assert list(client._outstandingRequests) == [b"tag-41"]
        connection.flush()
        assert case.successResultOf(calling) == {"text": "x"}

    def test_afterwards(self, amp: Any, words: Words) -> None:
        """
        After the connection is lost, calls fail with its reason, and calls without an answer are
        dropped.
        """

        class Tell(amp.Command):
            requiresAnswer = False

        client = amp.AMP()
        connectInMemory(client, words.Server()).drop()
        assert outcomeOf(client.callRemote(words.Echo, text="x"))[0].type is ConnectionLost
        assert client.callRemote(Tell) is None
        assert client._failAllReason.check(ConnectionLost)

    def test_failAll(self, amp: Any, words: Words) -> None:
        """C{failAllOutgoing} fails all calls that wait for an answer, and all later ones."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        outcome = outcomeOf(client.callRemote(words.Echo, text="x"))
        client.failAllOutgoing(Failure(RuntimeError("enough")))
        assert outcome[0].type is RuntimeError
        assert outcomeOf(client.callRemote(words.Echo, text="x"))[0].type is RuntimeError

    def test_invalid(self, amp: Any, words: Words) -> None:
        """
        A call with a missing argument fails its Deferred.  A call with an unknown argument raises
        at once.
        """
        client = amp.AMP()
        RecordingTransport().connect(client)
        assert outcomeOf(client.callRemote(words.Echo))[0].type is amp.InvalidSignature
        with pytest.raises(amp.InvalidSignature):
            client.callRemote(words.Echo, text="x", more=1)
        with pytest.raises(amp.TooLong):
            client.callRemote(words.Echo, text="x" * 65536)
        assert client._outstandingRequests == {}


class TestDispatching:
    """
    Tests for overrides of C{dispatchCommand}, C{_commandReceived}, C{_safeEmit} and
    C{unhandledError}.
    """

    def test_dispatchCommand(self, amp: Any, words: Words) -> None:
        """
        An override of C{dispatchCommand} can turn every error of a responder into one with a code.
        """

        class Server(words.Server):
            def dispatchCommand(self, box: Any) -> Any:
                log.append(box[amp.COMMAND])
                return super().dispatchCommand(box).addErrback(self._told)

            def _told(self, error: Failure) -> Any:
                if error.check(amp.RemoteAmpError):
                    return error
                raise amp.RemoteAmpError(b"INTERNAL", f"{error.type.__name__} happened")

        log: list[bytes] = []
        client = amp.AMP()
        connection = connectInMemory(client, Server())
        outcomes = [outcomeOf(client.callRemote(words.Echo, text=text)) for text in ("OSError", "ValueError", "x")]
        connection.flush()
        assert outcomes[0][0].value.description == "OSError happened"
        assert (outcomes[0][0].type, outcomes[1][0].type) == (amp.UnknownRemoteError, ValueError)
        assert (outcomes[2], log, connection.client.lost) == ([{"text": "x"}], [b"Echo"] * 3, False)

    def test_unhandledError(self, amp: Any, words: Words) -> None:
        """
        An override of C{unhandledError} can keep the connection, on both sides, whatever callbacks
        raise.
        """

        class Keeping(words.Server):
            def unhandledError(self, failure: Failure) -> None:
                log.append((self, failure.type))

        log: list[Any] = []
        client, server = Keeping(), Keeping()
        connection = connectInMemory(client, server)

        def callback(response: object) -> None:
            raise LookupError(response)

        client.callRemote(words.Echo, text="x").addCallback(callback)
        client.callRemote(words.Echo, text="ValueError")
        connection.flush()
        assert log == [(client, LookupError), (client, ValueError)]
        assert not connection.client.disconnecting
        client.callRemoteString(b"Echo", requiresAnswer=False, text=b"ValueError")
        connection.flush()
        assert log[2:] == [(server, amp.RemoteAmpError)]
        assert not connection.server.disconnecting

    def test_commandReceived(self, amp: Any, words: Words) -> None:
        """
        An application can replace C{_commandReceived}, log errors on this side, and tell the other
        side more.
        """

        class Server(words.Server):
            def _commandReceived(self, box: Any) -> None:
                def answer(answerBox: Any) -> Any:
                    answerBox[amp.ANSWER] = box[amp.ASK]
                    return answerBox

                def tell(error: Failure) -> Any:
                    log.append(error.type)
                    known = error.check(amp.RemoteAmpError)
                    errorBox = amp.AmpBox() if known else amp.QuitBox()
                    errorBox[amp.ERROR] = box[amp.ASK]
                    errorBox[amp.ERROR_CODE] = error.value.errorCode if known else amp.UNKNOWN_ERROR_CODE
                    errorBox[amp.ERROR_DESCRIPTION] = b"(logged on the other side)"
                    return errorBox

                dispatching = self.dispatchCommand(box)
                if amp.ASK in box:
                    dispatching.addCallbacks(answer, tell)
                    dispatching.addCallback(self._safeEmit)
                dispatching.addErrback(self.unhandledError)

        log: list[Any] = []
        client = amp.AMP()
        connection = connectInMemory(client, Server())
        outcomes = [outcomeOf(client.callRemote(words.Echo, text=text)) for text in ("x", "ValueError", "OSError")]
        connection.flush()
        assert outcomes[0] == [{"text": "x"}]
        assert [(each[0].type, str(each[0].value)[-28:]) for each in outcomes[1:]] == [
            (ValueError, "(logged on the other side)"),
            (amp.UnknownRemoteError, ": (logged on the other side)"),
        ]
        assert (log, connection.server.lost) == ([amp.RemoteAmpError, OSError], True)

    def test_safeEmit(self, amp: Any, words: Words) -> None:
        """Each answer and each error passes through C{_safeEmit}, which can add to it."""

        class Server(words.Server):
            def _safeEmit(self, aBox: Any) -> None:
                emitted.append(sorted(aBox))
                aBox[b"_time"] = b"5"
                super()._safeEmit(aBox)

        emitted: list[Any] = []
        client = amp.AMP()
        connection = connectInMemory(client, Server())
        outcomes = [outcomeOf(client.callRemote(words.Echo, text=text)) for text in ("x", "ValueError")]
        connection.flush()
        assert (outcomes[0], outcomes[1][0].type) == ([{"text": "x"}], ValueError)
        assert emitted == [[b"_answer", b"text"], [b"_error", b"_error_code", b"_error_description"]]
        assert connection.server.written.count(b"_time") == 2

    def test_safeEmitReplaced(self, amp: Any, words: Words) -> None:
        """
        A C{_safeEmit} that is set on an instance sends the answers to the calls that arrive from
        then on.
        """
        client, server = amp.AMP(), words.Server()
        first: Deferred[Any] = Deferred()
        second: Deferred[Any] = Deferred()
        server.waiting = first
        connection = connectInMemory(client, server)
        sent: list[bytes] = []
        own = server._safeEmit

        def emit(box: Any) -> None:
            sent.append(box[b"_answer"])
            own(box)

        outcomes = [outcomeOf(client.callRemote(words.Echo, text="wait"))]
        connection.flush()
        server._safeEmit = emit
        server.waiting = second
        outcomes.append(outcomeOf(client.callRemote(words.Echo, text="wait")))
        connection.flush()
        del server._safeEmit
        for waiting in (first, second):
            waiting.callback({"text": "late"})
        connection.flush()
        assert outcomes == [[{"text": "late"}]] * 2
        assert sent == [b"2"]

    def test_safeEmitCalled(self, amp: Any) -> None:
        """C{_safeEmit} ignores the errors after a lost connection and after a protocol switch."""

        class Sender:
            def sendBox(self, box: Any) -> None:
                raise box[b"error"]

        dispatcher = amp.BoxDispatcher(None)
        dispatcher.startReceivingBoxes(Sender())
        for error in (amp.ProtocolSwitched(), ConnectionLost()):
            dispatcher._safeEmit(amp.Box(error=error))
        with pytest.raises(ZeroDivisionError):
            dispatcher._safeEmit(amp.Box(error=ZeroDivisionError()))

    @pytest.mark.parametrize("method", ["_answerReceived", "_errorReceived"])
    def test_received(self, amp: Any, words: Words, method: str) -> None:
        """
        C{_answerReceived} and C{_errorReceived} can be replaced to see answers and errors before
        their callers.
        """
        client = amp.AMP()
        original = getattr(client, method)
        setattr(client, method, lambda box: (seen.append(sorted(box)), original(box))[1])
        seen: list[Any] = []
        connection = connectInMemory(client, words.Server())
        outcomeOf(client.callRemote(words.Echo, text="x" if "answer" in method else "ValueError"))
        connection.flush()
        assert seen == [
            [b"_answer", b"text"] if "answer" in method else [b"_error", b"_error_code", b"_error_description"]
        ]

    def test_keyError(self, amp: Any, words: Words) -> None:
        """
        C{dataReceived} raises C{KeyError} for an answer with an unknown tag, and the connection
        stays open.
        """

        class Server(words.Server):
            def dataReceived(self, data: bytes) -> None:
                try:
                    super().dataReceived(data)
                except KeyError as error:
                    caught.append(error.args)

        caught: list[Any] = []
        server = Server()
        transport = RecordingTransport().connect(server)
        server.dataReceived(amp.Box(_answer=b"13541").serialize())
        assert (caught, transport.disconnecting) == ([(b"13541",)], False)

    def test_emptyBox(self, amp: Any) -> None:
        """
        C{dataReceived} and C{ampBoxReceived} raise C{NoEmptyBoxes} for a box that is neither ask
        nor answer.
        """
        protocol = amp.AMP()
        RecordingTransport().connect(protocol)
        with pytest.raises(amp.NoEmptyBoxes):
            protocol.dataReceived(b"\0\0")
        with pytest.raises(amp.NoEmptyBoxes):
            protocol.ampBoxReceived(amp.Box(a=b"1"))

    def test_ampBoxReceived(self, amp: Any, words: Words) -> None:
        """
        C{ampBoxReceived} can be overridden to count boxes, and be called with boxes from the
        application.
        """

        class Counting(words.Server):
            seen = 0

            def ampBoxReceived(self, box: Any) -> None:
                self.seen += 1
                super().ampBoxReceived(box)

        server = Counting()
        transport = RecordingTransport().connect(server)
        server.ampBoxReceived(amp.Box(_command=b"Echo", _ask=b"7", text=b"x"))
        server.dataReceived(amp.Box(_command=b"Echo", _ask=b"8", text=b"y").serialize())
        assert server.seen == 2
        assert amp.parseString(transport.written) == [
            {b"_answer": b"7", b"text": b"x"},
            {b"_answer": b"8", b"text": b"y"},
        ]
