"""Tests for L{tests.upstream._report} and for the command line."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from . import __main__ as command
from ._compare import Difference, Record
from ._judge import Verdict
from ._report import findings, row, writeJUnit
from ._suites import TOO_LONG

OK, BAD, SKIP = ("success",), ("failure",), ("skip",)


def verdicts() -> list[Verdict]:
    """Return a good suite, and one with every kind of finding."""
    good = Record(outcomes={"a": OK, "s": SKIP, "f": BAD}, details={"s": "no time", "f": "Traceback\nValueError"})
    bad = Verdict("bad", "ext", Record(outcomes={"b": OK}), Record(outcomes={"b": BAD}, trouble="it died"))
    bad.differences.append(Difference("b", [OK], [BAD], "why \x00"))
    bad.unsteady.append(Difference("u", [OK, OK], [BAD, OK]))
    return [Verdict("good", "pure", good, good), bad]


class TestReport:
    """Tests for the report."""

    def test_row(self) -> None:
        """A row has the counts and the verdict."""
        good, bad = map(row, verdicts())
        assert good.split() == ["good", "pure", "|", "1", "1", "0", "1", "|", "1", "1", "0", "1", "|", "same"]
        assert bad.endswith("DIFFERENT")

    def test_findings(self) -> None:
        """
        The findings list differences, unsteady tests, skipped tests with reasons, common failures,
        and missing suites.
        """
        told = "\n".join(findings(verdicts(), ["twisted.gone"]))
        for text in ("no time", "fails in stock, too: f (pure): ValueError", "unsteady: u", "it died", "twisted.gone"):
            assert text in told
        assert "b (ext): stock success; ours failure" in told

    def test_junit(self, tmp_path: Path) -> None:
        """The counts match the JUnit file."""
        path = tmp_path / "results" / "upstream.xml"
        assert writeJUnit(path, verdicts(), ["twisted.gone"]) == "2 passed, 2 failed, 2 skipped"
        cases = list(ElementTree.parse(path).iter("testcase"))
        assert len(cases) == 6
        assert sum(case.find("failure") is not None for case in cases) == 2
        assert writeJUnit(None, [], []) == "0 passed, 0 failed, 0 skipped"


class TestCommand:
    """Tests for the command line."""

    def test_list(self, capsys: pytest.CaptureFixture[str]) -> None:
        """C{--list} prints the suites."""
        assert command.main(["--list"]) == 0
        assert "twisted.protocols.test.test_basic" in capsys.readouterr().out.splitlines()

    def test_mistake(self) -> None:
        """A suite that does not exist causes exit status 2."""
        with pytest.raises(SystemExit) as caught:
            command.main(["--suites", "twisted.nowhere"])
        assert caught.value.code == 2

    @pytest.mark.parametrize(("same", "status"), [(True, 0), (False, 1)])
    def test_status(
        self, same: bool, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A difference causes exit status 1."""

        def runSuite(build: str, name: str, timeout: float, extended: bool) -> Record:
            return Record(build=build, outcomes={"x.Y.z": OK if same or build == "stock" else BAD})

        monkeypatch.setattr(command, "runSuite", runSuite)
        assert command.main(["--suites", "twisted.protocols", "--build", "pure"]) == status
        last = capsys.readouterr().out.splitlines()[-1]
        assert last == ("1 passed, 0 failed, 0 skipped" if same else "0 passed, 1 failed, 0 skipped")

    @pytest.mark.parametrize(("options", "status"), [(["--extended"], 0), ([], 1)])
    def test_extended(self, options: list[str], status: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """With AMP's features enabled, the tests that expect C{TooLong} may differ."""

        def runSuite(build: str, name: str, timeout: float, extended: bool) -> Record:
            return Record(build=build, outcomes=dict.fromkeys(TOO_LONG, OK if build == "stock" else BAD))

        monkeypatch.setattr(command, "runSuite", runSuite)
        assert command.main(["--suites", "twisted.protocols", "--build", "pure", *options]) == status
