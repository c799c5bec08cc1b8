"""
What a connection costs in memory, and a module in time to import, beside Twisted's.

usage: python benchmarks/programs/memory.py [--only memory|imports] [--connections N] [--rounds N] [--json FILE]
           [WORD ...]

With words, only the figures that have one in their names: C{AMP}, or C{never used}, or C{cold}.

Memory: C{tracemalloc} counts what 10,000 protocols keep, in a fresh process for each figure: idle as they were made,
idle after a message, after one that came in two pieces, and after 100 that came at once.  All have one transport, which
costs nothing.

Import time: fresh processes in turn, with the bytecode written before.  C{cold} is all that an C{import} does in a
process that has imported nothing; C{added} is what it adds where the modules of Twisted that both need are there;
C{beside a reactor}, in a program that has chosen one, and so has Twisted's TCP and TLS already.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import tracemalloc
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from measuring import builds, compiledOnce, environmentOf, interpreter, row, save, show

PACKAGES = {"stock": "twisted.protocols", "ours": "twisted_basic_ng"}

#: What each receiver is sent as one message.
MESSAGES = {
    "LineReceiver": b"x" * 20 + b"\r\n",
    "LineOnlyReceiver": b"x" * 20 + b"\r\n",
    "NetstringReceiver": b"20:" + b"x" * 20 + b",",
    "Int32StringReceiver": b"\0\0\0\x14" + b"x" * 20,
    "AMP": b"\0\x04_ask\0\x011\0\x08_command\0\x04Ping\0\x04text\0\x14" + b"x" * 20 + b"\0\0",
}
STATES = {
    "idle": "never used",
    "used": "after a message",
    "cut": "after one in two pieces",
    "burst": "after 100 at once",
}

#: Programs that are timed from their second line on.
IMPORTS = {
    "import basic": "import {package}.basic",
    "LineReceiver from basic": "from {package}.basic import LineReceiver",
    "all of basic": "from {package}.basic import *",
    "import amp": "import {package}.amp",
    "AMP and Command from amp": "from {package}.amp import AMP, Command",
    "all of amp": "from {package}.amp import *",
}
BEFORE = {
    "cold": "pass",
    "added": (
        "import datetime, decimal, math, re, twisted.internet.defer, twisted.internet.protocol, twisted.internet.main, "
        "twisted.python.log, twisted.python.filepath"
    ),
    "beside a reactor": "import twisted.internet.reactor",
}
TIMED = (
    "{before}\nfrom time import perf_counter\nbegun = perf_counter()\n{work}\nprint((perf_counter() - begun) * 1000)\n"
)


class Transport:
    """One for all connections: it forgets what it is given."""

    TLS = False
    disconnecting = False

    def write(self, data: bytes) -> None:
        """Nothing."""

    def getPeer(self) -> None:
        """Nobody."""

    loseConnection = abortConnection = getHost = getPeer


def protocolClass(package: str, name: str) -> Any:
    """Make the class to measure, as small as an application's can be."""
    if name != "AMP":

        class Receiver(getattr(import_module(package + ".basic"), name)):  # type: ignore[misc]
            def lineReceived(self, line: bytes) -> None:
                """Nothing."""

            stringReceived = lineReceived

        return Receiver
    amp = import_module(package + ".amp")

    class Ping(amp.Command):  # type: ignore[misc]
        arguments = [(b"text", amp.String())]

    class Peer(amp.AMP):  # type: ignore[misc]
        @Ping.responder
        def ping(self, text: bytes) -> dict[str, Any]:
            return {}

    return Peer


def bytesEach(package: str, name: str, state: str, count: int) -> float:
    """Make protocols, and count the bytes that each of them keeps."""
    make = protocolClass(package, name)
    transport = Transport()
    message = MESSAGES[name]
    pieces = {"idle": [], "used": [message], "cut": [message[:7], message[7:]], "burst": [message * 100]}[state]

    def one() -> Any:
        protocol = make()
        protocol.makeConnection(transport)
        for piece in pieces:
            protocol.dataReceived(piece)
        return protocol

    for _ in range(1000):  # what is made once, whatever the number of connections, and what is logged first
        one()
    kept: list[Any] = [None] * count
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for place in range(count):
        kept[place] = one()
    gc.collect()
    return (tracemalloc.get_traced_memory()[0] - before) / count


def output(environment: dict[str, str], *words: object) -> float:
    """Run this Python, and read the number that it prints."""
    done = subprocess.run(interpreter(*words), env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def wanted(name: str, words: Sequence[str]) -> bool:
    """Does the name have one of the words, if there are any?"""
    return not words or any(word in name for word in words)


def memory(connections: int, words: Sequence[str]) -> list[dict[str, Any]]:
    """Measure what a connection costs."""

    def child(package: str, name: str, state: str, build: str) -> float:
        count = connections // 10 if state == "burst" else connections  # so many messages take their time
        words = (__file__, "--child", package, name, state, count)
        return output(environmentOf(build), *words)

    build = builds()[0]  # no object that is kept is the extension's
    rows = []
    for name in MESSAGES:
        for state, described in STATES.items():
            if not wanted(f"{name}, {described}", words):
                continue
            pair = (child(PACKAGES["stock"], name, state, "pure"), child(PACKAGES["ours"], name, state, build))
            rows.append(row(name, described, "bytes", [pair], build=build, part="memory"))
    return rows


def importTimes(rounds: int, words: Sequence[str]) -> list[dict[str, Any]]:
    """Measure what imports take."""
    rows = []
    with compiledOnce() as environment:
        for kind, before in BEFORE.items():
            for name, work in IMPORTS.items():
                if not wanted(f"{name}, {kind}", words):
                    continue
                found: dict[str, list[tuple[float, float]]] = {build: [] for build in builds()}
                for turn in range(rounds + 1):
                    for build, pairs in found.items():
                        programs = (
                            TIMED.format(before=before, work=work.format(package=package))
                            for package in PACKAGES.values()
                        )
                        told = {**environment, "TWISTED_BASIC_NG_PURE": str(int(build == "pure"))}
                        theirs, own = (output(told, "-c", program) for program in programs)
                        if turn:  # the first one writes the bytecode
                            pairs.append((theirs, own))
                rows += [row(name, kind, "ms", pairs, build=build, part="imports") for build, pairs in found.items()]
    return rows


def main(arguments: Sequence[str]) -> None:
    """Measure, and print."""
    if arguments[:1] == ["--child"]:
        package, name, state, count = arguments[1:]
        print(bytesEach(package, name, state, int(count)))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--only", choices=["memory", "imports"])
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args(arguments)
    rows = []
    if options.only != "imports":
        rows += memory(options.connections, options.words)
        show(rows, "bytes for each connection")
    if options.only != "memory":
        times = importTimes(options.rounds, options.words)
        show(times, f"import time, median of {options.rounds} pairs")
        rows += times
    save(options.json, "memory", rows)


if __name__ == "__main__":
    main(sys.argv[1:])
