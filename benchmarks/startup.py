"""
Measures how much longer a program takes to start under C{run}.

usage: python benchmarks/startup.py [PAIRS]

It starts a program that does nothing, and one that imports Twisted's receivers, each directly and
under the launcher in turn.  It prints the medians of the times and of the differences, in
milliseconds.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAMS = {
    "nothing": "pass\n",
    "the receivers": "from twisted.protocols.basic import LineReceiver\n",
}


def seconds(*words: object) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *map(str, words)], check=True)
    return time.perf_counter() - begun


def main(pairs: int) -> None:
    print(f"{'a program that imports':24} {'direct':>8} {'run':>8} {'more':>8}   (median of {pairs} pairs, ms)")
    with tempfile.TemporaryDirectory() as directory:
        for name, code in PROGRAMS.items():
            program = Path(directory, "program.py")
            program.write_text(code)
            seconds(program)
            times = [(seconds(program), seconds("-m", "twisted_basic_ng", "run", program)) for _ in range(pairs)]
            direct, under = (statistics.median(each) * 1000 for each in zip(*times, strict=True))
            more = statistics.median(one - other for other, one in times) * 1000
            print(f"{name:24} {direct:8.1f} {under:8.1f} {more:8.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
