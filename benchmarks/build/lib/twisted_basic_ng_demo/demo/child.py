"""
The program that runs one end of a job: C{python -m twisted_basic_ng_demo.demo.child ROLE JOB SIZE
PACKAGE}.

It is the same program with and without the swap; C{PACKAGE} says which of the two is intended, and
the program checks that.  A server prints its endpoint; a client reads one from its standard input.
Both print a report, a line of JSON, at the end.  They stop as soon as their standard input is
closed, so they do not outlive the process that started them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import twisted
from twisted.internet import stdio, task
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

import twisted_basic_ng
from twisted_basic_ng._places import homeOf

if TYPE_CHECKING:
    from .jobs import Job

__all__ = ["ParentLink", "main", "misplaced", "run"]

STOCK: Final = "twisted"


class ParentLink(Protocol):
    """
    The parent process, at the other end of standard input.

    @ivar line: fires with the line that the parent sends.
    @ivar gone: fires when the parent has closed its end or has exited.
    """

    def __init__(self) -> None:
        self.line: Deferred[str] = Deferred()
        self.gone: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Take the line, which arrives in one piece because it is short."""
        self.line.callback(data.decode("ascii").strip())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Report that the parent is gone."""
        self.gone.callback(None)


def modules(classes: Iterable[type]) -> dict[str, str]:
    """Return the defining module of each class, by the name of the class."""
    return {each.__name__: homeOf(each) for each in classes}


def misplaced(classes: Iterable[type], package: str) -> list[str]:
    """Say which of C{classes} were not defined in C{package}."""
    return [
        f"{name} comes from {module}, and not from {package}"
        for name, module in modules(classes).items()
        if module.partition(".")[0] != package
    ]


def run(
    reactor: Any, role: str, job: Job, size: int, link: ParentLink, tell: Callable[[str], object]
) -> Deferred[None]:
    """
    Run one end of C{job} until it is done or the parent is gone.

    @param role: C{"server"} or C{"client"}.
    @param tell: called with each line for the parent.
    @return: fires when the report has been passed to C{tell}.
    """
    working = ensureDeferred(_work(reactor, role, job, size, link, tell))
    link.gone.addCallback(lambda _: working.cancel())
    return working


async def _work(reactor: Any, role: str, job: Job, size: int, link: ParentLink, tell: Callable[[str], object]) -> None:
    from .ends import ask, serve
    from .transcript import Transcript

    if role == "server":
        record, seconds = await serve(reactor, job, size, tell)
    else:
        record, seconds = await ask(reactor, job, size, link.line)
    report = {
        "classes": modules(job.uses),
        "build": _build(),
        "twisted": twisted.__version__,
        "seconds": seconds,
        "transcript": asdict(Transcript.of(record)),
    }
    tell(json.dumps(report))


def _build() -> str | None:
    """The build of ours that this process uses; C{None} if it uses Twisted's modules."""
    accelerate = sys.modules.get("twisted_basic_ng._accelerate")
    return None if accelerate is None else str(accelerate.build)


def main(arguments: Sequence[str]) -> None:
    """
    Run the end that the command line names, and exit.

    @raise SystemExit: always; with a message if the classes are not the intended ones.
    """
    role, name, size, package = arguments
    if package == STOCK:
        # If the whole environment swaps, restore Twisted's own modules.
        twisted_basic_ng.uninstall()
    from .jobs import JOBS

    (job,) = (each for each in JOBS if each.name == name)
    wrong = misplaced(job.uses, package)
    if wrong:
        sys.exit("; ".join(wrong))

    def start(reactor: Any) -> Deferred[None]:
        link = ParentLink()
        stdio.StandardIO(link, reactor=reactor)
        return run(reactor, role, job, int(size), link, lambda line: print(line, flush=True))

    task.react(start)


if __name__ == "__main__":
    main(sys.argv[1:])
