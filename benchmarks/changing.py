"""
Compares Twisted's receivers with ours for applications that change something at each message.

usage: python benchmarks/changing.py [--only CASE] [--size BYTES] [--quick]

Both sides run alternately in one process, on the build in use; TWISTED_BASIC_NG_PURE=1 selects the
pure build.  The times are microseconds of processor time per message, the best of some rounds.  The
messages arrive in chunks of 64 KiB, or in one chunk if the receiver cannot be paused.  In the
second measurement they arrive while the receiver is paused, and are delivered when it resumes.
C{KiB} is how much is buffered then: less than 2 MiB, since Twisted's receivers copy all remaining
bytes at each message.  C{twice} is how much longer ours takes for twice as many bytes, up to 2 MiB;
2 is linear.  It is not measured if the application asks for a copy of all remaining bytes at each
message.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from time import process_time

from twisted_basic_ng._accelerate import build
from twisted_basic_ng_demo.bench.applications import CHANGES, Change
from twisted_basic_ng_demo.bench.changing import Load, changing, inChunks, kept
from twisted_basic_ng_demo.bench.sides import OURS, PACKAGES, STOCK, WorkError, whySwapped

KIB = 1 << 10
SIZES = [0, 5, 20, 250]

#: The longest time that ours may take relative to Twisted's, on each build, and relative to itself
#: for twice as many bytes.
GOALS, TWICE = {"pure": 1.15, "ext": 1.0}, 2.3

#: How many rounds to measure each side.  The rounds end early after this many seconds.
ROUNDS, LONG = 5, 0.25

#: The smallest and the largest number of bytes buffered to test whether the time is linear, and the
#: number of seconds after which to stop.
LEAST, MOST, ENOUGH = 4 * KIB, 2048 * KIB, 0.15


def ready(change: Change, load: Load, side: str) -> Callable[[], float]:
    """Set a side up for its work."""
    run = changing(change, load, process_time)(import_module(f"{PACKAGES[side]}.{change.module}"))

    def collected() -> float:
        gc.collect()
        return run()

    return collected


def compete(change: Change, load: Load, rounds: int) -> dict[str, float]:
    """Measure both sides in turn.  Return the best time of each, in microseconds per message."""
    runs = {side: ready(change, load, side) for side in (STOCK, OURS)}
    times: dict[str, list[float]] = {side: [] for side in runs}
    for number in range(rounds):
        for side in list(runs)[:: 1 if number % 2 else -1]:
            times[side].append(runs[side]())
        if sum(map(sum, times.values())) > LONG:
            break
    return {side: min(each) / load.count * 1e6 for side, each in times.items()}


def doubled(change: Change, size: int, most: int, rounds: int) -> float | None:
    """
    Measure how much longer ours takes for twice as many bytes.  Return C{None} if each message asks
    for a copy of all remaining bytes.
    """
    if change.copies:
        return None
    amount, before, factor = LEAST, 0.0, None
    while amount <= most and before < ENOUGH:
        run = ready(change, kept(change, size, amount), OURS)
        seconds = min(run() for _ in range(1 if before > ENOUGH / 4 else rounds))
        factor = seconds / before if before else None
        amount, before = 2 * amount, seconds
    return factor


def figures(change: Change, size: int, quick: bool) -> Iterator[str]:
    """Measure a case at a size.  Yield the cells of its row as soon as each is known."""
    rounds = 1 if quick else ROUNDS
    loads = inChunks(change, size), kept(change, size)
    for load in loads:
        found = compete(change, load, rounds)
        ratio = found[OURS] / found[STOCK]
        yield f"{found[STOCK]:8.2f} {found[OURS]:8.2f} {ratio:6.2f}{'!' if ratio > GOALS[build] else ' '}"
    yield f"{len(loads[1].frame) * loads[1].times // KIB:4}"
    factor = doubled(change, size, MOST // 8 if quick else MOST, min(rounds, 2))
    yield "    -" if factor is None else f"{factor:5.2f}{'!' if factor > TWICE else ''}"


def show(change: Change, size: int, quick: bool) -> bool:
    """Measure a case at a size, and print its row.  Return whether all of the work was done."""
    print(f"{change.name:16} {size:4}", end="", flush=True)
    try:
        for cells in figures(change, size, quick):
            print(f"  {cells}", end="", flush=True)
    except WorkError as error:
        print(f"  failed: {error}", flush=True)
        return False
    print(flush=True)
    return True


def head() -> str:
    """Return the header of the table."""
    each = f"  {'stock':>8} {'ours':>8} {'ratio':>6} "
    return (
        f"{build} build; goals: ours/stock at most {GOALS[build]:g}, twice at most {TWICE:g}; ! marks what misses one\n"
        f"{'us a message':21}  {'in chunks of 64 KiB':^25}  {'kept while paused':^25}\n"
        f"{'case':16} size{each}{each}   KiB  twice"
    )


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="CASE", help="measure the cases with this in their name")
    parser.add_argument("--size", action="append", type=int, metavar="BYTES", help=f"of a message; else {SIZES}")
    parser.add_argument("--quick", action="store_true", help="one round, and at most 256 KiB for the growth")
    options = parser.parse_args()
    refused = whySwapped()
    if refused:
        sys.exit(refused)
    chosen = [each for each in CHANGES if any(word in each.name for word in options.only or [""])]
    if not chosen:
        parser.error(f"the cases are {', '.join(each.name for each in CHANGES)}")
    print(head())
    done = [show(change, size, options.quick) for change in chosen for size in options.size or SIZES]
    return 0 if all(done) else 1


if __name__ == "__main__":
    raise SystemExit(main())
