"""
Compares FTP transfers over loopback: Twisted's server with its own data connections, with ours, and
pyftpdlib.

C{python benchmarks/ftp.py [MIB] [ROUNDS]} downloads and uploads a file, 256 MiB by default, from
each server in turn, in binary mode.  It prints the median rate of each, and the median ratio to
stock Twisted.  Then it uploads to a consumer that pauses after each piece, downloads to a reader
that starts late, and prints the peak memory of each server.  pyftpdlib is left out if it is not
installed.
"""

from __future__ import annotations

import ftplib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

ROOT = Path(__file__).resolve().parent.parent
SERVER = str(ROOT / "tests" / "live" / "ftp_server.py")
MIB = 2**20

PYFTPDLIB = """
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
users = DummyAuthorizer()
users.add_user("user", "secret", sys.argv[1] + "/user", perm="elradfmwMT")
FTPHandler.authorizer = users
server = FTPServer(("127.0.0.1", 0), FTPHandler)
print("serving", server.address[1], flush=True)
server.serve_forever()
"""

SERVERS = {
    "stock": [SERVER],
    "ours": ["-m", "twisted_basic_ng", "run", SERVER],
    **({"pyftpdlib": ["-c", PYFTPDLIB]} if find_spec("pyftpdlib") else {}),
}


class Zeros(io.RawIOBase):
    """A file of zeros that takes no space on disk."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.piece = bytes(65536)

    def read(self, size: int = -1) -> bytes:
        """Return the next piece."""
        count = min(len(self.piece), self.left)
        self.left -= count
        return self.piece[:count]


@contextmanager
def serving(command: list[str], *arguments: str) -> Iterator[tuple[int, list[str]]]:
    """
    Start a server.  Yield its port, and a list that receives the words that it prints when it ends.
    """
    said: list[str] = []
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, *command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline().split()[1]), said
        process.terminate()
        said += process.communicate(timeout=60)[0].split()
    finally:
        process.kill()


def login(port: int) -> ftplib.FTP:
    """Log in."""
    client = ftplib.FTP(timeout=600)
    client.connect("127.0.0.1", port)
    client.login("user", "secret")
    return client


def download(port: int, _: int) -> None:
    """Download a file."""
    with login(port) as client:
        client.retrbinary("RETR big", len, blocksize=MIB)


def upload(port: int, size: int) -> None:
    """Upload a file."""
    with login(port) as client:
        client.storbinary("STOR sent", Zeros(size), blocksize=65536)


def slowDownload(port: int) -> None:
    """Download a file, but start to read only after a second."""
    with login(port) as client:
        client.voidcmd("TYPE I")
        with client.transfercmd("RETR big") as data:
            sleep(1)
            while data.recv(MIB):
                pass
        client.voidresp()


def timed(work: Callable[[int, int], None], port: int, size: int) -> float:
    """Do C{work}, and return its rate in MiB per second."""
    began = perf_counter()
    work(port, size)
    return size / MIB / (perf_counter() - began)


def main(mib: str = "256", rounds: str = "5") -> None:
    """Measure all servers and print the results."""
    size = int(mib) * MIB
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        (Path(directory) / "user").mkdir()
        with (Path(directory) / "user" / "big").open("wb") as file:
            file.truncate(size)
        ports = {name: stack.enter_context(serving(each, directory))[0] for name, each in SERVERS.items()}
        for work in (download, upload):
            rates: dict[str, list[float]] = {name: [] for name in ports}
            for _ in range(int(rounds)):
                for name, port in ports.items():
                    rates[name].append(timed(work, port, size))
            for name, found in rates.items():
                ratio = median(one / other for one, other in zip(found, rates["stock"], strict=True))
                print(f"{work.__name__:9} {name:10} {median(found):7,.0f} MiB/s  {ratio:5.2f} of stock")
        for name in ("stock", "ours"):
            with serving(SERVERS[name], directory, "slow") as (port, said):
                upload(port, size)
                slowDownload(port)
            print(f"memory    {name:10} {int(said[1]) / 1024:7,.0f} MiB at the most, slow consumer and slow reader")


if __name__ == "__main__":
    main(*sys.argv[1:])
