"""Tests for L{twisted_basic_ng.amp._errorboxes}."""

from __future__ import annotations

import pytest

from twisted_basic_ng import amp
from twisted_basic_ng.amp._errorboxes import errorBox, errorOf


class TestBoth:
    """An error becomes a box, and the box an error again."""

    @pytest.mark.parametrize("kind", [amp.AmpBox, amp.QuitBox])
    def test_pair(self, kind: type[amp.AmpBox]) -> None:
        """The code and the text arrive."""
        box = errorBox(kind, b"7", b"CODE", "te\N{SNOWMAN}".encode())
        error = errorOf(box).value
        assert (type(box), box[b"_error"]) == (kind, b"7")
        assert isinstance(error, amp.RemoteAmpError)
        assert (error.errorCode, error.description) == (b"CODE", "te\N{SNOWMAN}")

    @pytest.mark.parametrize(("length", "left"), [(21844, 65533), (21845, 65533), (30000, 65533)])
    def test_long(self, length: int, left: int) -> None:
        """A text that is too long for a value is cut between two characters."""
        text = errorBox(amp.AmpBox, b"7", b"CODE", b"x" + "\N{SNOWMAN}".encode() * length)[b"_error_description"]
        assert (len(text), text.decode()[-1]) == (left, "\N{SNOWMAN}")


class TestErrorOf:
    """Every error box becomes a failure."""

    def test_bare(self) -> None:
        """A box without a code and a text is an unknown error."""
        error = errorOf(amp.AmpBox()).value
        assert isinstance(error, amp.RemoteAmpError)
        assert (error.errorCode, error.description) == (amp.UNKNOWN_ERROR_CODE, "")

    def test_text(self) -> None:
        """A text may be a string, as in boxes within one process."""
        box = amp.AmpBox(_error_code=b"CODE")
        box[b"_error_description"] = "text"  # type: ignore[assignment]
        assert errorOf(box).value.args == ("Code<CODE>: text",)

    def test_protocol(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        AMP's own codes have their own exceptions.  If one cannot be constructed, the failure has
        the error of the construction.
        """
        assert errorOf(amp.AmpBox(_error_code=b"UNHANDLED")).check(amp.UnhandledCommand)
        monkeypatch.setitem(amp.PROTOCOL_ERRORS, b"RAISES", lambda code, text: ValueError(code[99]))
        assert errorOf(amp.AmpBox(_error_code=b"RAISES")).check(IndexError)
