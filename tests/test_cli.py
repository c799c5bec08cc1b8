"""Tests for L{twisted_basic_ng._cli}."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

import pytest

from tests.processes import environment, python, write
from twisted_basic_ng import __version__, _cli
from twisted_basic_ng._swapping import enable, run
from twisted_basic_ng_demo.paths import childEnvironment


class TestHelp:
    """The help texts."""

    @pytest.mark.parametrize("words", [[], ["-h"], ["--help"]])
    def test_overview(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        """Without arguments and with C{--help}, each command is listed."""
        _cli.main(words)
        out = capsys.readouterr().out
        for name in _cli._COMMANDS:
            assert f"\n  {name} " in out

    @pytest.mark.parametrize("command", ["run", "enable", "disable", "status"])
    def test_command(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Each command has its own help, and does nothing else then."""
        _cli.main([command, "--help"])
        assert f"usage: twisted-basic-ng {command}" in capsys.readouterr().out

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        """C{--version} prints the version."""
        _cli.main(["--version"])
        assert capsys.readouterr().out == f"twisted_basic_ng {__version__}\n"


class TestMistakes:
    """A mistyped command or option prints one line and exits with status 2."""

    @pytest.mark.parametrize(
        "words", [["rnu"], ["--verison"], ["status", "x"], ["enable", "x"], ["disable", "-x"], ["run"]]
    )
    def test_line(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        """Each mistake is reported."""
        with pytest.raises(SystemExit) as caught:
            _cli.main(words)
        out, err = capsys.readouterr()
        assert (caught.value.code, out, len(err.splitlines())) == (2, "", 1)
        assert (words[1] if len(words) > 1 else words[0]) in err


class TestCommands:
    """Each command does what it promises."""

    @pytest.fixture
    def site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(enable, "_ownSites", lambda: [tmp_path])
        monkeypatch.setattr(enable, "_otherSites", lambda: [tmp_path / "shared"])
        monkeypatch.setattr(enable, "_obstacle", lambda directory: "")
        monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
        write(tmp_path / "twisted_basic_ng-1.dist-info" / "RECORD", "")
        return tmp_path

    def test_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """C{run} passes its arguments on.  The process's own arguments are the default."""
        seen: list[object] = []
        monkeypatch.setattr(run, "run", seen.append)
        monkeypatch.setattr(sys, "argv", ["twisted-basic-ng", "run", "-m", "x", "--help"])
        _cli.main()
        assert seen == [["-m", "x", "--help"]]

    def test_enableAndDisable(self, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """C{enable} and C{disable} print what they have done, and where."""
        for command in ("enable", "enable", "disable", "disable"):
            _cli.main([command])
        said = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
        assert said == ["enabled", "was enabled already", "disabled", "was not enabled"]

    def test_notDeleted(self, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """C{enable} warns of a file that no installer will delete."""
        (site / "twisted_basic_ng-1.dist-info" / "RECORD").unlink()
        _cli.main(["enable"])
        assert "'disable' first, or delete it" in capsys.readouterr().out.splitlines()[1]

    def test_shared(self, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """C{disable} warns of a file that is shared with other environments and stays."""
        shared = write(site / "shared" / "twisted_basic_ng_swap.pth", "")
        _cli.main(["disable"])
        assert f"still swaps, by {shared}" in capsys.readouterr().out.splitlines()[1]

    def test_forbidden(self, site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A file that cannot be written is reported in one line, with exit status 1."""
        monkeypatch.setattr(sys, "stdout", sys.stdout)
        monkeypatch.setattr("sysconfig.get_path", lambda name: "/nowhere/at/all")
        (site / "twisted_basic_ng-1.dist-info" / "RECORD").unlink()
        with pytest.raises(SystemExit) as caught:
            _cli.main(["enable"])
        assert (caught.value.code, len(capsys.readouterr().err.splitlines())) == (1, 1)

    def test_status(self, capsys: pytest.CaptureFixture[str]) -> None:
        """C{status} prints the status."""
        _cli.main(["status"])
        assert f"twisted_basic_ng {__version__}" in capsys.readouterr().out

    @pytest.mark.parametrize("command", ["demo", "bench"])
    def test_handsOver(self, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """C{demo} and C{bench} pass their arguments on, and the result is the exit status."""
        fake = ModuleType(f"twisted_basic_ng_demo.{command}")
        fake.main = len  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, fake.__name__, fake)
        with pytest.raises(SystemExit) as caught:
            _cli.main([command, "a", "b"])
        assert caught.value.code == 2

    @pytest.mark.parametrize("command", ["demo", "bench"])
    def test_without(self, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Without their package, C{demo} and C{bench} say what to install."""
        for name in ("twisted_basic_ng_demo", f"twisted_basic_ng_demo.{command}"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setattr(sys, "path", [])
        monkeypatch.setattr(sys, "meta_path", [PathFinder])
        with pytest.raises(SystemExit) as caught:
            _cli.main([command])
        assert caught.value.code == 1
        wanted = f"'{command}' is a package of its own: pip install 'twisted_basic_ng[{command}]'"
        assert wanted in capsys.readouterr().err

    def test_broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """If another module is missing, the error names that module."""
        monkeypatch.setitem(sys.modules, "twisted_basic_ng_demo.demo", None)
        with pytest.raises(ModuleNotFoundError, match=r"twisted_basic_ng_demo\.demo"):
            _cli.main(["demo"])


class TestOutput:
    """Output that cannot be delivered is not reported as an error of ours."""

    @pytest.mark.skipif(os.name != "posix", reason="there is no such signal")
    @pytest.mark.parametrize("buffered", ["", "1"])
    @pytest.mark.parametrize(
        "words",
        ["", "--help", "--version", "status", "run --help", "run --extended -h", "bench --list", "no"],
    )
    def test_unread(self, words: str, buffered: str) -> None:
        """The command ends by SIGPIPE, as other programs do, and prints nothing."""
        ended = self.start([*words.split()], PYTHONUNBUFFERED=buffered)
        assert ended == (-signal.SIGPIPE, "")

    def start(self, words: list[str], **changes: str) -> tuple[int, str]:
        """
        Start the command with its output in a pipe that is not read.  For a mistake, its standard
        error is in the pipe, too.
        """
        reading, writing = os.pipe()
        os.close(reading)
        with tempfile.TemporaryFile("w+") as errors, open(writing, "wb") as output:
            command = [sys.executable, "-m", "twisted_basic_ng", *words]
            stderr = output if words == ["no"] else errors
            found = {**environment(**changes), "PYTHONPATH": childEnvironment()["PYTHONPATH"]}
            ended = subprocess.run(command, env=found, stdout=output, stderr=stderr, check=False)
            errors.seek(0)
            return ended.returncode, errors.read()

    def test_program(self) -> None:
        """A program ends in the same way as without the launcher."""
        code = "print('x' * 100_000)"
        ended = self.start(["run", "-c", code])
        with open(os.devnull, "wb"):
            reading, writing = os.pipe()
            os.close(reading)
            command = [sys.executable, "-c", code]
            direct = subprocess.run(command, env=environment(), stdout=writing, stderr=subprocess.PIPE, check=False)
            os.close(writing)
        assert (ended[0], ended[1].splitlines()[-1]) == (direct.returncode, direct.stderr.decode().splitlines()[-1])

    def test_closed(self) -> None:
        """Standard output may be closed."""
        command = [sys.executable, "-m", "twisted_basic_ng", "status"]
        ended = subprocess.run(
            ["sh", "-c", 'exec "$@" >&-', "sh", *command], env=environment(), capture_output=True, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, b"")

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no such file")
    def test_full(self) -> None:
        """Output that cannot be written is reported in one line, with exit status 1."""
        command = [sys.executable, "-m", "twisted_basic_ng", "status"]
        with open("/dev/full", "wb") as full:
            ended = subprocess.run(command, env=environment(), stdout=full, stderr=subprocess.PIPE, check=False)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)

    @pytest.mark.parametrize("name", ["SIGPIPE", "NO_SUCH_SIGNAL"])
    def test_inProcess(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without SIGPIPE, or if it does not end the process, the exit status is 1."""

        class Unread(io.StringIO):
            def flush(self) -> None:
                raise BrokenPipeError

        raised: list[object] = []
        monkeypatch.setattr(signal, "raise_signal", raised.append)
        monkeypatch.setattr(signal, "signal", lambda *arguments: None)
        if name != "SIGPIPE":
            monkeypatch.delattr(signal, "SIGPIPE", raising=False)
        monkeypatch.setattr(sys, "stdout", Unread())
        monkeypatch.setattr(sys, "stderr", sys.stderr)
        with pytest.raises(SystemExit) as caught:
            _cli.main(["--help"])
        assert (caught.value.code, len(raised)) == (1, int(name == "SIGPIPE"))

    def test_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a standard output, nothing is flushed."""
        monkeypatch.setattr(sys, "stdout", None)
        _cli.main(["--help"])


class TestStart:
    """The command starts quickly."""

    def test_imports(self) -> None:
        """C{run} imports neither Twisted nor the modules of the other commands."""
        code = (
            "import sys; sys.argv[1:] = ['run', '-c', "
            '\'import sys; print([m for m in ("twisted", "rich", "argparse", "typing") if m in sys.modules])\']\n'
            "from twisted_basic_ng._cli import main; main()"
        )
        assert python("-S", "-c", code).stdout == "[]\n"
