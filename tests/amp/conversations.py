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
    """Takes boxes, and what nobody handled."""

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
        """Call the peer, and handle the error that comes of it: the list will hold it."""
        errors: list[Any] = []
        self.ask().addErrback(lambda failure: errors.append(failure.value))
        return errors

    def receive(self, **kw: bytes) -> None:
        """Take a box of the peer's."""
        self.dispatcher.ampBoxReceived(amp.AmpBox(kw))


class TwoTextsError(Exception):
    """Cannot be made of one text."""

    def __init__(self, user: str, why: str) -> None:
        super().__init__(user, why)


#: What Ask declares; the third cannot be made of one text either.
ERRORS: dict[type[Exception], bytes] = {
    ZeroDivisionError: b"ZERO",
    TwoTextsError: b"TWO",
    UnicodeDecodeError: b"DECODE",
}


class Ask(amp.Command):
    """Has a response to be read."""

    response = [(b"number", amp.Integer())]
    errors = ERRORS


STOCK: Any = loadStock("amp")


class StockAsk(STOCK.Command):  # type: ignore[misc]
    """The same, of Twisted's."""

    response = [(b"number", STOCK.Integer())]
    errors = ERRORS


class Told:
    """
    A call that is answered, and what comes of it.

    @ivar values: what the callbacks were given.
    @ivar unhandled: the errors that nobody handled.
    """

    def __init__(self, module: Any) -> None:
        self.sender = Sender()
        self.dispatcher = module.BoxDispatcher(None)
        self.dispatcher.startReceivingBoxes(self.sender)
        self.values: list[Any] = []
        self.result = self.dispatcher.callRemote(Ask if module is amp else StockAsk)
        self.box = module.AmpBox

    def keep(self, value: Any) -> Any:
        """Be a callback."""
        self.values.append(value.type if isinstance(value, Failure) else value)
        return value

    def answer(self, **kw: bytes) -> None:
        """Answer the call."""
        self.dispatcher.ampBoxReceived(self.box(_answer=b"1", **kw))

    def fail(self, code: bytes = b"ZERO") -> None:
        """Answer it with an error."""
        self.dispatcher.ampBoxReceived(self.box(_error=b"1", _error_code=code, _error_description=b""))

    @property
    def unhandled(self) -> list[type[BaseException]]:
        return [each.type for each in self.sender.unhandled]


def explode(value: object) -> None:
    """Be a callback that fails."""
    raise LookupError
