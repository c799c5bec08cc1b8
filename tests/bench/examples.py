"""Cases and figures for the tests of the benchmarks."""

from __future__ import annotations

from collections.abc import Callable

from twisted_basic_ng_demo.bench.results import CaseFigures, Document, Times, figuresOf
from twisted_basic_ng_demo.bench.sides import OURS, STOCK, Case, Run, Side, WorkError, peerInMemory

__all__ = ["CASE", "case", "document", "figures"]


def fails() -> float:
    """Fail to do the work."""
    raise WorkError("of no mind")


def ready(seconds: float) -> Callable[[], Run]:
    """Prepare work that claims to take C{seconds}."""
    return lambda: lambda: seconds


def unready() -> Run:
    """Fail to prepare the work."""
    raise WorkError("not ready")


def case(name: str, *peers: Side) -> Case:
    """Return a case in which ours takes half as long as Twisted's."""
    own = [peerInMemory(STOCK, ready(1.0)), peerInMemory(OURS, ready(0.5))]
    return Case(name, f"Receiver, {name}", "lines", "lines", 100, [*own, *peers])


#: A case with all kinds of peers.
CASE = case(
    "full",
    peerInMemory("quick", ready(0.25)),
    Side("nowhere", peerInMemory("nowhere", unready).opened, ("no_such_package_anywhere",)),
    peerInMemory("fails", lambda: fails),
    peerInMemory("unready", unready),
)


def figures(case: Case, seconds: dict[str, list[float]], *builds: str) -> CaseFigures:
    """Return the figures of a case in which the sides took this long on each build."""
    times = {build: Times([side for side in case.sides if side.name in seconds or side.missing]) for build in builds}
    for each in times.values():
        for row in zip(*seconds.values(), strict=True):
            each.add({"seconds": dict(zip(seconds, row, strict=True)), "failed": {}})
    return figuresOf(case, times)


def document(*cases: CaseFigures) -> Document:
    """Return a document with C{cases}."""
    return {
        "format": 1,
        "package": "twisted_basic_ng",
        "version": "1.2.3",
        "command": "twisted-basic-ng bench",
        "date": "2024-02-29T12:00:00+00:00",
        "seconds": 83.2,
        "rounds": 3,
        "python": "CPython 3.12.1",
        "versions": {"twisted": "24.3.0"},
        "machine": {"system": "Linux", "processor": "A Processor", "cores": 2},
        "cases": list(cases),
    }
