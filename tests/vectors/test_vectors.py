"""
Tests that the conformance vectors are valid, that implementations pass them, and that the runner
finds errors.
"""

from __future__ import annotations

import json
import os
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.processes import environment
from tests.project.test_differences import rows

from . import runner
from .adapter import lacking
from .runner import Report, compare, requests, run
from .schema import errors
from .vectors import FOLDER, bytesOf, chunkings, load, plain, stepsCut

ROOT = FOLDER.parent.parent
SCHEMA = json.loads((FOLDER / "vectors.schema.json").read_text(encoding="utf-8"))
FILES = sorted(path for path in FOLDER.glob("*.json") if not path.name.endswith(".schema.json"))
VECTORS = load()
BY_NAME = {vector["name"]: vector for vector in VECTORS}
OURS, STOCK = "twisted_basic_ng.amp", "twisted.protocols.amp"


def adapter(module: str, vectors: list[dict[str, Any]], **how: Any) -> Report:
    """Run the adapter with a module, on the build that the environment selects."""
    program = [sys.executable, "-m", "tests.vectors.adapter", module]
    changes = how.pop("changes", {})
    return run(program, vectors, 120, cwd=ROOT, env=environment(TWISTED_BASIC_NG_SWAP="0", **changes), **how)


def said(report: Report) -> str:
    """Return a report as the message of an assertion."""
    return "\n".join(report.lines())


class TestImplementations:
    """Each implementation passes all vectors, in all chunks."""

    def test_pure(self) -> None:
        """Our pure build passes."""
        report = adapter(OURS, VECTORS, changes={"TWISTED_BASIC_NG_PURE": "1"})
        assert report.isGood(), said(report)

    def test_ext(self) -> None:
        """Our compiled build passes."""
        try:
            import_module("twisted_basic_ng._accelerate.framing_ext")
        except ImportError:
            if os.environ.get("TWISTED_BASIC_NG_REQUIRE_EXTENSION", "") not in ("", "0"):
                raise
            pytest.skip("the extension is not built")
        report = adapter(OURS, VECTORS, changes={"TWISTED_BASIC_NG_PURE": "0"})
        assert report.isGood(), said(report)

    def test_twisted(self) -> None:
        """Twisted's own module passes, with the differences that the vectors list."""
        report = adapter(STOCK, VECTORS, asTwisted=True)
        assert report.isGood(), said(report)

    def test_twistedDiffers(self) -> None:
        """Twisted's own module fails each vector with a listed difference."""
        different = [vector for vector in VECTORS if "twisted" in vector]
        report = adapter(STOCK, different)
        assert set(report.failures) == {vector["name"] for vector in different}, said(report)
        assert not report.trouble


class TestAdapter:
    """Tests for machines and modules without some features."""

    def test_noTLS(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without TLS, exactly the vectors about TLS are unsupported, in all chunks."""
        monkeypatch.setitem(sys.modules, "twisted.internet.ssl", None)
        without = {each.vector for each in requests(VECTORS) if lacking(each.line)}
        assert without == {vector["name"] for vector in VECTORS if vector["name"].startswith("tls-")}
        assert all(lacking(each.line) for each in requests([BY_NAME["tls-responder"]]))

    def test_otherPaths(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        On a machine with another form of paths, exactly the vectors about paths are unsupported.
        """
        monkeypatch.setattr("os.sep", "\\")
        without = {each.vector for each in requests(VECTORS) if lacking(each.line)}
        assert without == {"path-absolute", "path-bad-bytes"}

    def test_notTwistedsOwn(self) -> None:
        """The adapter refuses a swapped module in place of Twisted's own."""
        swapped = "import sys, twisted_basic_ng; twisted_basic_ng.install(); sys.argv[1:] = ['twisted.protocols.amp']"
        program = [sys.executable, "-c", f"{swapped}; from tests.vectors.adapter import main; main()"]
        report = run(program, [BY_NAME["box-one-pair"]], cwd=ROOT, env=environment())
        assert "twisted.protocols.amp is not Twisted's own" in report.trouble


class TestFiles:
    """The files match README.rst."""

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
    def test_schema(self, path: Path) -> None:
        """Each file matches the schema."""
        assert [*errors(SCHEMA, json.loads(path.read_text(encoding="utf-8")))] == []

    def test_names(self) -> None:
        """Each name is unique."""
        assert len(BY_NAME) == len(VECTORS)

    def test_rows(self) -> None:
        """Each difference from Twisted has its row in the documentation."""
        documented = [" ".join(row) for row in rows()]
        for vector in VECTORS:
            row = vector.get("twisted", {}).get("row", "")
            assert any(row in each for each in documented), (vector["name"], row)

    def test_contents(self) -> None:
        """Each vector has the content for its operation, and bytes or a violation."""
        for vector in VECTORS:
            content = runner.CONTENTS[vector["operation"]]
            wanted = {"steps", content} if content == "events" else {content}
            if vector["direction"] != "write":
                wanted = wanted if content == "events" else {"chunks", *wanted}
                if "violation" in vector and content != "boxes":
                    wanted -= {content}
            else:
                wanted |= {"violation"} if "violation" in vector else {"chunks"}
            assert wanted <= vector.keys(), vector["name"]

    def test_examples(self) -> None:
        """
        Each example of the specification has the same bytes as the vector that its caption names.
        """
        text = (ROOT / "docs" / "wire.rst").read_text(encoding="utf-8")
        blocks = re.findall(r"^\.\. code-block:: none\n   :caption: (.*)\n\n((?:   .*\n|\n)+)", text, re.MULTILINE)
        assert blocks
        for name, block in blocks:
            vector = plain(BY_NAME[name])
            parts = [re.split(" {2,}", line.strip())[0] for line in block.splitlines()]
            example = "".join("".join(parts).split())
            chunks = vector.get("chunks", [step.get("receive", "") for step in vector.get("steps", ())])
            assert example == "".join(chunks), name


class TestSchema:
    """Tests for the schema."""

    @pytest.mark.parametrize(
        ("change", "where"),
        [
            ({"name": "Not A Name"}, "/vectors/0/name"),
            ({"description": "no full stop"}, "/vectors/0/description"),
            ({"operation": "guess"}, "/vectors/0/operation"),
            ({"chunks": ["0g"]}, "/vectors/0/chunks/0"),
            ({"chunks": "00"}, "/vectors/0/chunks"),
            ({"boxes": [[["00"]]]}, "/vectors/0/boxes/0/0"),
            ({"other": 1}, "/vectors/0"),
            ({"type": {"SetOf": "Integer"}}, "/vectors/0/type"),
            ({"limits": {"keys": True}}, "/vectors/0/limits/keys"),
            ({"twisted": {"boxes": []}}, "/vectors/0/twisted"),
            ({"steps": [{}]}, "/vectors/0/steps/0"),
            ({"steps": [{"disconnect": False}]}, "/vectors/0/steps/0/disconnect"),
        ],
    )
    def test_wrong(self, change: dict[str, Any], where: str) -> None:
        """A vector of another form is found, with its location."""
        found = [*errors(SCHEMA, {"description": "x", "vectors": [{**BY_NAME["box-one-pair"], **change}]})]
        assert [each.partition(":")[0] for each in found] == [where]

    def test_lacking(self) -> None:
        """A missing property is found."""
        assert [*errors(SCHEMA, {"vectors": []})] == [": without description", "/vectors: 0 items"]

    def test_unknownWord(self) -> None:
        """An unsupported keyword in the schema raises an error."""
        with pytest.raises(ValueError, match="format"):
            next(errors({"format": "date"}, "x"))


class TestBytes:
    """Tests for the notation of bytes, and for how they are cut."""

    def test_notation(self) -> None:
        """The notation has hexadecimal digits, text and repetitions."""
        assert bytesOf("0001 'a'*3 ff00*2 '*'") == b"\0\1aaa\xff\0\xff\0*"
        for wrong in ("0", "zz", "'a", "00*"):
            with pytest.raises(ValueError, match="neither"):
                bytesOf(wrong)

    def test_chunkings(self) -> None:
        """Bytes are sent whole, one by one, and cut in two at every point."""
        assert [*chunkings(0)] == [*chunkings(1)] == [[]]
        assert [*chunkings(4)] == [[], [1, 2, 3], [1], [2], [3]]

    def test_large(self) -> None:
        """Large inputs are cut near their ends only."""
        points = [*chunkings(70_000)]
        assert points[1] == [*range(1000, 70_000, 1000)]
        assert points[2:] == [[each] for each in (*range(1, 8), *range(69_992, 70_000))]

    def test_steps(self) -> None:
        """In a conversation, adjacent bytes are joined and then cut."""
        steps = [{"receive": "0102"}, {"receive": "03"}, {"finish": "1"}, {"receive": "0405"}]
        cut = [{"receive": "01"}, {"receive": "0203"}, {"finish": "1"}, {"receive": "04"}, {"receive": "05"}]
        assert stepsCut(steps, [1, 4]) == cut

    def test_everyVector(self) -> None:
        """Each vector of bytes is requested in each of these ways."""
        asked = requests([BY_NAME["box-one-pair"]])
        assert [len(each.line.get("chunks", ())) for each in asked] == [1, 1, 8, *[2] * 7, 0]


def wrong(name: str, **change: Any) -> dict[str, Any]:
    """Return a vector with errors."""
    return {**BY_NAME[name], **change}


class TestWrongVectors:
    """A vector with an error does not pass."""

    @pytest.mark.parametrize(
        "vector",
        [
            wrong("box-one-pair", boxes=[[["'a'", "'2'"]]]),
            wrong("box-one-pair", direction="write", chunks=["0001 'a' 0001 '2' 0000"]),
            wrong("unfinished-key", violation="key-too-long"),
            wrong("key-256-read", boxes=[[]]),
            wrong("integer-one", value="2"),
            wrong("integer-bad-letters", violation="missing-key"),
            wrong("descriptor-second", value="a"),
            wrong("float-exponent", value="4341c37937e08001"),
            wrong("arguments-two", values={"a": "1", "b": "e"}),
            wrong("call-answer", events=[]),
            wrong("ask-answered", events=[*BY_NAME["ask-answered"]["events"], {"closed": True}]),
            wrong("error-fatal", events=[*reversed(BY_NAME["error-fatal"]["events"])]),
        ],
        ids=lambda vector: vector["name"],
    )
    def test_found(self, vector: dict[str, Any]) -> None:
        """The vector fails under its name."""
        report = Report(vectors=1)
        asked = requests([vector])
        amp = import_module("tests.vectors.adapter").Adapter(import_module(OURS))
        lines = [json.dumps(amp.answer(each.line)).encode() + b"\n" for each in asked]
        runner._read(report, asked, lines, "")
        assert [*report.failures] == [vector["name"]]
        assert not report.isGood()

    def test_kinds(self) -> None:
        """Values of different types are different."""
        assert not compare(True, 1)
        assert not compare("1", 1)
        assert not compare([1], [1, 2])
        assert compare({"a": "*"}, {"a": [1]})


#: The beginning of programs with their own answers.
PROGRAM = """
import json, sys, time
lines = [json.loads(line) for line in sys.stdin]
def answer(request, **rest):
    print(json.dumps({"id": request["id"], **rest}), flush=True)
"""


class TestPrograms:
    """An implementation that does not answer, or answers in a wrong form, is found."""

    ASKED = [BY_NAME["box-one-pair"], BY_NAME["integer-one"]]

    def report(self, program: str, timeout: float = 30) -> Report:
        return run([sys.executable, "-c", PROGRAM + program], self.ASKED, timeout)

    def test_crash(self) -> None:
        """A crash is reported with its status, its output, and the vector."""
        report = self.report("answer(lines[0], boxes=[[['61', '31']]]); sys.exit('out of order')")
        assert report.answers == 1
        assert "status 1: out of order" in report.trouble
        assert report.trouble.endswith("the first that is not answered: box-one-pair")
        assert [*report.failures] == ["box-one-pair"]

    def test_crashAtEnd(self) -> None:
        """A crash after the last answer is reported."""
        report = self.report("[answer(each, unsupported='all') for each in lines]; sys.exit(3)")
        assert report.trouble == "ended with status 3: "

    def test_hang(self) -> None:
        """A program that hangs is killed."""
        report = self.report("answer(lines[0], boxes=[[['61', '31']]]); time.sleep(60)", 1)
        assert report.answers == 1
        assert "no answer within 1 seconds" in report.trouble

    @pytest.mark.parametrize("rubbish", ["hello", "[]", '{"boxes": []}', '{"id": 5, "boxes": []}', ""])
    def test_rubbish(self, rubbish: str) -> None:
        """An answer that is not JSON or has the wrong id is reported."""
        report = self.report(f"print({rubbish!r}, flush=True)")
        assert "for an answer to box-one-pair" in report.trouble
        assert [*report.failures] == ["box-one-pair"]

    @pytest.mark.parametrize("boxes", ["7", "[7]", "[[['61', 31]]]", "{'a': 1}", "None"])
    def test_form(self, boxes: str) -> None:
        """An answer of another form is a failure."""
        report = self.report(f"[answer(each, boxes={boxes}) for each in lines]")
        assert [*report.failures] == ["box-one-pair", "integer-one"]
        assert not report.trouble

    def test_half(self) -> None:
        """An incomplete last line is reported."""
        assert "no answer" in self.report("print(json.dumps({'id': 0}), end='')").trouble

    def test_tooMany(self) -> None:
        """An additional answer is reported."""
        assert "a line too many" in self.report("[answer(each) for each in lines]; print()").trouble

    def test_unsupported(self) -> None:
        """An unsupported vector is listed, and is not a failure."""
        report = self.report("[answer(each, unsupported='later') for each in lines]")
        assert report.isGood()
        assert report.unsupported == {"box-one-pair": "later", "integer-one": "later"}

    def test_missing(self) -> None:
        """A program that does not exist is reported."""
        assert "cannot run" in run(["/nowhere/at-all"], self.ASKED).trouble


class TestCommand:
    """Tests for the runner as a command."""

    def test_good(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """The exit status is 0 if everything passes."""
        monkeypatch.chdir(ROOT)
        monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
        assert runner.main(["--only", "boolean-", sys.executable, "-m", "tests.vectors.adapter", OURS]) == 0
        assert "0 failed" in capsys.readouterr().out

    def test_bad(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Otherwise the exit status is 1, and the failures are listed."""
        assert runner.main(["--only", "boolean-true", sys.executable, "-c", "print('x')"]) == 1
        assert "FAILED boolean-true" in capsys.readouterr().out

    def test_print(self, capsys: pytest.CaptureFixture[str]) -> None:
        """C{--print} prints the requests."""
        assert runner.main(["--only", "boolean-true", "--print"]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["do"] for line in lines] == ["value.read", "value.write"]

    def test_noProgram(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Without a program, there is an error."""
        with pytest.raises(SystemExit):
            runner.main([])
        assert "name the program" in capsys.readouterr().err
