"""Tests for L{twisted_basic_ng_demo.bench.children}."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes import write
from twisted_basic_ng_demo.bench.children import child
from twisted_basic_ng_demo.bench.sides import WorkError

#: A child process that repeats the lines that it reads.
REPEATS = "import sys\nfor line in sys.stdin: print(sys.argv[1:], line.strip(), flush=True)\n"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a module C{program} that child processes can import."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "program.py"


class TestChild:
    """Tests for a child process."""

    def test_exchange(self, program: Path) -> None:
        """Each line is answered with a line."""
        write(program, REPEATS)
        with child("program", "word", 3) as exchange:
            assert exchange("one") == "['word', '3'] one"
            assert exchange("two") == "['word', '3'] two"

    def test_environment(self, program: Path) -> None:
        """The child's environment has the given variables in addition to the existing ones."""
        write(program, "import os; print(os.environ['BENCH_TEST'], 'PATH' in os.environ)")
        with child("program", environment={"BENCH_TEST": "x"}) as exchange:
            assert exchange("") == "x True"

    def test_ends(self, program: Path, tmp_path: Path) -> None:
        """The child's standard input is closed, and its end is waited for."""
        ended = tmp_path / "ended"
        write(program, f"import sys, pathlib\nsys.stdin.read()\npathlib.Path({str(ended)!r}).touch()")
        with child("program"):
            assert not ended.exists()
        assert ended.exists()

    def test_fails(self, program: Path) -> None:
        """A child that ends without an answer raises an error with its output."""
        write(program, "raise SystemExit('of no mind')")
        said = "program word ended without an answer: of no mind"
        with child("program", "word") as exchange, pytest.raises(WorkError, match=said):
            exchange("")

    def test_gone(self, program: Path) -> None:
        """A line to a child that has ended raises an error."""
        write(program, "print('bye')")
        with child("program") as exchange:
            assert exchange("") == "bye"
            with pytest.raises(WorkError, match="ended without an answer"):
                exchange("x" * 1_000_000)

    def test_hangs(self, program: Path) -> None:
        """A child that does not answer in time is killed."""
        write(program, "import sys, time\nprint('about to hang', file=sys.stderr, flush=True)\ntime.sleep(600)")
        with child("program", timeout=3) as exchange, pytest.raises(WorkError, match="without an answer"):
            exchange("")
