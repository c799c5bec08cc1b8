"""Tests for L{twisted_basic_ng_demo.options}."""

from __future__ import annotations

import pytest

from twisted_basic_ng_demo.options import Parser, numberOfRounds


class TestParser:
    """Errors are reported in one line."""

    @pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", ""])
    def test_wrong(self, text: str, capsys: pytest.CaptureFixture[str]) -> None:
        """An invalid number of rounds is reported under its name."""
        parser = Parser(prog="prog")
        parser.add_argument("--rounds", type=numberOfRounds)
        with pytest.raises(SystemExit) as caught:
            parser.parse_args([f"--rounds={text}"])
        assert caught.value.code == 2
        expected = f"prog: argument --rounds: invalid number of rounds value: {text!r}; see 'prog --help'\n"
        assert capsys.readouterr().err == expected

    def test_right(self) -> None:
        """A valid number of rounds is returned as an integer."""
        assert numberOfRounds("12") == 12
