"""
Builds the sdist and the wheel, installs each into an empty environment, tests it there and
uninstalls it.

usage: python -m tools.check_package DIRECTORY      (to work in; it is emptied first)

It also builds the demo's package and tests it together with the wheel.

The installations: the wheel, the sdist with a compiler if there is one, the sdist with a compiler
that fails, and the sdist without a compiler.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .compiler import whyNone

_SMOKE = Path(__file__).with_name("smoke.py")

#: Exits with an error if the swap is not enabled in the environment.
_IS_OURS = "import sys; from twisted.protocols import basic; sys.exit(basic.__name__ != 'twisted_basic_ng.basic')"


def run(*command: object, directory: Path | None = None, **environment: str) -> None:
    """
    Run C{command} with this process's environment variables, without those of this project, plus
    C{environment}.
    """
    print("$", *command, flush=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TWISTED_BASIC_NG_")}
    # Compiling everything that pip installs takes longer than installing it, and most of it is
    # never imported.
    clean["PIP_COMPILE"] = "0"
    subprocess.run([str(each) for each in command], check=True, cwd=directory, env={**clean, **environment})


def binariesOf(home: Path) -> Path:
    """Create a virtual environment in C{home} and return the directory of its programs."""
    venv.create(home)  # without pip: the pip of this process serves all of them
    return home / ("Scripts" if os.name == "nt" else "bin")


def pip(binaries: Path, *words: object, **environment: str) -> None:
    """Run pip for the environment with C{binaries}."""
    run(sys.executable, "-m", "pip", "--python", binaries / "python", *words, **environment)


def attempt(home: Path, archive: Path, build: str, **environment: str) -> None:
    """
    Install C{archive} into a new environment in C{home} and test it there, outside the source tree.
    """
    binaries = binariesOf(home)
    pip(binaries, "install", "-q", archive, **environment)
    run(binaries / "python", _SMOKE, build, directory=home)
    run(binaries / "twisted-basic-ng", "status", directory=home)
    run(binaries / "twisted-basic-ng", "enable", directory=home)
    run(binaries / "python", "-c", _IS_OURS, directory=home)
    pip(binaries, "uninstall", "-q", "--yes", "twisted_basic_ng")
    left = sorted(map(str, home.rglob("twisted_basic_ng*")))
    if left:
        sys.exit(f"pip has left {', '.join(left)}")


def attemptDemo(home: Path, *archives: Path) -> None:
    """
    Install the demo and the library into a new environment in C{home}, and run one of the demo's
    jobs.
    """
    binaries = binariesOf(home)
    pip(binaries, "install", "-q", *archives)
    run(binaries / "twisted-basic-ng", "demo", "--job", "lines", "--rounds", "1", directory=home)
    run(binaries / "twisted-basic-ng", "bench", "--list", directory=home)


def main(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    dist = directory / "dist"
    missing = whyNone()
    required = "" if missing else "1"
    run(sys.executable, "-m", "build", "-q", "--outdir", dist, TWISTED_BASIC_NG_REQUIRE_EXTENSION=required)
    run(sys.executable, "-m", "build", "-q", "--outdir", directory / "demo", "benchmarks")
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    attempts: list[tuple[str, Path, str, dict[str, str]]] = [
        ("wheel", wheel, "pure" if missing else "ext", {}),
        ("sdist", sdist, "ext", {"TWISTED_BASIC_NG_REQUIRE_EXTENSION": "1"}),
        ("compiler-fails", sdist, "pure", {"CC": "false", "CXX": "false"}),
        ("no-compiler", sdist, "pure", {"CC": "cc-not-there", "CXX": "c++-not-there", "PATH": os.devnull}),
        ("pure", sdist, "pure", {"TWISTED_BASIC_NG_PURE": "1"}),
    ]
    if missing:
        del attempts[1]
        print(f"not tried: the sdist with a compiler ({missing})")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(attempt, directory / name, *what, **changes) for name, *what, changes in attempts]
        demo = sorted((directory / "demo").glob("*.whl"))
        running.append(pool.submit(attemptDemo, directory / "with-demo", wheel, *demo))
    for each in running:
        each.result()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
