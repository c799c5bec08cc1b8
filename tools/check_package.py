"""
Builds the sdist and the wheel, installs each into an empty environment and tries it there.

usage: python tools/check_package.py DIRECTORY      (to work in; it is emptied first)

Three installations: the wheel as built here, the sdist with a compiler, and the sdist where there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

_SMOKE = """
import twisted_basic_ng
from twisted.internet.testing import StringTransport
twisted_basic_ng.install()
from twisted.protocols import basic
assert basic.__name__ == "twisted_basic_ng.basic", basic
seen = []
class Lines(basic.LineReceiver):
    lineReceived = staticmethod(seen.append)
lines = Lines()
lines.makeConnection(StringTransport())
lines.dataReceived(b"a\\r\\nb\\r\\n")
assert seen == [b"a", b"b"], seen
print(twisted_basic_ng.status())
assert twisted_basic_ng.status().build == "{build}"
"""


def run(*command: object, **environment: str) -> None:
    print("$", *command, flush=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TWISTED_BASIC_NG_")}
    subprocess.run([str(each) for each in command], check=True, env={**clean, **environment})


def attempt(home: Path, archive: Path, build: str, **environment: str) -> None:
    """Install C{archive} into a new environment in C{home} and try it there, away from the sources."""
    venv.create(home, with_pip=True)
    binaries = home / ("Scripts" if os.name == "nt" else "bin")
    python = binaries / "python"
    run(python, "-m", "pip", "install", "-q", archive, **environment)
    subprocess.run([python, "-c", _SMOKE.replace("{build}", build)], check=True, cwd=home)
    run(binaries / "twisted-basic-ng", "status")


def main(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    dist = directory / "dist"
    run(sys.executable, "-m", "build", "-q", "--outdir", dist, TWISTED_BASIC_NG_REQUIRE_EXTENSION="1")
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    attempt(directory / "wheel", wheel, "ext")
    attempt(directory / "sdist", sdist, "ext", TWISTED_BASIC_NG_REQUIRE_EXTENSION="1")
    attempt(directory / "no-compiler", sdist, "pure", CC="/bin/false", CXX="/bin/false")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
