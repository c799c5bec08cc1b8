"""
The short form of the mutation tests, with tests for the mutants and for the report of those that no
test finds.
"""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

import twisted_basic_ng
import twisted_basic_ng.basic
from tests.processes import python, write

from .mutants import Mutant, mutants

pytest.importorskip("resource", reason="processes cannot part here")

from . import __main__ as runner
from .explained import EXPLAINED, read

PACKAGE = Path(twisted_basic_ng.__file__).parent


PROGRAM = """
    import sys
    from pathlib import Path
    from tests.mutation.__main__ import run
    from tests.mutation.mutants import Mutant

    source = Path(sys.argv[1]).read_text("utf-8")
    changed = {
        "nothing": source,
        "wrong": source.replace("return boxes", "return boxes[1:]"),
        "endless": source.replace("    data = bytesOf(data)\\n", "    while True: pass\\n"),
        "no Python": "def",
    }
    assert len(set(changed.values())) == 4
    result = run([("amp/_boxes.py", Mutant(name, 1, each)) for name, each in changed.items()], 4, 100, 3)
    print(result.found, result.endless, result.left)
"""


def made(source: str) -> list[str]:
    """Return the names of the mutants of a piece of code."""
    return [mutant.name for mutant in mutants(textwrap.dedent(source))]


class TestMutants:
    """Tests for what is changed, and what is not."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("a < b", ["a <= b", "a >= b"]),
            ("a == b is c", ["a != b is c", "a == b is not c"]),
            ("a in b", ["a not in b"]),
            ("a + b", ["a - b"]),
            ("a << b", ["a >> b"]),
            ("a and b", ["a or b"]),
            ("not a", ["a"]),
            ("a if b else c", ["c if b else a"]),
            ("7", ["8", "6"]),
            ("True", ["False"]),
            ("b'x'", ["b'x?'"]),
            ("'text'", []),
            ("a", []),
        ],
    )
    def test_expressions(self, before: str, after: list[str]) -> None:
        """An expression is replaced by each similar one."""
        names = made(f"f({before})")
        assert names == [f"module: f({before})  ->  pass", *(f"module: f({before})  ->  f({each})" for each in after)]

    def test_statements(self) -> None:
        """
        Statements are removed, conditions are negated, and C{break} and C{continue} are exchanged.
        """
        names = made(
            """
            def function(a):
                if a:
                    raise b
                while c:
                    d += e
                    break
                return f
            """
        )
        assert names == [
            "function: if a:  ->  if not a:",
            "function: raise b  ->  pass",
            "function: while c:  ->  while not c:",
            "function: d += e  ->  pass",
            "function: d += e  ->  d -= e",
            "function: break  ->  continue",
            "function: return f  ->  return None",
        ]

    def test_leftAlone(self) -> None:
        """
        Docstrings, annotations, decorators, lists of names and type-checking blocks are not
        changed.
        """
        assert (
            made(
                '''
                """A docstring."""
                __all__ = ["a", 5]
                if TYPE_CHECKING:
                    from a import b
                @decorated(5)
                def function(a: Literal[5]) -> Literal[5]:
                    """A docstring."""
                    return None
                class Kind(Base[5]):
                    __slots__: list[str] = []
                    number: Literal[5]
                '''
            )
            == []
        )

    def test_named(self) -> None:
        """A mutant is named after its function, and duplicate names get a number."""
        assert made("class Kind:\n def function(self):\n  f(1, 1)") == [
            "Kind.function: f(1, 1)  ->  pass",
            "Kind.function: f(1, 1)  ->  f(2, 1)",
            "Kind.function: f(1, 1)  ->  f(0, 1)",
            "Kind.function: f(1, 1)  ->  f(1, 2)",
            "Kind.function: f(1, 1)  ->  f(1, 0)",
        ]
        assert made("f()\nf()") == ["module: f()  ->  pass", "module: f()  ->  pass  (2)"]

    @pytest.mark.parametrize("file", runner.PARSERS)
    def test_parsers(self, file: str) -> None:
        """Each mutant of a parser is a different program, with a unique name."""
        source = (PACKAGE / file).read_text(encoding="utf-8")
        plain = ast.unparse(ast.parse(source))
        all_ = list(mutants(source))
        assert len(all_) > 50
        assert len({each.name for each in all_}) == len(all_)
        assert plain not in {each.source for each in all_}
        for each in all_:
            compile(each.source, file, "exec")

    def test_read(self) -> None:
        """
        A reason applies to all mutants below it.  Each reason is a sentence, and each mutant is one
        of a parser.
        """
        assert all(reason.endswith(".") for reason in EXPLAINED.values())
        assert {name.partition(": ")[0] for name in EXPLAINED} <= set(runner.PARSERS)
        assert read("One.\n    a: b\n    c: d\n\nTwo.\n    e: f\n") == {"a: b": "One.", "c: d": "One.", "e: f": "Two."}


class TestRunner:
    """Tests for C{python -m tests.mutation}."""

    def test_found(self) -> None:
        """Mutants that a test finds are counted."""
        ended = python("-m", "tests.mutation", "--file", "amp/_boxes.py", "--only", "type(data) is bytes")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "3 mutants: 3 found (0 of them went on for ever), 0 explained, 0 left; 100.0 % found" in ended.stdout

    def test_tried(self, tmp_path: Path) -> None:
        """Correct, incorrect and endless mutants are distinguished."""
        ended = python(write(tmp_path / "program.py", PROGRAM), PACKAGE / "amp" / "_boxes.py")
        assert ended.stderr == ""
        assert ended.stdout.splitlines()[-1] == "3 1 ['amp/_boxes.py:1: nothing']"

    def test_imported(self) -> None:
        """If the package is imported already, a trial raises an error."""
        with pytest.raises(RuntimeError, match="imported"):
            runner.start("_accelerate/framing.py", "", [])

    @pytest.mark.parametrize(
        ("result", "status", "said"),
        [
            (runner.Result(found=9), 0, "9 mutants: 9 found"),
            (runner.Result(found=9, left=["a"]), 1, "NOT FOUND  a\n"),
            (runner.Result(found=9, untried=2), 1, "there was no time for 2 more\n"),
            (runner.Result(), 0, "0 mutants"),
        ],
    )
    def test_summary(self, capsys: pytest.CaptureFixture[str], result: runner.Result, status: int, said: str) -> None:
        """Mutants that are left or untested make the exit status 1."""
        assert runner.summarize(result) == status
        assert said in capsys.readouterr().out

    def test_gone(self, capsys: pytest.CaptureFixture[str]) -> None:
        """An explanation without a mutant makes the exit status 1."""
        assert runner.summarize(runner.Result(found=9), {"a: b  ->  c"}) == 1
        assert "GONE       a: b  ->  c\n" in capsys.readouterr().out

    @pytest.fixture
    def explained(self, monkeypatch: pytest.MonkeyPatch) -> runner.Result:
        monkeypatch.setitem(EXPLAINED, "a.py: f: x  ->  y", "It does the same.")
        result = runner.Result()
        result.take(runner.Trial("a.py", Mutant("f: x  ->  y", 5, ""), 0.0), survived=True)
        return result

    def test_explained(self, explained: runner.Result, capsys: pytest.CaptureFixture[str]) -> None:
        """An explained mutant is reported, and is not a failure."""
        assert runner.summarize(explained) == 0
        assert "explained  a.py: f: x  ->  y\n           It does the same.\n" in capsys.readouterr().out

    def test_time(self) -> None:
        """No mutant is started after the time limit."""
        assert runner.run([("amp/_boxes.py", Mutant("a", 1, ""))] * 3, 1, 0, 1).untried == 3
