"""
Tests an implementation of AMP with the conformance vectors.

The implementation is a program.  It reads one request per line from its standard input, and answers
each with one line on its standard output, both in JSON.  README.rst describes them.  From the root
of the repository::

    python -m tests.vectors.runner [--timeout SECONDS] [--only NAME] [--twisted] PROGRAM ARGUMENT ...

This file needs only the standard library, and does not depend on any implementation.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from .vectors import FOLDER, chunkings, load, plain, stepsCut

__all__ = ["Report", "Request", "compare", "main", "requests", "run"]

#: The key of a vector's content, by its operation.
CONTENTS = {"boxes": "boxes", "value": "value", "arguments": "values", "conversation": "events"}

#: How many characters of a wrong answer to show.
_SHOWN = 1000


class Request(NamedTuple):
    """
    One line for the implementation.

    @ivar vector: the name of its vector.
    @ivar how: a description of how the bytes are cut.
    @ivar line: the request.
    @ivar expected: the accepted answers, the usual one first.
    """

    vector: str
    how: str
    line: dict[str, Any]
    expected: list[Any]


@dataclass
class Report:
    """
    The results of a run.

    @ivar vectors: how many vectors were tested.
    @ivar answers: how many requests were answered.
    @ivar failures: by vector, its first error.
    @ivar unsupported: by vector, which feature the implementation lacks.
    @ivar trouble: what was wrong with the program itself, or an empty string.
    """

    vectors: int = 0
    answers: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)
    trouble: str = ""

    def isGood(self) -> bool:
        """Whether every answer was as expected."""
        return not self.failures and not self.trouble

    def lines(self) -> Iterator[str]:
        """Yield the report, as lines of text."""
        yield from (f"FAILED {name}: {why}" for name, why in self.failures.items())
        yield from (f"unsupported {name}: {why}" for name, why in self.unsupported.items())
        if self.trouble:
            yield f"TROUBLE {self.trouble}"
        yield (
            f"{self.vectors} vectors, {self.answers} answers, {len(self.failures)} failed, "
            f"{len(self.unsupported)} unsupported"
        )


# The requests.


def requests(vectors: Sequence[dict[str, Any]], asTwisted: bool = False) -> list[Request]:
    """
    Make the requests for C{vectors}.

    @param asTwisted: expect Twisted's result where it differs.
    """
    made: list[Request] = []
    for vector in vectors:
        difference = vector.get("twisted", {}) if asTwisted else {}
        isAny = "any" in difference
        usual = {name: each for name, each in difference.items() if name != "row"}
        asked = [*_asked(plain(_replaced(vector, usual) if usual and not isAny else vector))]
        others = [[*_asked(plain(_replaced(vector, each)))] for each in vector.get("alternatives", ())]
        for number, (how, line, expected) in enumerate(asked):
            also = ["*"] if isAny else [each[number][2] for each in others]
            made.append(Request(vector["name"], how, {"id": len(made), **line}, [expected, *also]))
    return made


def _replaced(vector: dict[str, Any], difference: dict[str, Any]) -> dict[str, Any]:
    """Replace the usual outcome with another one."""
    isRead = vector["direction"] == "read" or vector["operation"] == "conversation"
    outcomes = {*CONTENTS.values(), "violation"} if isRead else {"chunks", "violation"}
    return {**{name: each for name, each in vector.items() if name not in outcomes}, **difference}


def _asked(vector: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield the requests for one vector: a description, the request and the expected answer."""
    operation, content = vector["operation"], CONTENTS[vector["operation"]]
    if operation == "conversation":
        yield from _conversations(vector)
        return
    line = {name: vector[name] for name in ("type", "fields", "limits") if name in vector}
    data = bytes.fromhex("".join(vector.get("chunks", ())))
    violation = {"violation": vector["violation"]} if "violation" in vector else {}
    if vector["direction"] in ("read", "both"):
        expected = {**({content: vector[content]} if content in vector else {}), **violation}
        line = {"do": f"{operation}.read", **line}
        if "descriptors" in vector:
            line["descriptors"] = vector["descriptors"]
        if operation == "boxes":
            yield "as given", {**line, "chunks": vector["chunks"]}, expected
            for points in chunkings(len(data)):
                yield _how(points), {**line, "chunks": _cut(data, points)}, expected
        else:
            yield "read", {**line, "bytes": data.hex()}, expected
    if vector["direction"] in ("write", "both"):
        answer: dict[str, Any] = violation or {"bytes": data.hex()}
        if "descriptors" in vector:
            answer["descriptors"] = vector["descriptors"]
        yield "write", {**line, "do": f"{operation}.write", content: vector[content]}, answer


def _conversations(vector: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    line = {"do": "conversation", "side": vector.get("side", "server"), "limits": vector.get("limits", {})}
    line |= {name: vector[name] for name in ("extended", "keepalive") if name in vector}
    expected = {"events": vector["events"]}
    yield "as given", {**line, "steps": vector["steps"]}, expected
    size = sum(len(step.get("receive", step.get("decrypted", ""))) // 2 for step in vector["steps"])
    for points in chunkings(size):
        yield _how(points), {**line, "steps": stepsCut(vector["steps"], points)}, expected


def _cut(data: bytes, points: list[int]) -> list[str]:
    return [data[first:last].hex() for first, last in itertools.pairwise([0, *points, len(data)])]


def _how(points: list[int]) -> str:
    return {0: "whole", 1: f"cut at {points[0]}"}.get(len(points), "in small pieces") if points else "whole"


#: The keys of the boxes of streams.
_WINDOW = b"_window".hex()
_STREAM, _DATA, _END = b"_stream".hex(), b"_data".hex(), b"_end".hex()


# The answers.


def compare(expected: Any, answer: Any) -> bool:
    """Whether C{answer} is the expected one.  C{*} matches any value."""
    if expected == "*":
        return True
    if isinstance(expected, dict) and isinstance(answer, dict):
        return expected.keys() == answer.keys() and all(compare(expected[each], answer[each]) for each in expected)
    if isinstance(expected, list) and isinstance(answer, list):
        return len(expected) == len(answer) and all(map(compare, expected, answer))
    return type(expected) is type(answer) and bool(expected == answer)


def _boxesOf(data: bytes) -> Any:
    """
    Parse boxes for a comparison that ignores the order of keys.  Bytes that are not boxes are
    returned unchanged.
    """
    boxes: list[Any] = []
    box: list[list[str]] = []
    position = 0
    while position < len(data):
        key, position = _stringAt(data, position)
        if key:
            value, position = _stringAt(data, position)
            box.append([key.hex(), value.hex()])
        else:
            boxes.append(sorted(box))
            box = []
        if position > len(data):
            return data.hex()
    return data.hex() if box else boxes


def _stringAt(data: bytes, position: int) -> tuple[bytes, int]:
    begin = position + 2
    end = begin + int.from_bytes(data[position:begin], "big")
    return data[begin:end], end


def _inOrder(answer: Any, do: str) -> Any:
    """Sort the keys of boxes, whose order is free."""
    if not isinstance(answer, dict):
        return answer
    if do == "boxes.read" and isinstance(answer.get("boxes"), list):
        return {**answer, "boxes": [*map(sorted, answer["boxes"])]}
    if do in ("boxes.write", "arguments.write") and isinstance(answer.get("bytes"), str):
        return {**answer, "bytes": _boxesOf(bytes.fromhex(answer["bytes"]))}
    if do == "conversation" and isinstance(answer.get("events"), list):
        return {**answer, "events": [*_joined(answer["events"])]}
    return answer


def _joined(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """
    Join adjacent bytes, and parse sent bytes as boxes.

    The results of calls come before the bytes for other protocols, because their order depends on
    the chunks.
    """
    ordered: list[dict[str, Any]] = []
    for event in events:
        place = len(ordered)
        while place and {"answered", "failed"} & {*event} and {"inner", "handshake"} & {*ordered[place - 1]}:
            place -= 1
        ordered.insert(place, event)
    for name, group in itertools.groupby(ordered, lambda event: next(iter(event))):
        if name not in ("sent", "inner", "handshake"):
            yield from group
            continue
        data = [each[name] for each in group]
        if data and isinstance(data[0], str):
            joined = _boxesOf(bytes.fromhex("".join(data))) if name == "sent" else "".join(data)
            if isinstance(joined, list):
                joined = [*_withoutPieces(joined)]
            if joined or name != "sent":
                yield {name: joined}
        else:  # already boxes, from the vector
            yield {name: [*_withoutPieces([sorted(box) for boxes in data for box in boxes])]}


def _withoutPieces(boxes: list[list[list[str]]]) -> Iterator[list[list[str]]]:
    """
    Remove what an implementation may choose: how it cuts a stream into pieces, and when it opens
    its window.
    """
    last: dict[str, str] | None = None
    for box in boxes:
        values = dict(box)
        if _WINDOW in values:
            continue
        isNext = last is not None and _DATA in last and _END not in last and {*values} <= {_DATA, _END, _STREAM}
        if isNext and last is not None and last.get(_STREAM) == values.get(_STREAM):
            last = {**last, **values, _DATA: last[_DATA] + values.get(_DATA, "")}
            continue
        if last is not None:
            yield sorted([key, value] for key, value in last.items())
        last = values
    if last is not None:
        yield sorted([key, value] for key, value in last.items())


def _judge(report: Report, request: Request, answer: dict[str, Any]) -> None:
    if "unsupported" in answer:
        report.unsupported.setdefault(request.vector, str(answer["unsupported"]))
        return
    do = request.line["do"]
    try:
        got = _inOrder({name: each for name, each in answer.items() if name != "id"}, do)
    except (TypeError, ValueError, KeyError, AttributeError, StopIteration) as error:
        report.failures.setdefault(request.vector, f"({request.how}) an answer of another form: {error!r}")
        return
    expected = [_inOrder(each, do) for each in request.expected]
    if not any(compare(each, got) for each in expected):
        report.failures.setdefault(
            request.vector,
            f"({request.how}) {do}: expected {json.dumps(expected[0])[:_SHOWN]}, got {json.dumps(got)[:_SHOWN]}",
        )


# The program.


def run(
    program: Sequence[str], vectors: Sequence[dict[str, Any]], timeout: float = 60, asTwisted: bool = False, **how: Any
) -> Report:
    """
    Ask C{program} about C{vectors}.

    @param timeout: after how many seconds to kill the program.
    @param asTwisted: expect Twisted's result where it differs.
    @param how: further arguments for C{subprocess.run}, such as the environment.
    """
    asked = requests(vectors, asTwisted)
    report = Report(vectors=len(vectors))
    lines = "".join(json.dumps(each.line) + "\n" for each in asked)
    try:
        ended = subprocess.run(program, input=lines.encode(), capture_output=True, timeout=timeout, check=False, **how)
    except subprocess.TimeoutExpired as error:
        output, trouble = error.output or b"", f"no answer within {timeout} seconds"
    except OSError as error:
        output, trouble = b"", f"cannot run {program[0]}: {error}"
    else:
        output, trouble = ended.stdout, ""
        if ended.returncode:
            trouble = f"ended with status {ended.returncode}: {ended.stderr.decode(errors='replace')[-_SHOWN:]}"
    _read(report, asked, output.splitlines(keepends=True), trouble)
    return report


def _read(report: Report, asked: list[Request], answers: list[bytes], trouble: str) -> None:
    """Judge the answers, up to the first invalid one."""
    for request, line in itertools.zip_longest(asked, answers):
        if request is None:
            report.trouble = trouble or f"a line too many: {line[:_SHOWN]!r}"
            return
        if line is None or not line.endswith(b"\n"):
            report.trouble = f"{trouble or 'no answer'}; the first that is not answered: {request.vector}"
            report.failures.setdefault(request.vector, f"({request.how}) no answer")
            return
        try:
            answer = json.loads(line)
            isAnswer = isinstance(answer, dict) and answer.get("id") == request.line["id"]
        except ValueError:
            isAnswer = False
        if not isAnswer:
            report.trouble = f"for an answer to {request.vector}: {line[:_SHOWN]!r}"
            report.failures.setdefault(request.vector, f"({request.how}) no answer to this request")
            return
        report.answers += 1
        _judge(report, request, answer)
    report.trouble = trouble


def main(words: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.vectors.runner", description=__doc__.split("\n\n")[0])
    parser.add_argument("--timeout", type=float, default=60, help="seconds that the program has (default: 60)")
    parser.add_argument("--only", metavar="NAME", help="only vectors whose names begin with NAME")
    parser.add_argument("--twisted", action="store_true", help="expect what Twisted does where it differs")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files of vectors are")
    parser.add_argument("--print", action="store_true", dest="isPrinted", help="print the requests, and run nothing")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="the implementation, with its arguments")
    options = parser.parse_args(words)
    vectors = [each for each in load(options.folder) if each["name"].startswith(options.only or "")]
    if options.isPrinted:
        for each in requests(vectors, options.twisted):
            print(json.dumps(each.line))
        return 0
    if not options.program:
        parser.error("name the program that is to be tested")
    report = run(options.program, vectors, options.timeout, options.twisted)
    print(*report.lines(), sep="\n")
    return 0 if report.isGood() else 1


if __name__ == "__main__":
    sys.exit(main())
