"""Tests for L{twisted_basic_ng_demo.options}."""

from __future__ import annotations

import pytest

from twisted_basic_ng_demo.options import Parser, numberOfRounds


class TestParser:
    """Mistakes are told in a line."""

    @pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", ""])
    def test_wrong(self, text: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A number of rounds is positive; argparse calls it by its name."""
        parser = Parser(prog="prog")
        parser.add_argument("--rounds", type=numberOfRounds)
        with pytest.raises(SystemExit) as caught:
            parser.parse_args([f"--rounds={text}"])
        assert caught.value.code == 2
        expected = f"prog: argument --rounds: invalid number of rounds value: {text!r}; see 'prog --help'\n"
        assert capsys.readouterr().err == expected

    def test_right(self) -> None:
        """It is given as a number."""
        assert numberOfRounds("12") == 12
