"""
Whole programs, on Twisted's own modules and on ours, in turn.

usage: python benchmarks/programs/programs.py [--rounds N] [--short] [--json FILE] [WORD ...]

With words, only the programs that have one in their names.  Each server runs as a process of its own, as it is: once
directly and once under C{python -m twisted_basic_ng run} for each build, all at the same time, and each gets the same
work in turn.  C{rate} is how much work was done in a second, by the clock; C{processor} is what the server itself used
for a unit of it, which leaves out what the client and the machine's other work took.  C{wrk} asks for the web pages,
and Carbon's own client sends it its metrics; what is not installed is said to be absent.
"""

from __future__ import annotations

import argparse
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from measuring import LAUNCHERS, ROOT, builds, environmentOf, interpreter, row, save, show

SERVERS = ROOT / "benchmarks" / "programs" / "servers"


class Program(NamedTuple):
    """
    A server and the work it gets.

    @ivar server: its file, and its arguments.
    @ivar work: does the work through a port, and returns how many units that was, and in how many seconds.
    @ivar needs: what has to be installed, by its name: a command, or a package in lower case with a dot in front.
    """

    name: str
    unit: str
    server: tuple[object, ...]
    work: Callable[[int], tuple[int, float]]
    needs: tuple[str, ...] = (".twisted",)


def absent(needs: Sequence[str]) -> str:
    """Name what is not installed."""
    missing = [each for each in needs if not (find_spec(each[1:]) if each[0] == "." else shutil.which(each))]
    return ", ".join(each.lstrip(".") for each in missing)


def askForPages(seconds: int) -> Callable[[int], tuple[int, float]]:
    """Have C{wrk} ask for pages, on 20 connections."""

    def work(port: int) -> tuple[int, float]:
        command = ["wrk", "-t1", "-c20", f"-d{seconds}s", f"http://127.0.0.1:{port}/"]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        found = re.search(r"(\d+) requests in ([\d.]+)s", said)
        if found is None or "Non-2xx" in said or "Socket errors" in said:
            raise RuntimeError(said)
        return int(found[1]), float(found[2])

    return work


class Peer:
    """A client without any protocol, so that it costs little."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def say(self, data: bytes, answer: bytes) -> None:
        """Send something, and wait for an answer that begins as it should."""
        self.socket.sendall(data)
        said = self.socket.recv(65536)
        if not said.startswith(answer):
            raise RuntimeError(f"{data[:50]!r} was answered {said!r}")


def sendMails(count: int, size: int) -> Callable[[int], tuple[int, float]]:
    """Send mails over one connection, with a body of C{size} bytes in lines of 78."""
    body = b"Subject: measured\r\n\r\n" + (b"x" * 76 + b"\r\n") * (size // 78) + b".\r\n"

    def work(port: int) -> tuple[int, float]:
        peer = Peer(port)
        with peer.socket:
            peer.say(b"", b"220 ")
            peer.say(b"HELO localhost\r\n", b"250 ")
            begun = time.perf_counter()
            for _ in range(count):
                peer.say(b"MAIL FROM:<a@example.org>\r\n", b"250 ")
                peer.say(b"RCPT TO:<b@example.org>\r\n", b"250 ")
                peer.say(b"DATA\r\n", b"354 ")
                peer.say(body, b"250 ")
            return count, time.perf_counter() - begun

    return work


def sendLines(count: int, line: bytes, last: bytes) -> Callable[[int], tuple[int, float]]:
    """Send lines as fast as they are taken, and wait until the last one was."""
    stream = line * (count - 1) + last

    def work(port: int) -> tuple[int, float]:
        peer = Peer(port)
        with peer.socket:
            begun = time.perf_counter()
            peer.say(stream, b".")
            return count, time.perf_counter() - begun

    return work


def sendMetrics(count: int, batch: int) -> Callable[[int], tuple[int, float]]:
    """Have Carbon's client send metrics."""

    def work(port: int) -> tuple[int, float]:
        command = interpreter(SERVERS / "carbon_sender.py", port, count, batch)
        done = subprocess.run(command, env=environmentOf("pure"), stdout=subprocess.PIPE, text=True, check=True)
        return count, float(done.stdout.split()[-1])

    return work


SYSLOG = b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8"
IRC = b":nick!user@host.example.org PRIVMSG #channel :"


def programs(short: bool) -> list[Program]:
    """Say what to measure."""
    less = 50 if short else 1
    lines, metrics = 100_000 // less, 100_000 // less
    carbon = (".carbon", ".twisted")
    syslog = sendLines(lines, SYSLOG + b"\n", SYSLOG + b" END\n")
    irc = sendLines(lines, IRC + b"something that somebody says\r\n", IRC + b"END\r\n")
    return [
        Program("twisted.web, a small page", "request", ("web.py",), askForPages(1 if short else 4), ("wrk",)),
        Program("SMTP, 1,000 mails of 2 KiB", "mail", ("mail.py",), sendMails(1000 // less, 2048)),
        Program("SMTP, 1,000 mails of 20 KiB", "mail", ("mail.py",), sendMails(1000 // less, 20480)),
        Program("syslog on LineReceiver, 100,000 lines", "line", ("lines.py", "syslog"), syslog),
        Program("syslog on LineOnlyReceiver, 100,000 lines", "line", ("lines.py", "syslog-only"), syslog),
        Program("IRC client, 100,000 lines", "line", ("lines.py", "irc"), irc),
        Program(
            "Carbon, 100,000 metrics, 500 in a pickle",
            "metric",
            ("carbon_receiver.py", metrics),
            sendMetrics(metrics, 500),
            carbon,
        ),
        Program(
            "Carbon, 100,000 metrics, 10 in a pickle",
            "metric",
            ("carbon_receiver.py", metrics),
            sendMetrics(metrics, 10),
            carbon,
        ),
    ]


class Server(NamedTuple):
    """A server that runs."""

    port: int
    process: int

    def processorSeconds(self) -> float:
        """What it used so far; not a number where the system does not tell it of others."""
        try:
            return int(Path(f"/proc/{self.process}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
        except OSError:
            return float("nan")


@contextmanager
def serving(launcher: Sequence[str], program: Program, build: str) -> Iterator[Server]:
    """Run a server until the block is left."""
    file, *arguments = program.server
    command = interpreter(*launcher, SERVERS / str(file), *arguments)
    with subprocess.Popen(command, env=environmentOf(build), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            if not said.startswith("serving "):
                raise RuntimeError(f"{file} does not serve: {said}")
            yield Server(int(said.split()[1]), process.pid)
            process.terminate()
            process.wait(60)
        finally:
            process.kill()


def measured(server: Server, program: Program) -> tuple[float, float]:
    """Do the work once; return the units in a second, and the microseconds that the server used for each."""
    before = server.processorSeconds()
    amount, seconds = program.work(server.port)
    return amount / seconds, (server.processorSeconds() - before) / amount * 1e6


def compare(program: Program, rounds: int) -> Iterator[dict[str, Any]]:
    """Measure one program."""
    with ExitStack() as stack:
        servers = {"stock": stack.enter_context(serving(LAUNCHERS["stock"], program, "pure"))}
        for build in builds():
            servers[build] = stack.enter_context(serving(LAUNCHERS["ours"], program, build))
        turns: list[dict[str, tuple[float, float]]] = [{}]
        for _ in range(rounds + 1):
            order = list(servers) if len(turns) % 2 else reversed(servers)  # nobody always comes first
            turns.append({name: measured(servers[name], program) for name in order})
    del turns[:2]  # the first one warms up
    units = {"rate": f"{program.unit}s a second, more is better", "processor": f"µs a {program.unit}, less is better"}
    for place, (measure, unit) in enumerate(units.items()):
        for build in builds():
            pairs = [(turn["stock"][place], turn[build][place]) for turn in turns]
            if all(each == each for pair in pairs for each in pair):
                yield row(program.name, measure, unit, pairs, build=build)


def main(arguments: Sequence[str]) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--short", action="store_true", help="a fiftieth of the work: does it run at all?")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    for program in programs(options.short):
        if options.words and not any(word in program.name for word in options.words):
            continue
        if missing := absent(program.needs):
            found = [{"case": program.name, "measure": "rate", "absent": f"absent: {missing} is not installed"}]
        else:
            found = list(compare(program, options.rounds))
        rows += found
        show(found, "" if len(rows) > len(found) else f"whole programs, median of {options.rounds} rounds")
    save(options.json, "programs", rows)


if __name__ == "__main__":
    main(sys.argv[1:])
