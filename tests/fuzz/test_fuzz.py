"""
The short form of the campaign: it replays the corpus and draws a limited number of inputs, without
a fuzzer.

Other tests show that the targets find broken parsers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, strategies as st

import twisted_basic_ng
from tests.processes import python

from . import __main__ as runner, of_framing
from .archive import FOUND, Kept, read, spread, write
from .builds import functions, load
from .inputs import Input, seed
from .targets import TARGETS

CORPUS = {name: read(runner.CORPUS / f"{name}.txt") for name in TARGETS}

#: Pieces of hostile inputs besides random bytes: sequences that have a meaning in the formats.
WORDS = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"aa",
        b"aba",
        b"\0\0",
        b"\0\1",
        b"\xff",
        b":",
        b",",
        b"0:,",
        b"3:abc,",
        b"12",
        b"-",
        b"+",
        b".",
    ),
    *(b"\0\4_ask\0\0011", b"\0\7_answer\0\0011", b"\0\6_error\0\0012", b"\0\x0b_error_code\0\5VALUE"),
    *(b"\0\5_more\0\0", b"\0\7_cancel\0\0011", b"\0\6_leave\0\0", b"\0\x08_timeout\0\0019", b"\0\7accepts\0\6\0\4more"),
    *(b"\0\x08_command\0\x0b_extensions", b"\0\x08_command\0\5_ping", b"\0\6offers\0\6\0\4more"),
    *(b"\0\x08_command\0\x0aEverything", b"\0\x08_command\0\6Switch", b"\0\x08_command\0\x08StartTLS"),
    *(
        b"\0\1i\0\0014",
        b"\0\1s\0\3abc",
        b"\0\1n\0\0010",
        b"\0\1x\0\0",
        b"True",
        b"nan",
        b"1e9",
        b"2012-01-23T12:34:56.054321-01:23",
    ),
]


@pytest.mark.parametrize("name", TARGETS)
class TestCorpus:
    """No input of the corpus breaks a promise on either build."""

    def test_replay(self, name: str) -> None:
        """The corpus of each target is not empty, and breaks no promise."""
        assert CORPUS[name], f"{name} has no corpus"
        for each in CORPUS[name]:
            TARGETS[name](each.data)

    def test_drawn(self, name: str) -> None:
        """
        Drawn inputs break no promise: those built of words and bytes, and those of the corpus with
        a piece exchanged.
        """
        kept = st.sampled_from([each.data for each in CORPUS[name]])
        piece = st.one_of(st.sampled_from(WORDS), st.binary(max_size=4))
        made = st.builds(
            lambda pieces, control: seed(b"".join(pieces), *control), st.lists(piece), st.binary(max_size=12)
        )
        changed = st.builds(_exchange, kept, st.integers(0, 200), st.integers(0, 5), piece)

        @given(st.one_of(made, changed))
        def draw(data: bytes) -> None:
            TARGETS[name](data)

        draw()


def _exchange(data: bytes, at: int, size: int, piece: bytes) -> bytes:
    at %= len(data) or 1
    return data[:at] + piece + data[at + size :]


class TestArchive:
    """Tests for the archives of inputs."""

    def test_read(self, tmp_path: Path) -> None:
        """An archive can be read again.  It has each input once, those made by hand first."""
        found, made = Kept(FOUND, bytes(range(256))), Kept("zero", b"")
        write(tmp_path / "new" / "archive.txt", [found, made, found])
        assert read(tmp_path / "new" / "archive.txt") == [made, found]

    def test_spread(self, tmp_path: Path) -> None:
        """Each input is written to a file, and a missing archive has none."""
        write(tmp_path / "archive.txt", [Kept(FOUND, b"a\r\n"), Kept(FOUND, b"b")])
        spread(tmp_path / "archive.txt", tmp_path / "kept")
        assert sorted(each.read_bytes() for each in (tmp_path / "kept").iterdir()) == [b"a\r\n", b"b"]
        spread(tmp_path / "none.txt", tmp_path / "empty")
        assert list((tmp_path / "empty").iterdir()) == []

    def test_all(self) -> None:
        """Each archive belongs to a target."""
        assert {file.stem for file in runner.CORPUS.iterdir()} == set(TARGETS)


class TestInput:
    """Tests for the meaning of an input's bytes."""

    @pytest.mark.parametrize("data", [b"", b"\0", b"\x09", b"abc\0", b"abc\2", b"abc\xff", seed(b"abc", 1, 2)])
    def test_any(self, data: bytes) -> None:
        """Any bytes are a valid input, and missing control bytes count as zero."""
        parsed = Input(data)
        assert data.startswith(parsed.payload)
        parsed.list()
        assert (parsed.number(10), parsed.list()) == (0, [])

    def test_seed(self) -> None:
        """A seed is parsed as it was built."""
        parsed = Input(seed(b"payload", 7, 8, 9))
        assert (parsed.payload, parsed.number(5), parsed.choice("abc"), parsed.list()) == (b"payload", 2, "c", [9])

    def test_cuts(self) -> None:
        """The four cuts contain the whole payload, without empty chunks."""
        for control in ((), (3, 200, 7), (255, 255, 255)):
            cuts = Input(seed(bytes(range(200)), *control)).cuts()
            assert [b"".join(chunks) for chunks in cuts] == [bytes(range(200))] * 4
            assert len({len(chunks) for chunks in cuts}) >= 3
            assert all(all(chunks) for chunks in cuts)


class TestBuilds:
    """Tests for the two copies of the package."""

    def test_apart(self) -> None:
        """Each copy uses its build, and C{sys.modules} is unchanged."""
        pure = load("pure")
        assert pure is not None
        assert pure.framing.__name__ == "twisted_basic_ng._accelerate.framing"
        assert sys.modules["twisted_basic_ng"] is twisted_basic_ng
        assert pure.basic is not sys.modules.get("twisted_basic_ng.basic")
        compiled = load("ext")
        if compiled is not None:
            assert compiled.framing.__name__ == "twisted_basic_ng._accelerate.framing_ext"
            assert compiled.basic.LineReceiver is not pure.basic.LineReceiver

    def test_everyFunction(self) -> None:
        """Each function with two builds has a target."""
        compiled = load("ext")
        if compiled is None:
            pytest.skip("the extension is not built")
        assert functions(compiled.framing) == set(of_framing.FUNCTIONS)


class TestTargetsFind:
    """Tests that the corpus finds a broken parser."""

    def failures(self, name: str) -> int:
        """Return how many inputs of the corpus fail."""
        found = 0
        for each in CORPUS[name]:
            try:
                TARGETS[name](each.data)
            except AssertionError:  # noqa: PERF203 - each input counts
                found += 1
        return found

    @pytest.mark.parametrize("name", sorted(of_framing.FUNCTIONS))
    def test_framing(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        """A framing function that differs on one build is found."""
        pure = load("pure")
        assert pure is not None
        wrong: dict[str, Callable[..., Any]] = {
            "formatBox": lambda box: b"\0\0",
            "parseBox": lambda data, start, box, key: (len(data), None, 0),
            "splitBoxes": lambda data, start, kind, *others: ([kind.__new__(kind)], [len(data)]),
        }
        twin = SimpleNamespace(**vars(pure.framing))
        setattr(
            twin,
            name,
            wrong.get(name, lambda data, start, *others: ([data[start:]], len(data), 0)[: 2 + (name != "splitLines")]),
        )
        monkeypatch.setattr(of_framing, "builds", lambda: [pure, SimpleNamespace(name="wrong", framing=twin)])
        assert self.failures(name)

    @pytest.mark.parametrize(
        ("name", "where", "attribute", "wrong"),
        [
            ("lines", "basic.LineReceiver", "setRawMode", lambda self: None),
            ("linesOnly", "basic.LineOnlyReceiver", "_receiverCheckLastLine", lambda self, connection, size: None),
            ("netstrings", "basic.NetstringReceiver", "_handleParseError", lambda self: None),
            ("int16Strings", "basic.IntNStringReceiver", "lengthLimitExceeded", lambda self, length: None),
            ("peer", "amp.AMP", "failAllOutgoing", lambda self, reason: None),
            ("integerArgument", "amp.Integer", "toString", lambda self, value: b"%d" % (value + 1)),
            ("listing", "dtp.DTP", "sendLine", lambda self, line: self.transport.write(line + b"\r\n")),
            ("upload", "dtp.DTP", "_dtpDeliverKept", lambda self: None),
        ],
    )
    def test_wrong(self, monkeypatch: pytest.MonkeyPatch, name: str, where: str, attribute: str, wrong: Any) -> None:
        """A method of a receiver, of AMP or of FTP that differs on one build is found."""
        build = load("pure")
        module, _, owner = where.partition(".")
        kept = getattr(getattr(build, module), owner)
        monkeypatch.setattr(kept, attribute, wrong)
        assert self.failures(name)


LOG = """\
INFO: seed corpus: files: 9 min: 10b max: 47b total: 208b rss: 60Mb
#10\tINITED cov: 241 ft: 385 corp: 9/208b exec/s: 0 rss: 60Mb
#4096\tpulse  cov: 262 ft: 610 corp: 41/2114b lim: 43 exec/s: 2048 rss: 61Mb
 === Uncaught Python exception: ===
AssertionError: 5 bytes are kept
artifact_prefix='fuzz-crashes/lines-'; Test unit written to fuzz-crashes/lines-crash-0a1b
"""


class TestRunner:
    """Tests for C{python -m tests.fuzz}."""

    def report(self, status: int = 0) -> runner.Report:
        report = runner.Report("lines", status=status)
        for line in LOG.splitlines(keepends=True):
            report.read(line)
        return report

    def test_read(self) -> None:
        """The numbers, the crash and the output are parsed from libFuzzer's log."""
        report = self.report()
        assert (report.runs, report.covered, report.corpus) == (4096, 262, 41)
        assert report.crash == Path("fuzz-crashes/lines-crash-0a1b")
        assert "5 bytes are kept" in report.said

    def test_failure(self, capsys: pytest.CaptureFixture[str]) -> None:
        """
        A broken promise is reported with the command that repeats it, and the exit status is 1.
        """
        assert runner.summarize([self.report(77)]) == 1
        told = capsys.readouterr().out
        assert "python -m tests.fuzz --target lines --repeat fuzz-crashes/lines-crash-0a1b" in told
        assert "AssertionError: 5 bytes are kept" in told
        assert "1 targets, 4,096 runs, 1 failed" in told

    def test_success(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Without a failure, the exit status is 0."""
        assert runner.summarize([runner.Report("lines", runs=5)]) == 0
        assert "5 runs, 0 failed" in capsys.readouterr().out

    def test_repeat(self, tmp_path: Path) -> None:
        """A target can be run again with one input."""
        (tmp_path / "input").write_bytes(CORPUS["lines"][0].data)
        ended = python("-m", "tests.fuzz", "--target", "lines", "--repeat", tmp_path / "input")
        assert ended.returncode == 0, ended.stderr
        assert "breaks no promise" in ended.stdout

    def test_campaign(self, tmp_path: Path) -> None:
        """With atheris, a run reports its progress and a summary."""
        pytest.importorskip("atheris", reason="atheris is not installed")
        ended = python(
            "-m", "tests.fuzz", "--target", "netstrings", "--runs", "500", "--seconds", "20", directory=tmp_path
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "1 targets, 500 runs, 0 failed" in ended.stdout
        assert not list(tmp_path.iterdir())

    def test_keep(self, tmp_path: Path) -> None:
        """
        With atheris, inputs that cover something new can be added to the corpus, which keeps its
        old inputs.
        """
        pytest.importorskip("atheris", reason="atheris is not installed")
        file = tmp_path / "corpus" / "netstrings.txt"
        good = CORPUS["netstrings"][0]
        write(file, [good, Kept(FOUND, good.data)])
        options = ("--runs", "2000", "--seconds", "20", "--corpus", tmp_path / "corpus", "--keep")
        ended = python("-m", "tests.fuzz", "--target", "netstrings", *options, directory=tmp_path)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        kept = read(file)
        assert kept[0] == good
        assert len(kept) > 3
        assert {each.name for each in kept[1:]} == {FOUND}
        assert good.data not in [each.data for each in kept[1:]]
