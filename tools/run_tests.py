"""
Runs the tests on one build or on both, and keeps their results for the summary.

usage: python tools/run_tests.py --results DIRECTORY --build {pure,ext,both} [--coverage] [PYTEST-ARGUMENT ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--build", choices=["pure", "ext", "both"], required=True)
    parser.add_argument("--coverage", action="store_true")
    options, rest = parser.parse_known_args()
    status = 0
    for build in ("ext", "pure") if options.build == "both" else (options.build,):
        environment = dict(os.environ, TWISTED_BASIC_NG_PURE="1" if build == "pure" else "")
        environment["TWISTED_BASIC_NG_REQUIRE_EXTENSION"] = "1" if build == "ext" else ""
        tool = ["coverage", "run", "-m", "pytest", "-p", "no:xdist"] if options.coverage else ["pytest", "-n", "2"]
        command = [sys.executable, "-m", *tool, f"--junitxml={options.results / build}.xml", "-q", *rest]
        print(f"{build} build:", flush=True)
        status = subprocess.run(command, env=environment, check=False).returncode or status
    return status


if __name__ == "__main__":
    sys.exit(main())
