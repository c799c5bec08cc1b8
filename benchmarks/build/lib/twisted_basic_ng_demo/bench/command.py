"""
The command C{bench}: reads the options, measures, writes the results, and decides the exit status.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..options import Parser, numberOfRounds
from .cases import CASES, selected
from .chart import drawPeers, drawRatios, hasPeers
from .measure import Plan, measure
from .progress import progress
from .results import Document, duration, table
from .sides import OURS, STOCK, WorkError

__all__ = ["heading", "main", "write"]

#: The default directory for the files.
DIRECTORY: Final = Path("twisted-basic-ng-bench")

#: How often each side does each case by default.
ROUNDS: Final = 7

_BUILDS: Final = {"": [""], "pure": ["pure"], "ext": ["ext"], "both": ["pure", "ext"]}


@dataclass
class Options:
    """
    The options on the command line.

    @ivar words: the words that select the cases; empty for all.
    """

    words: list[str] = field(default_factory=list)
    rounds: int = ROUNDS
    build: str = ""
    peers: bool = False
    output: Path = DIRECTORY
    json: bool = False
    plain: bool = False
    list: bool = False


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="twisted-basic-ng bench",
        description="Do the same work on Twisted's modules and on ours, in one process and in turn; print the"
        " medians and the ratios, and write them with charts to a directory.",
        epilog="The ratio is the median of the rounds' own ratios.  The exit status is 1 if anything of the work was"
        " not done.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("words", nargs="*", metavar="WORD", help="only the cases with one of these words in their name; see --list")
    add("--list", action="store_true", help="name the cases, and do nothing else")
    add("--rounds", type=numberOfRounds, metavar="N", help=f"how often each side does each case (default: {ROUNDS})")
    add("--build", choices=["pure", "ext", "both"], help="on which build of ours (default: the one in use)")
    add("--peers", action="store_true", help="measure others, too: asyncio, uvloop, PB, gRPC, MessagePack-RPC")
    add("--output", type=Path, metavar="DIR", help=f"where to write the files (default: {DIRECTORY})")
    add("--json", action="store_true", help="print all figures as JSON rather than the table")
    add("--plain", action="store_true", help="no progress bar, as it is done anyway where there is no terminal")
    return parser


def main(argv: Sequence[str]) -> int:
    """
    Measure.

    @return: the exit status.
    """
    try:
        options = _parser().parse_args(argv, Options())
    except SystemExit as done:
        return int(done.code or 0)
    try:
        return _bench(options, shlex.join(["twisted-basic-ng", "bench", *argv]))
    except LookupError as error:
        return _complain(str(error.args[0]), 2)
    except BrokenPipeError:  # nobody reads the output any more
        raise
    except (OSError, WorkError) as error:
        return _complain(str(error), 1)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)


def _complain(message: str, status: int) -> int:
    print(f"twisted-basic-ng bench: {message}", file=sys.stderr)
    return status


def _bench(options: Options, command: str) -> int:
    if options.list:
        for case in CASES:
            print(f"{case.name:16} {case.title}")
        return 0
    plan = Plan(selected(options.words), _BUILDS[options.build], options.rounds, options.peers, command)
    # Before the work, so that it fails early.
    options.output.mkdir(parents=True, exist_ok=True)
    with progress(sys.stderr, plan.steps, options.plain) as show:
        document = measure(plan, show)
    said = f"{heading(document)}\n\n{table(document['cases'])}"
    files = write(document, options.output, said)  # first, in case nobody reads the output
    print(json.dumps(document, indent=1) if options.json else said)
    print(f"written: {', '.join(map(str, files))}", file=sys.stderr)
    return _status(document)


def heading(document: Document) -> str:
    """Say what was measured, and on which machine."""
    machine, versions = document["machine"], document["versions"]
    rounds = "one round" if document["rounds"] == 1 else f"{document['rounds']} rounds"
    return (
        f"twisted_basic_ng {document['version']}, Twisted {versions['twisted']}, {document['python']};"
        f" {machine['system']}, {machine['processor']}, {machine['cores']} cores;\n"
        f"{rounds} in {duration(document['seconds'])}; median of the ratios of each two that ran one after the other"
    )


def write(document: Document, directory: Path, said: str) -> list[Path]:
    """Write the files, and return their paths; without matplotlib, write no charts."""
    texts = {"bench.txt": said, "bench.json": f"{json.dumps(document, indent=1)}\n"}
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    files = [directory / name for name in texts]
    cases = document["cases"]
    try:
        files += drawRatios(cases, directory / "ratios")
        if any(map(hasPeers, cases)):
            files += drawPeers(cases, directory / "peers")
    except ModuleNotFoundError:
        print("(no matplotlib, no charts: pip install 'twisted_basic_ng[bench]')", file=sys.stderr)
    return files


def _status(document: Document) -> int:
    """Print each failure on standard error; return 1 if Twisted's side or ours failed, else 0."""
    status = 0
    for case in document["cases"]:
        for figures in case["builds"].values():
            for side, message in figures["failed"].items():
                print(f"{case['name']}, {side}: {message}", file=sys.stderr)
                if side in (STOCK, OURS):
                    status = 1
    return status
