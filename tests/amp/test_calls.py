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
    """
    An error is unhandled if the callbacks added before the answer do not handle it, as in Twisted.
    """

    def test_handled(self, told: Told) -> None:
        """An error that these callbacks handle is not reported."""
        told.result.addCallback(explode).addErrback(told.keep).addErrback(lambda failure: "handled")
        told.answer(number=b"5")
        told.result.addCallback(told.keep)
        assert (told.values, told.unhandled) == ([LookupError, "handled"], [])

    def test_raised(self, told: Told) -> None:
        """An error that a callback raises is reported once."""
        told.result.addCallback(told.keep).addCallback(explode)
        told.answer(number=b"5")
        told.result.addBoth(told.keep)
        assert (told.values, told.unhandled) == ([{"number": 5}, None], [LookupError])

    def test_declared(self, told: Told) -> None:
        """An unhandled error from the peer is reported."""
        told.result.addErrback(told.keep)
        told.fail()
        told.result.addBoth(told.keep)
        assert (told.values, told.unhandled) == ([ZeroDivisionError, None], [ZeroDivisionError])

    def test_unread(self, told: Told) -> None:
        """An answer that cannot be read is reported."""
        told.answer(number=b"none")
        told.result.addBoth(told.keep)
        assert (told.values, told.unhandled) == ([None], [ValueError])

    def test_later(self, told: Told) -> None:
        """An error of a callback that was added after the answer is not reported."""
        told.answer(number=b"5")
        told.result.addCallback(explode).addErrback(told.keep).addErrback(lambda failure: None)
        assert (told.values, told.unhandled) == ([LookupError], [])

    @pytest.mark.parametrize("method", ["addBoth", "addErrback", "addCallback", "addCallbacks"])
    def test_addedMeanwhile(self, told: Told, method: str) -> None:
        """A callback that another callback adds does not count as a handler."""

        def addAndExplode(value: object) -> None:
            getattr(told.result, method)(told.keep)
            explode(value)

        told.result.addCallback(addAndExplode)
        told.answer(number=b"5")
        assert told.unhandled == [LookupError]
        assert told.values == ([] if method == "addErrback" else [None])

    def test_addedAndHandled(self, told: Told) -> None:
        """Such a callback still gets a result that is not an error."""
        told.result.addCallback(lambda value: told.result.addCallback(told.keep) and "value")
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == (["value"], [])

    def test_chained(self, told: Told) -> None:
        """An error of a Deferred that a callback returned is reported when it fires."""
        waited: Deferred[None] = Deferred()
        told.result.addCallback(lambda value: waited)
        told.answer(number=b"5")
        told.result.addBoth(told.keep)
        assert told.unhandled == []
        waited.errback(LookupError())
        assert (told.values, told.unhandled) == ([None], [LookupError])

    def test_paused(self, told: Told) -> None:
        """An error is reported after the callbacks were paused."""
        told.result.addCallback(explode)
        told.result.pause()
        told.answer(number=b"5")
        told.result.addBoth(told.keep)
        told.result.unpause()
        assert (told.values, told.unhandled) == ([None], [LookupError])

    def test_twice(self, told: Told) -> None:
        """Firing a call twice past the dispatcher raises C{AlreadyCalledError}."""
        told.result.addBoth(told.keep)
        request = told.dispatcher._outstandingRequests[b"1"]
        request.callback(told.box(number=b"5"))
        with pytest.raises(AlreadyCalledError):
            request.callback(told.box(number=b"6"))
        with pytest.raises(AlreadyCalledError):
            request.errback(LookupError())
        assert (told.values, told.unhandled) == ([{"number": 5}], [])

    def test_errback(self, told: Told) -> None:
        """An error can be passed past the dispatcher in any form that C{errback} accepts."""
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        try:
            explode(None)
        except LookupError:
            told.dispatcher._outstandingRequests[b"1"].errback()
        assert told.values == [LookupError]


class TestUnmakeable:
    """
    A call whose error cannot be constructed ends with the error of the construction, as in Twisted.
    """

    @pytest.mark.parametrize("code", [b"TWO", b"DECODE"])
    def test_declared(self, told: Told, code: bytes) -> None:
        """The class of a declared error may not accept one text."""
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        told.fail(code)
        assert (told.values, told.unhandled) == ([TypeError], [])

    def test_unhandled(self, told: Told) -> None:
        """Such an error is reported if it is not handled."""
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
        """If the connection is lost with such an error, every call ends."""
        command: Any = Ask if told.box is amp.AmpBox else StockAsk
        module = amp if told.box is amp.AmpBox else STOCK
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        told.dispatcher.callRemote(command).addErrback(told.keep).addErrback(lambda failure: None)
        told.dispatcher.stopReceivingBoxes(Failure(module.RemoteAmpError(b"TWO", "lost")))
        assert told.values == [TypeError, TypeError]

    def test_ofAMP(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same holds for AMP's own codes, which an application may have changed."""
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
    """An argument that runs an action while an answer is read."""

    act: Callable[[], object]

    def fromString(self, inString: bytes) -> Any:
        self.act()
        return int(inString)


class StockActing(STOCK.Integer):  # type: ignore[misc]
    """The same for Twisted's module."""

    fromString = Acting.fromString


class TestWhileRead:
    """Actions on a call while its answer is read have no effect on the result, as in Twisted."""

    @pytest.fixture(autouse=True)
    def argument(self, told: Told, monkeypatch: pytest.MonkeyPatch) -> Any:
        """The argument that reads the answer."""
        made: Any = Acting() if told.box is amp.AmpBox else StockActing()
        monkeypatch.setattr(Ask if told.box is amp.AmpBox else StockAsk, "response", [(b"number", made)])
        return made

    def test_cancelled(self, told: Told, argument: Any) -> None:
        """Cancelling has no effect."""
        argument.act = told.result.cancel
        told.result.addBoth(told.keep)
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == ([{"number": 5}], [])

    def test_added(self, told: Told, argument: Any) -> None:
        """A callback that is added then runs after the earlier ones."""
        argument.act = lambda: told.result.addBoth(told.keep)
        told.result.addCallback(explode)
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == ([None], [LookupError])

    def test_lost(self, told: Told, argument: Any) -> None:
        """Losing the connection has no effect, since the answer has arrived."""
        argument.act = lambda: told.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
        told.result.addBoth(told.keep)
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == ([{"number": 5}], [])


class TestAnsweredMeanwhile:
    """If a call is fired past the dispatcher while its answer is read, it fires once."""

    def answerTwice(self, first: Callable[[Any], object], second: Callable[[Told], object]) -> list[Any]:
        """Apply C{first} to the call while C{second} answers it, and return the results."""
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
        """It fires once while an answer is read."""
        assert self.answerTwice(lambda request: request.callback("own"), lambda told: told.answer()) == ["own"]

    def test_error(self) -> None:
        """It fires once while an error is constructed."""
        assert self.answerTwice(lambda request: request.callback("own"), lambda told: told.fail()) == ["own"]
