"""Tests for L{twisted_basic_ng._cli}."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.processes import python
from twisted_basic_ng import __version__, _cli, _enable, _run


class TestHelp:
    """What there is, is said where it is looked for."""

    @pytest.mark.parametrize("words", [[], ["-h"], ["--help"]])
    def test_overview(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        """Alone and with --help, each command is named."""
        _cli.main(words)
        out = capsys.readouterr().out
        for name in _cli._COMMANDS:
            assert f"\n  {name} " in out

    @pytest.mark.parametrize("command", ["run", "enable", "disable", "status"])
    def test_command(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Each command has its own help, and then does nothing else."""
        _cli.main([command, "--help"])
        assert f"usage: twisted-basic-ng {command}" in capsys.readouterr().out

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The version."""
        _cli.main(["--version"])
        assert capsys.readouterr().out == f"twisted_basic_ng {__version__}\n"


class TestMistakes:
    """A mistyped command or option gets one clear line and exit status 2."""

    @pytest.mark.parametrize(
        "words", [["rnu"], ["--verison"], ["status", "x"], ["enable", "x"], ["disable", "-x"], ["run"]]
    )
    def test_line(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        """Each mistake."""
        with pytest.raises(SystemExit) as caught:
            _cli.main(words)
        out, err = capsys.readouterr()
        assert (caught.value.code, out, len(err.splitlines())) == (2, "", 1)
        assert (words[1] if len(words) > 1 else words[0]) in err


class TestCommands:
    """Each command does what it says."""

    @pytest.fixture
    def site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(_enable, "pthFile", lambda: tmp_path / "swap.pth")
        monkeypatch.setattr(_enable, "_works", lambda directory: True)
        return tmp_path

    def test_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """C{run} hands its words over, and those of the process serve where there are no others."""
        seen: list[object] = []
        monkeypatch.setattr(_run, "run", seen.append)
        monkeypatch.setattr(sys, "argv", ["twisted-basic-ng", "run", "-m", "x", "--help"])
        _cli.main()
        assert seen == [["-m", "x", "--help"]]

    def test_enableAndDisable(self, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """They say what they have done, and where."""
        for command in ("enable", "enable", "disable", "disable"):
            _cli.main([command])
        said = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
        assert said == ["enabled", "was enabled already", "disabled", "was not enabled"]

    def test_forbidden(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """What the system forbids is one line, and exit status 1."""
        monkeypatch.setattr(_enable, "pthFile", lambda: Path("/nowhere/at/all/swap.pth"))
        with pytest.raises(SystemExit) as caught:
            _cli.main(["enable"])
        assert (caught.value.code, len(capsys.readouterr().err.splitlines())) == (1, 1)

    def test_status(self, capsys: pytest.CaptureFixture[str]) -> None:
        """C{status} prints it."""
        _cli.main(["status"])
        assert f"twisted_basic_ng {__version__}" in capsys.readouterr().out

    @pytest.mark.parametrize("command", ["demo", "bench"])
    def test_handsOver(self, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """C{demo} and C{bench} hand their words over, and the result is the exit status."""
        fake = ModuleType(f"twisted_basic_ng._{command}")
        fake.main = len  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, fake.__name__, fake)
        with pytest.raises(SystemExit) as caught:
            _cli.main([command, "a", "b"])
        assert caught.value.code == 2


class TestStart:
    """Starting costs little."""

    def test_imports(self) -> None:
        """C{run} imports neither Twisted nor what only the other commands need."""
        code = (
            "import sys; sys.argv[1:] = ['run', '-c', "
            '\'import sys; print([m for m in ("twisted", "rich", "argparse", "typing") if m in sys.modules])\']\n'
            "from twisted_basic_ng._cli import main; main()"
        )
        assert python("-S", "-c", code).stdout == "[]\n"
