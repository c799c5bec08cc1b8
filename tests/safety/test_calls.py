"""
Every call ends once, whatever the peer sends or omits, and a cancelled call takes almost no memory.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from twisted.internet.defer import maybeDeferred
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, bytewise, deliver

from .boxes import ask, box, vocabulary
from .promises import Modules, alike, differs, require, sound
from .sockets import Network, Raw, onSockets


class Calls:
    """
    Calls, and the results of each.

    @ivar ends: for each call, the list of its results.
    """

    def __init__(self) -> None:
        self.ends: list[list[Any]] = []

    def add(self, called: Any) -> Any:
        """Record the results of a call."""
        end: list[Any] = []
        self.ends.append(end)
        called.addBoth(end.append)
        return called

    def requireEnded(self) -> None:
        """Require that each call has ended once."""
        times = [len(end) for end in self.ends]
        require(set(times) == {1}, f"each call ends once, not {times}")


def client(modules: Modules) -> tuple[Any, Calls]:
    """Make a peer in memory with three calls in progress, whose tags are 1, 2 and 3."""
    words = vocabulary(modules)
    peer = words.Peer()
    RecordingTransport().connect(peer)
    calls = Calls()
    for _ in range(3):
        calls.add(peer.callRemote(words.Note, text=b"x"))
    return peer, calls


def lose(peer: Any) -> None:
    """Lose the connection."""
    peer.connectionLost(Failure(ConnectionLost()))


class TestAnyAnswer:
    """Each call ends once, whatever the answer; at the latest when the connection is lost."""

    #: Answers after which Twisted leaves a call waiting, or ends it in an undocumented way.
    ANSWERS = {
        "bareError": box(_error=b"2"),
        "noCode": box(_error=b"2", _error_description=b"no"),
        "noText": box(_error=b"2", _error_code=b"NO"),
    }

    #: Answers that Twisted handles correctly.
    OTHERS = {
        "nothing": b"",
        "half": box(_answer=b"2", text=b"y")[:-3],
        "ok": box(_answer=b"2", text=b"y"),
        "noValue": box(_answer=b"2"),
        "both": box(_answer=b"2", _error=b"1", text=b"y"),
        "badText": box(_error=b"2", _error_code=b"NO", _error_description=b"\xff\xfe"),
        "twice": box(_answer=b"2", text=b"y") * 2,
        "unknown": box(_answer=b"7"),
        "empty": b"\0\0",
        "longKey": b"\1\0",
        "ask": ask(b"nothing", b"2"),
    }

    def answer(self, modules: Modules, answer: bytes) -> None:
        for chunks in ([answer], bytewise(answer)):
            peer, calls = client(modules)
            with suppress(KeyError, modules.amp.AmpError):  # transports close for these
                deliver(peer, chunks)
            lose(peer)
            calls.requireEnded()

    @pytest.mark.parametrize("which", ANSWERS)
    @differs
    def test_answer(self, modules: Modules, which: str) -> None:
        """An error box with missing keys ends the call."""
        self.answer(modules, self.ANSWERS[which])

    @pytest.mark.parametrize("which", OTHERS)
    @alike
    def test_answerAlike(self, modules: Modules, which: str) -> None:
        """Any other answer leaves each call with one result, too."""
        self.answer(modules, self.OTHERS[which])

    @differs
    def test_anyBytes(self, modules: Modules) -> None:
        """Five hundred streams of random answers and errors leave each call with one result."""
        random_ = random.Random(2)
        keys = [b"_answer", b"_error", b"_error_code", b"_error_description", b"_ask", b"_command", b"text"]
        values = [b"1", b"2", b"3", b"4", b"", b"Note", b"UNKNOWN", b"\xff"]
        for _ in range(500):
            peer, calls = client(modules)
            for _ in range(random_.randrange(1, 6)):
                chosen = random_.sample(keys, random_.randrange(1, 4))
                answer = box(**{key.decode(): random_.choice(values) for key in chosen})
                with suppress(KeyError, modules.amp.AmpError):
                    peer.dataReceived(answer if random_.random() < 0.9 else answer[:-2])
            lose(peer)
            calls.requireEnded()

    @pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
    @differs
    @onSockets
    async def test_onSockets(self, modules: Modules, network: Network, tls: bool) -> None:
        """Each call ends once on real sockets, too."""
        if tls:
            pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
        words = vocabulary(modules)
        peer, other = words.Peer(), Raw()
        await network.pair(other, peer)
        calls = Calls()
        calls.add(peer.callRemote(words.Note, text=b"x"))
        calls.add(peer.callRemote(words.Note, text=b"x"))
        await network.until(lambda: other.received.count(b"Note") == 2, "two calls")
        other.transport.write(self.ANSWERS["bareError"])
        other.transport.loseConnection()
        await network.until(lambda: peer.lost, "the end")
        calls.requireEnded()


class TestOddTimes:
    """
    Each call ends once at whatever time the answer arrives, and whatever the application does then.
    """

    @differs
    def test_insideTheSend(self, modules: Modules) -> None:
        """An answer that arrives before C{callRemote} has returned is accepted."""
        words = vocabulary(modules)
        peer = words.Peer()
        transport = RecordingTransport(
            hooks={"write": lambda: peer.dataReceived(box(_answer=b"1", text=b"at once"))}
        ).connect(peer)
        calls = Calls()
        with sound("no error"):
            calls.add(peer.callRemote(words.Note, text=b"x"))
        assert transport.written
        calls.requireEnded()
        require(calls.ends == [[{"text": b"at once"}]], "and it is the answer")

    @differs
    def test_innerProtocolRaises(self, modules: Modules) -> None:
        """A protocol that was switched to may raise when the connection is lost."""

        class Inner(Protocol):
            def connectionLost(self, reason: Any = None) -> None:
                raise ValueError("in the application")

        peer, calls = client(modules)
        peer._switchTo(Inner())
        with pytest.raises(ValueError, match="in the application"):
            lose(peer)
        calls.requireEnded()

    @alike
    def test_callAgain(self, modules: Modules) -> None:
        """A call made in an errback after the connection is lost fails at once."""
        words = vocabulary(modules)
        peer, calls = client(modules)
        again = Calls()
        first = peer.callRemote(words.Note, text=b"x")
        first.addErrback(lambda error: again.add(peer.callRemote(words.Note, text=b"again")) and None)
        lose(peer)
        calls.requireEnded()
        again.requireEnded()

    @alike
    def test_cancelAnother(self, modules: Modules) -> None:
        """An errback that cancels another call does not keep a third one waiting."""
        words = vocabulary(modules)
        peer = words.Peer()
        RecordingTransport().connect(peer)
        calls = Calls()
        made: list[Any] = []

        def cancelOthers(error: Any) -> None:
            for each in made:
                each.cancel()

        for _ in range(3):
            called = peer.callRemote(words.Note, text=b"x")
            called.addErrback(cancelOthers)
            made.append(calls.add(called))
        with sound("no error"):
            lose(peer)
        calls.requireEnded()

    @differs
    def test_secondStartTLS(self, modules: Modules) -> None:
        """A second StartTLS is refused, and the connection stays usable."""
        pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
        words = vocabulary(modules)
        peer = words.Peer()
        transport = RecordingTransport().connect(peer)
        calls = Calls()
        calls.add(peer.callRemote(modules.amp.StartTLS))
        peer.dataReceived(box(_answer=b"1"))
        maybeDeferred(peer.callRemote, modules.amp.StartTLS).addErrback(lambda error: None)
        before = len(transport.written)
        calls.add(peer.callRemote(words.Note, text=b"still here"))
        require(b"still here" in transport.written[before:], "calls are sent")
        lose(peer)
        calls.requireEnded()


class TestCancelled:
    """Nothing is kept of a cancelled call except its tag."""

    COUNT = 20_000

    @differs
    def test_forgotten(self, modules: Modules) -> None:
        """
        A cancelled call keeps at most 100 bytes until its answer arrives, and nothing after that.
        """
        words = vocabulary(modules)
        peer = words.Peer()
        transport = RecordingTransport().connect(peer)
        transport.write = lambda data: None  # type: ignore[assignment,method-assign]
        peer.callRemote(words.Note, text=b"first").addErrback(lambda error: None).cancel()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(self.COUNT):
                called = peer.callRemote(words.Note, text=b"x")
                called.addErrback(lambda error: None)
                called.cancel()
            del called
            held = tracemalloc.get_traced_memory()[0] - before
            if modules.name == "ours":
                for tag in range(1, self.COUNT + 2):
                    peer.dataReceived(box(_answer=b"%x" % tag, text=b"y"))
            behind = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        each = held / self.COUNT
        require(each <= 100, f"{each:.0f} bytes for each call that was cancelled")
        require(behind < self.COUNT, f"{behind} bytes when all are answered")

    @alike
    def test_lateAnswer(self, modules: Modules) -> None:
        """The late answer of a cancelled call is dropped, and the connection stays usable."""
        peer, calls = client(modules)
        words = vocabulary(modules)
        called = calls.add(peer.callRemote(words.Note, text=b"x"))
        called.cancel()
        with sound("no error"):
            peer.dataReceived(box(_answer=b"4", text=b"late") + box(_answer=b"1", text=b"y"))
        require(calls.ends[0] == [{"text": b"y"}], "others are answered")
        require("loseConnection" not in peer.transport.names(), "the connection stays")
        lose(peer)
        calls.requireEnded()


class TestErrorsOfResponders:
    """Each waiting caller gets an answer, or the connection ends."""

    def respond(self, modules: Modules, respond: Callable[[Any], Any]) -> bytes:
        """Answer a call with C{respond}, and return the bytes sent to the peer."""

        class Declared(modules.amp.Command):  # type: ignore[misc, name-defined]
            commandName = b"Do"
            response = [(b"text", modules.amp.String())]
            errors = {ValueError: b"VALUE"}

        class Server(modules.amp.AMP):  # type: ignore[misc, name-defined]
            logConnections = False
            do = Declared.responder(respond)

        server = Server()
        transport = RecordingTransport().connect(server)
        with sound("no error"):
            server.dataReceived(ask(b"Do"))
        return transport.written

    @differs
    def test_longText(self, modules: Modules) -> None:
        """A declared error with more than 64 KiB of text is sent with as much text as fits."""

        def fail(server: Any) -> None:
            raise ValueError("é" * 40_000)

        answer = self.respond(modules, fail)
        require(b"VALUE" in answer, "the error is told")
        require("é".encode() * 30_000 in answer, "with its text")

    @differs
    def test_longAnswer(self, modules: Modules) -> None:
        """An answer that does not fit into a box is reported as an error."""
        answer = self.respond(modules, lambda server: {"text": b"x" * 70_000})
        require(b"_error" in answer, "it is told")

    @alike
    def test_silence(self, modules: Modules) -> None:
        """The peer learns nothing about an error that is not declared."""

        def fail(server: Any) -> None:
            raise KeyError("secret")

        answer = self.respond(modules, fail)
        require(b"UNKNOWN" in answer, "that there was one")
        require(b"secret" not in answer, "and not which")
