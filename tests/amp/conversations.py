"""A dispatcher with its two sides in memory, and a call over Twisted's dispatcher or over ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import loadStock
from twisted_basic_ng import amp

__all__ = ["STOCK", "Ask", "DispatchCase", "Sender", "StockAsk", "Told", "TwoTextsError", "explode"]


class Sender:
    """Collects the sent boxes and the unhandled errors."""

    def __init__(self) -> None:
        self.boxes: list[amp.AmpBox] = []
        self.unhandled: list[Failure] = []
        self.left = 0
        self.error: Exception | None = None
        self.onSend: Callable[[amp.AmpBox], object] = lambda box: None

    def sendBox(self, box: amp.AmpBox) -> None:
        if self.error is not None:
            raise self.error
        box.serialize()
        self.boxes.append(box)
        self.onSend(box)

    def unhandledError(self, failure: Failure) -> None:
        self.unhandled.append(failure)

    def _ampLeavePeer(self) -> None:
        self.left += 1


class Locator:
    """Responds with C{respond}."""

    respond: Any = None

    def locateResponder(self, name: bytes) -> Any:
        return self.respond


class DispatchCase(SynchronousTestCase):
    """A dispatcher between a locator and a sender."""

    def setUp(self) -> None:
        self.sender = Sender()
        self.locator = Locator()
        self.dispatcher = amp.BoxDispatcher(self.locator)
        self.dispatcher.startReceivingBoxes(self.sender)

    def ask(self, **kw: bytes) -> Any:
        """Call the peer."""
        return self.dispatcher.callRemoteString(b"command", **kw)

    def failing(self) -> list[Any]:
        """Call the peer, and handle its error.  The returned list will hold it."""
        errors: list[Any] = []
        self.ask().addErrback(lambda failure: errors.append(failure.value))
        return errors

    def receive(self, **kw: bytes) -> None:
        """Receive a box from the peer."""
        self.dispatcher.ampBoxReceived(amp.AmpBox(kw))


class TwoTextsError(Exception):
    """An error that needs two texts."""

    def __init__(self, user: str, why: str) -> None:
        super().__init__(user, why)


#: The errors that Ask declares.  The second and third cannot be made from one text.
ERRORS: dict[type[Exception], bytes] = {
    ZeroDivisionError: b"ZERO",
    TwoTextsError: b"TWO",
    UnicodeDecodeError: b"DECODE",
}


class Ask(amp.Command):
    """A command whose response has a number."""

    response = [(b"number", amp.Integer())]
    errors = ERRORS


STOCK: Any = loadStock("amp")


class StockAsk(STOCK.Command):  # type: ignore[misc]
    """The same command for Twisted's module."""

    response = [(b"number", STOCK.Integer())]
    errors = ERRORS


class Told:
    """
    A call, its answer, and the results.

    @ivar values: the arguments of the callbacks.
    @ivar unhandled: the errors that no callback handled.
    """

    def __init__(self, module: Any) -> None:
        self.sender = Sender()
        self.dispatcher = module.BoxDispatcher(None)
        self.dispatcher.startReceivingBoxes(self.sender)
        self.values: list[Any] = []
        self.result = self.dispatcher.callRemote(Ask if module is amp else StockAsk)
        self.box = module.AmpBox

    def keep(self, value: Any) -> Any:
        """Record the argument of a callback, and return it."""
        self.values.append(value.type if isinstance(value, Failure) else value)
        return value

    def answer(self, **kw: bytes) -> None:
        """Answer the call."""
        self.dispatcher.ampBoxReceived(self.box(_answer=b"1", **kw))

    def fail(self, code: bytes = b"ZERO") -> None:
        """Answer the call with an error."""
        self.dispatcher.ampBoxReceived(self.box(_error=b"1", _error_code=code, _error_description=b""))

    @property
    def unhandled(self) -> list[type[BaseException]]:
        return [each.type for each in self.sender.unhandled]


def explode(value: object) -> None:
    """Raise, as a callback."""
    raise LookupError
