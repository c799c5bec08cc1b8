"""Tests for L{twisted_basic_ng.amp._beyonderrors}."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from twisted.internet import error

from twisted_basic_ng import amp

#: Each error, its text, and the error of Twisted that it derives from.
ERRORS: list[tuple[Any, str, type[Exception]]] = [
    (amp.MissingFeatureError(b"more"), "the peer does not have 'more'", amp.AmpError),
    (amp.DeadlineError(b"Sum", "a peer", 2.5), "a peer did not answer Sum within 2.5 seconds", error.TimeoutError),
    (amp.LeavingError(b"Sum", "a peer"), "Sum was not sent to a peer", error.ConnectionDone),
    (amp.SilentPeerError("a peer", 3, 1), "nothing came from a peer for 3 seconds", error.ConnectionLost),
]


@pytest.mark.parametrize(("made", "text", "base"), ERRORS, ids=[type(each[0]).__name__ for each in ERRORS])
class TestErrors:
    """Each error says what has happened."""

    def test_text(self, made: Any, text: str, base: type[Exception]) -> None:
        """The text names the call and the peer."""
        assert text in str(made)

    def test_bases(self, made: Any, text: str, base: type[Exception]) -> None:
        """The errors derive from Twisted's and are public."""
        assert isinstance(made, base)
        assert isinstance(made, amp.AmpError)
        assert type(made).__module__ == "twisted_basic_ng.amp"

    def test_pickled(self, made: Any, text: str, base: type[Exception]) -> None:
        """The errors can be pickled."""
        again = pickle.loads(pickle.dumps(made))
        assert (type(again), str(again), vars(again)) == (type(made), str(made), vars(made))


def test_commandNotASCII() -> None:
    """A command name that is not ASCII is escaped."""
    assert "\\xff" in str(amp.DeadlineError(b"\xff", "a peer", 1))
    assert "\\xff" in str(amp.LeavingError(b"\xff", "a peer"))
