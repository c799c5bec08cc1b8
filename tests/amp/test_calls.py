"""Tests for L{twisted_basic_ng.amp._calls}."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from twisted.internet.defer import AlreadyCalledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from twisted_basic_ng import amp

from .conversations import STOCK, Ask, StockAsk, Told, explode


@pytest.fixture(params=[STOCK, amp], ids=["stock", "ours"])
def told(request: pytest.FixtureRequest) -> Told:
    """A call over Twisted's dispatcher, and one over ours."""
    return Told(request.param)


class TestUnhandled:
    """An error is unhandled if the callbacks that were there when the answer came do not handle it; as in Twisted."""

    def test_handled(self, told: Told) -> None:
        """One that they handle is not."""
        told.result.addCallback(explode).addErrback(told.keep).addErrback(lambda failure: "handled")
        told.answer(number=b"5")
        told.result.addCallback(told.keep)
        assert (told.values, told.unhandled) == ([LookupError, "handled"], [])

    def test_raised(self, told: Told) -> None:
        """One that a callback raises is, once."""
        told.result.addCallback(told.keep).addCallback(explode)
        told.answer(number=b"5")
        told.result.addBoth(told.keep)
        assert (told.values, told.unhandled) == ([{"number": 5}, None], [LookupError])

    def test_declared(self, told: Told) -> None:
        """So is one of the peer's."""
        told.result.addErrback(told.keep)
        told.fail()
        told.result.addBoth(told.keep)
        assert (told.values, told.unhandled) == ([ZeroDivisionError, None], [ZeroDivisionError])

    def test_unread(self, told: Told) -> None:
        """And an answer that cannot be read."""
        told.answer(number=b"none")
        told.result.addBoth(told.keep)
        assert (told.values, told.unhandled) == ([None], [ValueError])

    def test_later(self, told: Told) -> None:
        """One that a callback raises that was added behind the answer is somebody else's."""
        told.answer(number=b"5")
        told.result.addCallback(explode).addErrback(told.keep).addErrback(lambda failure: None)
        assert (told.values, told.unhandled) == ([LookupError], [])

    @pytest.mark.parametrize("method", ["addBoth", "addErrback", "addCallback", "addCallbacks"])
    def test_addedMeanwhile(self, told: Told, method: str) -> None:
        """What a callback adds behind itself comes too late."""

        def addAndExplode(value: object) -> None:
            getattr(told.result, method)(told.keep)
            explode(value)

        told.result.addCallback(addAndExplode)
        told.answer(number=b"5")
        assert told.unhandled == [LookupError]
        assert told.values == ([] if method == "addErrback" else [None])

    def test_addedAndHandled(self, told: Told) -> None:
        """But it gets what is no error."""
        told.result.addCallback(lambda value: told.result.addCallback(told.keep) and "value")
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == (["value"], [])

    def test_chained(self, told: Told) -> None:
        """It counts also where it comes late, of what a callback waits for."""
        waited: Deferred[None] = Deferred()
        told.result.addCallback(lambda value: waited)
        told.answer(number=b"5")
        told.result.addBoth(told.keep)
        assert told.unhandled == []
        waited.errback(LookupError())
        assert (told.values, told.unhandled) == ([None], [LookupError])

    def test_paused(self, told: Told) -> None:
        """Or where the callbacks wait themselves."""
        told.result.addCallback(explode)
        told.result.pause()
        told.answer(number=b"5")
        told.result.addBoth(told.keep)
        told.result.unpause()
        assert (told.values, told.unhandled) == ([None], [LookupError])

    def test_twice(self, told: Told) -> None:
        """Who answers a call past the dispatcher is told so when the answer comes again."""
        told.result.addBoth(told.keep)
        request = told.dispatcher._outstandingRequests[b"1"]
        request.callback(told.box(number=b"5"))
        with pytest.raises(AlreadyCalledError):
            request.callback(told.box(number=b"6"))
        with pytest.raises(AlreadyCalledError):
            request.errback(LookupError())
        assert (told.values, told.unhandled) == ([{"number": 5}], [])

    def test_errback(self, told: Told) -> None:
        """An error that is given past the dispatcher is what it is, in any of the forms of one."""
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        try:
            explode(None)
        except LookupError:
            told.dispatcher._outstandingRequests[b"1"].errback()
        assert told.values == [LookupError]


class TestUnmakeable:
    """A call whose error cannot be made ends with what making it raises, as in Twisted; nothing else raises."""

    @pytest.mark.parametrize("code", [b"TWO", b"DECODE"])
    def test_declared(self, told: Told, code: bytes) -> None:
        """A declared error whose class takes something else than one text."""
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        told.fail(code)
        assert (told.values, told.unhandled) == ([TypeError], [])

    def test_unhandled(self, told: Told) -> None:
        """Where nobody handles it, it is an error that nobody handled."""
        told.fail(b"TWO")
        assert told.unhandled == [TypeError]

    def test_table(self, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
        """An application's own table of errors may raise."""

        class Raising(dict[bytes, Any]):
            def get(self, code: bytes, default: Any = None) -> Any:
                raise LookupError(code)

        command: Any = Ask if told.box is amp.AmpBox else StockAsk
        monkeypatch.setattr(command, "reverseErrors", Raising())
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        told.fail()
        assert (told.values, told.unhandled) == ([LookupError], [])

    def test_lost(self, told: Told) -> None:
        """A connection that is lost with an error of the peer's ends every call, whatever one of them makes of it."""
        command: Any = Ask if told.box is amp.AmpBox else StockAsk
        module = amp if told.box is amp.AmpBox else STOCK
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        told.dispatcher.callRemote(command).addErrback(told.keep).addErrback(lambda failure: None)
        told.dispatcher.stopReceivingBoxes(Failure(module.RemoteAmpError(b"TWO", "lost")))
        assert told.values == [TypeError, TypeError]

    def test_ofAMP(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same for AMP's own codes, which an application may have changed."""
        told = Told(amp)
        monkeypatch.setitem(amp.PROTOCOL_ERRORS, b"OWN", lambda code, text: LookupError(code[99]))
        monkeypatch.setitem(amp.PROTOCOL_ERRORS, b"RAISES", explode)
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        again = told.dispatcher.callRemoteString(b"x")
        again.addErrback(told.keep).addErrback(lambda failure: None)
        told.dispatcher.ampBoxReceived(amp.AmpBox(_error=b"1", _error_code=b"RAISES"))
        told.dispatcher.ampBoxReceived(amp.AmpBox(_error=b"2", _error_code=b"OWN"))
        assert told.values == [TypeError, IndexError]


class Acting(amp.Integer):
    """Does something while an answer is read."""

    act: Callable[[], object]

    def fromString(self, inString: bytes) -> Any:
        self.act()
        return int(inString)


class StockActing(STOCK.Integer):  # type: ignore[misc]
    """The same, of Twisted's."""

    fromString = Acting.fromString


class TestWhileRead:
    """What is done to a call while its answer is read has no effect on it, as in Twisted."""

    @pytest.fixture(autouse=True)
    def argument(self, told: Told, monkeypatch: pytest.MonkeyPatch) -> Any:
        """The type that reads the answer."""
        made: Any = Acting() if told.box is amp.AmpBox else StockActing()
        monkeypatch.setattr(Ask if told.box is amp.AmpBox else StockAsk, "response", [(b"number", made)])
        return made

    def test_cancelled(self, told: Told, argument: Any) -> None:
        """It can be cancelled no more."""
        argument.act = told.result.cancel
        told.result.addBoth(told.keep)
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == ([{"number": 5}], [])

    def test_added(self, told: Told, argument: Any) -> None:
        """A callback that is added is behind those that were there."""
        argument.act = lambda: told.result.addBoth(told.keep)
        told.result.addCallback(explode)
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == ([None], [LookupError])

    def test_lost(self, told: Told, argument: Any) -> None:
        """The connection may end: the answer had come before."""
        argument.act = lambda: told.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
        told.result.addBoth(told.keep)
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == ([{"number": 5}], [])


class TestAnsweredMeanwhile:
    """Where something answers a call while its answer is read, past the dispatcher, it fires once."""

    def answerTwice(self, first: Callable[[Any], object], second: Callable[[Told], object]) -> list[Any]:
        """Have C{first} done to the call while C{second} answers it; return what comes of it."""
        told = Told(amp)
        request: Any = told.result
        told.result.addBoth(told.keep).addErrback(lambda failure: None)

        def act(*args: Any) -> Any:
            first(request)
            return Failure(ZeroDivisionError())

        request._ampCommand._ampReadResponse = request._ampCommand._ampAsDeclared = act
        second(told)
        return told.values

    def test_answer(self) -> None:
        """Reading an answer."""
        assert self.answerTwice(lambda request: request.callback("own"), lambda told: told.answer()) == ["own"]

    def test_error(self) -> None:
        """Making an error."""
        assert self.answerTwice(lambda request: request.callback("own"), lambda told: told.fail()) == ["own"]
