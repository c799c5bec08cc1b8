"""Tests for L{twisted_basic_ng._receiving.wording}."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import RecordingTransport, loadStock
from twisted_basic_ng import basic
from twisted_basic_ng._receiving.wording import amend

STOCK = loadStock("basic")

#: For each receiver: the method to override, a message, and the method that sends.
RECEIVERS = [
    ("LineReceiver", "lineReceived", b"x\r\n", "sendLine"),
    ("LineOnlyReceiver", "lineReceived", b"x\r\n", "sendLine"),
    ("NetstringReceiver", "stringReceived", b"1:x,", "sendString"),
    ("Int8StringReceiver", "stringReceived", b"\1x", "sendString"),
    ("Int16StringReceiver", "stringReceived", b"\0\1x", "sendString"),
    ("Int32StringReceiver", "stringReceived", b"\0\0\0\1x", "sendString"),
]


def raisedBy(function: Any, *args: Any) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Twisted's decides which
        function(*args)
    return caught.value


def made(module: Any, name: str, isConnected: bool = True) -> Any:
    """Make a receiver of an application's class that overrides nothing."""
    receiver = type("Mine", (getattr(module, name),), {})()
    if isConnected:
        RecordingTransport().connect(receiver)
    return receiver


class TestAmend:
    """A text is added to an error's message only if nothing else changes."""

    def test_added(self) -> None:
        """The original text stays in front."""
        error = TypeError("text")
        amend(error, "more")
        assert str(error) == "text; more"

    @pytest.mark.parametrize(
        "error", [KeyError("text"), TypeError("text", 1), TypeError(), type("Own", (TypeError,), {})("t")]
    )
    def test_others(self, error: Exception) -> None:
        """Errors of other types or with other arguments are not changed."""
        before = error.args
        amend(error, "more")
        assert error.args == before


@pytest.mark.parametrize(("name", "method", "data", "send"), RECEIVERS)
class TestReceivers:
    """An error of a receiver has Twisted's type, and its message says what to do."""

    def test_notOverridden(self, name: str, method: str, data: bytes, send: str) -> None:
        """A receiver that does not override the method for its messages raises an error."""
        theirs = raisedBy(getattr(made(STOCK, name), method), b"")
        error = raisedBy(made(basic, name).dataReceived, data)
        assert type(error) is type(theirs) is NotImplementedError
        assert str(error) == f"Mine has to override {method}"

    def test_text(self, name: str, method: str, data: bytes, send: str) -> None:
        """Sending text in place of bytes raises an error."""
        error, theirs = (raisedBy(getattr(made(module, name), send), "x") for module in (basic, STOCK))
        assert type(error) is type(theirs)
        text, _, advice = str(error).partition("; ")
        assert text == str(theirs) or name == "NetstringReceiver"  # ours differs
        assert advice == f"{send} takes bytes: encode the text, for example as text.encode('utf-8')"

    def test_otherType(self, name: str, method: str, data: bytes, send: str) -> None:
        """Sending any other type raises an error."""
        error, theirs = (raisedBy(getattr(made(module, name), send), None) for module in (basic, STOCK))
        assert type(error) is type(theirs)

    def test_notConnected(self, name: str, method: str, data: bytes, send: str) -> None:
        """Sending before there is a connection raises an error."""
        error, theirs = (raisedBy(getattr(made(module, name, False), send), b"x") for module in (basic, STOCK))
        assert type(error) is type(theirs)
        assert str(error) == f"{theirs}; Mine has no connection: call {send} from connectionMade on"


def test_raw() -> None:
    """A line receiver that does not override C{rawDataReceived} raises an error in raw mode."""
    receiver = made(basic, "LineReceiver")
    receiver.setRawMode()
    assert str(raisedBy(receiver.dataReceived, b"x")) == "Mine has to override rawDataReceived"
