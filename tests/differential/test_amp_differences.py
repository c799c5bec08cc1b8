"""Tests for each deliberate difference between Twisted's AMP and ours, on both modules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, connectInMemory, cutAt
from twisted_basic_ng import amp as ours

from .amp_calls import KnownError, vocabulary
from .amp_driver import Case, drive, quiet
from .test_amp import DIFFERENCES, box, stock

ACT = box(b"_ask", b"1", b"_command", b"act", b"n", b"1"), box(b"_ask", b"2", b"_command", b"act", b"n", b"2")


def both(kind: str, steps: list[Any], actions: list[Any], *names: str) -> tuple[list[Any], list[Any]]:
    """
    Run a script on both modules.  Return the first argument of each event with one of C{names}.
    """
    case = Case(kind, steps, actions)
    theirs, mine = ([(*event, None)[1] for event in drive(each, case) if event[0] in names] for each in (stock, ours))
    return theirs, mine


def boxes(steps: list[Any], actions: list[Any]) -> tuple[list[bytes], list[bytes]]:
    """Run a script on both modules.  Return the one key of each delivered box."""
    case = Case("boxes", steps, actions)
    theirs, mine = ([*map(_onlyKey, drive(each, case))] for each in (stock, ours))
    return [key for key in theirs if key], [key for key in mine if key]


def _onlyKey(event: Any) -> bytes:
    return b"".join(event[2]) if event[0] == "box" else b""


def connected(amp: Any, peer: str = "Peer") -> tuple[Any, Any, RecordingTransport]:
    """Return a peer that is connected to a recording transport."""
    words = vocabulary(amp)
    end = getattr(words, peer)()
    return words, end, RecordingTransport().connect(end)


class TestOfScripts:
    """Tests for the differences that L{DIFFERENCES} lists."""

    def test_names(self) -> None:
        """Each difference has a test in this class."""
        for each in DIFFERENCES:
            assert hasattr(self, f"test_{each.name}"), each.name

    def test_raised(self) -> None:
        """
        After an exception, each box is delivered once and in order.  Twisted delivers boxes again,
        out of order.
        """
        theirs, mine = boxes([box(b"a", b"") + box(b"b", b""), box(b"c", b"")], [("raise",)])
        assert theirs != [b"a", b"b", b"c"]
        assert mine == [b"a", b"b", b"c"]

    def test_dropped(self) -> None:
        """
        Nothing after a fatal error is executed.  Twisted executes it, both in the same chunk and in
        later ones.
        """
        for steps in ([ACT[0] + ACT[1]], [*ACT]):
            assert both("calls", steps, [("fatal",)], "act") == ([1, 2], [1])
        theirs, mine = both("boxes", [box(b"a", b"") + b"\1\0", box(b"b", b"")], [], "closing")
        assert (len(theirs), len(mine)) == (2, 1)

    def test_reentered(self) -> None:
        """
        Reentrant bytes are delivered after the current delivery.  Twisted delivers boxes again.
        """
        theirs, mine = boxes([box(b"a", b"") + box(b"b", b"")], [("dataReceived", box(b"c", b""))])
        assert theirs != [b"a", b"b", b"c"]
        assert mine == [b"a", b"b", b"c"]

    def test_plaintext(self) -> None:
        """
        Plaintext after the ask for TLS is not parsed.  Twisted executes it as if it had arrived
        over TLS.
        """
        ask = box(b"_ask", b"9", b"_command", b"StartTLS")
        assert both("calls", [ask + ACT[0]], [], "act") == ([1], [])
        theirs, mine = both("calls", [ask + ACT[0][:8], ACT[0][8:]], [], "act")
        assert (theirs, mine) == ([1], [])

    def test_plaintextKept(self) -> None:
        """Plaintext after the ask for TLS is passed to the TLS layer."""
        _words, server, transport = connected(ours)
        server.secured = {"tls_localCertificate": Credentials()}
        server.dataReceived(box(b"_ask", b"9", b"_command", b"StartTLS") + b"hello")
        assert transport.protocol.received == b"hello"

    def test_forged(self) -> None:
        """A plaintext answer to a call that waits for TLS does not succeed.  In Twisted it does."""
        steps = [("secure",), ("call", b"later", True), box(b"_answer", b"2")]
        theirs, mine = (
            [event[2] for event in drive(amp, Case("calls", steps, [])) if event[:2] == ("result", 2)]
            for amp in (stock, ours)
        )
        assert (theirs, mine) == ([False], [True])

    def test_refused(self) -> None:
        """
        If the peer refuses TLS, the connection is closed.  In Twisted it stays open and sends
        nothing any more.
        """
        steps = [("secure",), box(b"_error", b"1", b"_error_code", b"x", b"_error_description", b"")]
        theirs, mine = both("calls", [*steps, ("call", b"x", False)], [], "closing")
        assert (len(theirs), len(mine)) == (0, 1)

    def test_limit(self) -> None:
        """
        Starting TLS resets the limit on keys.  In Twisted a limit that the application has set
        remains.
        """
        ask = box(b"_ask", b"9", b"_command", b"StartTLS")
        case = Case("calls", [ask[:-2], ("set", "MAX_LENGTH", 2), ask[-2:]], [])
        for amp, limit in ((stock, 2), (ours, 255)):
            assert [dict(event[1])["MAX_LENGTH"] for event in drive(amp, case) if event[0] == "after"][-1] == limit

    def test_twice(self) -> None:
        """A second ask for TLS is refused.  In Twisted a peer may start TLS inside TLS."""
        asks = [box(b"_ask", tag, b"_command", b"StartTLS") for tag in (b"1", b"2")]
        theirs, mine = both("calls", asks, [], "tls")
        assert (len(theirs), len(mine)) == (2, 1)

    def test_crossed(self) -> None:
        """
        If both sides ask for TLS at once, the connection is closed.  In Twisted they start TLS
        inside TLS, or wait forever.
        """
        ask = box(b"_ask", b"9", b"_command", b"StartTLS")
        theirs, mine = both("calls", [("secure",), ask], [], "closing")
        assert (len(theirs), len(mine)) == (0, 1)

    def test_askedTwice(self) -> None:
        """A call between two asks for TLS is sent.  In Twisted the second ask discards it."""
        steps = [("secure",), ("call", b"between", False), ("secure",), box(b"_answer", b"1")]
        for amp, sent in ((stock, False), (ours, True)):
            last = [event for event in drive(amp, Case("calls", steps, [])) if event[0] == "after"][-1]
            assert any(b"between" in event[1] for event in last[3] if event[0] == "write") is sent


class Credentials:
    """Credentials for C{startTLS}.  The transport ignores them."""

    def options(self, *authorities: Any) -> Any:
        return authorities


class TestAnswers:
    """Tests for invalid answers."""

    def test_unknownTag(self) -> None:
        """
        An answer with an unknown tag raises a C{KeyError} that explains the problem.  Twisted's is
        bare.
        """
        for data in (box(b"_answer", b"5"), box(b"_error", b"5", b"_error_code", b"x", b"_error_description", b"")):
            for amp, text in ((stock, "b'5'"), (ours, "an answer to b'5', which waits for none")):
                with pytest.raises(KeyError) as raised:
                    connected(amp)[1].dataReceived(data)
                assert str(raised.value) == text

    def test_errorWithout(self) -> None:
        """
        An error box without a code or text fails the call.  In Twisted the caller keeps waiting.
        """
        for rest in ([], [b"_error_code", b"x"], [b"_error_description", b"text"]):
            results: list[Any] = []
            for amp in (stock, ours):
                words, caller, _transport = connected(amp)
                caller.callRemote(words.Later, number=1).addBoth(results.append)
                with quiet():
                    try:
                        caller.dataReceived(box(b"_error", b"1", *rest))
                    except KeyError:
                        assert amp is stock
            (result,) = results
            assert result.check(ours.UnknownRemoteError)

    def test_cancelled(self) -> None:
        """A cancelled call is forgotten.  Twisted keeps it until the answer arrives."""
        for amp, kept in ((stock, [b"1", b"2"]), (ours, [b"2"])):
            words, caller, _transport = connected(amp)
            results: list[Any] = []
            calls = [caller.callRemote(words.Later, number=number).addBoth(results.append) for number in (1, 2)]
            calls[0].cancel()
            assert results.pop().check(CancelledError)
            assert sorted(caller._outstandingRequests) == kept
            caller.dataReceived(box(b"_answer", b"1", b"number", b"1") + box(b"_answer", b"2", b"number", b"2"))
            assert results == [{"number": 2}]

    def test_unsendable(self) -> None:
        """
        An answer that is too long becomes an error for its caller.  In Twisted the connection is
        closed.
        """
        for amp, error in ((stock, "ConnectionDone"), (ours, "UnknownRemoteError")):
            words = vocabulary(amp)
            caller, answers = words.Peer(), words.Peer()
            pipe = connectInMemory(caller, answers)
            results: list[Any] = []
            caller.callRemote(words.Grow).addBoth(results.append)
            with quiet():
                pipe.flush()
            assert [type(each.value).__name__ for each in results] == [error]

    def test_longErrorText(self) -> None:
        """
        A declared error whose text is too long is still sent.  In Twisted the connection is closed.
        """
        for amp, error in ((stock, "ConnectionDone"), (ours, "KnownError")):
            words = vocabulary(amp)
            caller, answers = words.Peer(), words.Peer()
            answers.locateResponder = lambda name, words=words, answers=answers: answers._wrapWithSerialization(
                _failLong, words.Fail
            )
            pipe = connectInMemory(caller, answers)
            results: list[Any] = []
            caller.callRemote(words.Fail, how=b"").addBoth(results.append)
            with quiet():
                pipe.flush()
            assert [type(each.value).__name__ for each in results] == [error]


def _failLong(how: bytes) -> None:
    raise KnownError("\N{SNOWMAN}" * 30000)


class TestCommands:
    """Tests for calls from the peer."""

    def test_notASCII(self) -> None:
        """
        A command name that is not ASCII is answered as unhandled.  Twisted raises
        C{UnicodeDecodeError}.
        """
        ask = box(b"_ask", b"1", b"_command", b"\xff")
        with pytest.raises(UnicodeDecodeError):
            connected(stock)[1].dataReceived(ask)
        _words, server, transport = connected(ours)
        server.dataReceived(ask)
        (answer,) = ours.parseString(transport.written)
        assert answer[b"_error_code"] == b"UNHANDLED"

    def test_argumentNames(self) -> None:
        """An argument can have the name C{f}.  In Twisted it cannot."""
        for amp, code in ((stock, b"UNKNOWN"), (ours, None)):

            class Named(amp.Command):  # type: ignore[misc]
                arguments = [(b"f", amp.Integer())]

            class Peer(amp.AMP):  # type: ignore[misc]
                @Named.responder
                def named(self, f: int) -> Any:
                    return {}

            transport = RecordingTransport().connect(Peer())
            with quiet():
                try:
                    transport.protocol.dataReceived(box(b"_ask", b"1", b"_command", b"Named", b"f", b"5"))
                except TypeError:
                    assert amp is stock
                    continue
            (answer,) = amp.parseString(transport.written)
            assert answer.get(b"_error_code") == code


class TestBounds:
    """Tests for the limits on boxes.  In Twisted a box may be of any size."""

    def feed(self, amp: Any, data: bytes, **bounds: Any) -> tuple[int, bool]:
        """Return how many boxes C{data} contains, and whether the connection was closed."""
        taken: list[Any] = []
        protocol = amp.BinaryBoxProtocol(amp._ParserHelper())
        protocol.boxReceiver.ampBoxReceived = taken.append
        vars(protocol).update(bounds)
        transport = RecordingTransport().connect(protocol)
        with quiet():
            for start in range(0, len(data), 2**16):
                protocol.dataReceived(data[start : start + 2**16])
        return len(taken), transport.disconnecting

    def test_keys(self) -> None:
        """A box may have up to 4,096 keys."""
        for count, mine in ((4096, (1, False)), (4097, (0, True))):
            data = box(*(each for number in range(count) for each in (b"%d" % number, b"")))
            assert (self.feed(stock, data), self.feed(ours, data)) == ((1, False), mine)

    def test_length(self) -> None:
        """A box may have up to 16 MiB, including repeated keys."""
        pair = b"\0\1a\xff\xff" + b"x" * 0xFFFF
        for count, mine in ((255, (1, False)), (256, (0, True))):
            data = pair * count + b"\0\0"
            assert self.feed(ours, data) == mine
        assert self.feed(stock, pair * 257 + b"\0\0") == (1, False)

    def test_none(self) -> None:
        """The limit on keys can be switched off."""
        data = box(*(each for number in range(5000) for each in (b"%d" % number, b"")))
        assert self.feed(ours, data, MAX_BOX_KEYS=None) == (1, False)


class TestRefusedTLS:
    """
    Tests for a peer that refuses TLS.  In Twisted, its connection stays open and sends nothing any
    more.
    """

    def test_closed(self) -> None:
        """The connection is closed, and calls made in the meantime fail."""
        for amp, ends in ((stock, False), (ours, True)):
            words, caller, transport = connected(amp)
            results: list[Any] = []
            for command, arguments in (
                (amp.StartTLS, {}),
                (words.Later, {"number": 1}),
            ):
                caller.callRemote(command, **arguments).addBoth(results.append)
            with quiet():
                caller.dataReceived(box(b"_error", b"1", b"_error_code", b"no", b"_error_description", b""))
            assert transport.disconnecting is ends
            if ends:
                caller.connectionLost(Failure(ConnectionDone()))
                assert len(results) == 2
            else:
                caller.callRemote(words.Notify, text=b"unheard")
                assert b"unheard" not in transport.written


#: The actions of a callback.  "next" passes in the next chunk reentrantly.
ACTIONS = ("nothing", "raise", "next", "empty", "look", "bounce", "pause")


class TestExactlyOnce:
    """
    Whatever a callback does, each box is delivered exactly once, in order, and never inside another
    callback.
    """

    @given(
        count=st.integers(0, 60),
        repeated=st.integers(1, 10),
        cuts=st.lists(st.integers(0, 10_000), max_size=8),
        actions=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=8),
    )
    def test_delivered(self, count: int, repeated: int, cuts: list[int], actions: list[str]) -> None:
        """The delivered boxes are the sent ones."""
        sent = [{b"k%d" % number: b"v" * (number % 5)} for number in range(count)] * repeated
        data = b"".join(ours.Box(each).serialize() for each in sent)
        chunks = cutAt(data, sorted(cut % (len(data) + 1) for cut in cuts))
        receiver = Receiver(chunks, actions)
        while chunks:
            receiver.feed(chunks.pop(0))
        for _ in range(len(sent) + 1):  # each iteration delivers at least one more box
            receiver.protocol.paused = False
            receiver.feed(b"")
        assert receiver.delivered == sent


class Receiver:
    """Cycles through the actions, and keeps the boxes that it receives."""

    def __init__(self, chunks: list[bytes], actions: list[str]) -> None:
        self.chunks, self.actions = chunks, actions
        self.delivered: list[Any] = []
        self.depth = 0
        self.protocol = ours.BinaryBoxProtocol(self)
        RecordingTransport().connect(self.protocol)

    def startReceivingBoxes(self, sender: Any) -> None:
        pass

    def feed(self, data: bytes) -> None:
        try:
            self.protocol.dataReceived(data)
        except KnownError:
            pass

    def ampBoxReceived(self, received: Any) -> None:
        assert self.depth == 0
        self.depth += 1
        try:
            self.delivered.append(received)
            self._act(self.actions[len(self.delivered) % len(self.actions)])
        finally:
            self.depth -= 1

    def _act(self, action: str) -> None:
        if action == "raise":
            raise KnownError()
        if action == "next" and self.chunks:
            self.protocol.dataReceived(self.chunks.pop(0))
        elif action == "empty":
            self.protocol.dataReceived(b"")
        elif action == "look":
            assert isinstance(self.protocol.recvd, bytes)
        elif action in ("bounce", "pause"):
            self.protocol.pauseProducing()
            if action == "bounce":
                self.protocol.resumeProducing()
