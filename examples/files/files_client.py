"""
Copies files to and from a file server, with a progress bar.

C{python files_client.py put tcp:127.0.0.1:8751 FILE ...} uploads files, and C{get} downloads them
to the current directory.  A copy that was cut off is resumed.  After each file, both ends compare
its SHA-256.  The bar needs rich: C{pip install rich}.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from files_commands import Digest, FileEnd, FileError, Finish, Get, Look, Put, digestOf

from twisted.internet import task
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import clientFromString, connectProtocol
from twisted.internet.threads import deferToThread

from twisted_basic_ng.amp import StreamSender


async def put(protocol: Any, path: Path, progress: Callable[[int], object]) -> int:
    """
    Upload a file.

    @param progress: called with the number of bytes that the server has or that are on the way.
    @return: how many bytes were sent.
    """
    name = path.name
    start = (await protocol.callRemote(Look, name=name))["partial"]
    if start > path.stat().st_size:
        start = 0
    with path.open("rb") as file:
        file.seek(start)
        sender = StreamSender(file, lambda sent: progress(start + sent))
        sending = protocol.callRemote(Put, name=name, start=start, data=sender)
        # Compute the digest while the file is being sent.
        _, digest = await gatherResults([sending, deferToThread(digestOf, path)], consumeErrors=True)
    await protocol.callRemote(Finish, name=name, digest=digest)
    return sender.bytesSent


async def get(protocol: Any, path: Path, progress: Callable[[int], object]) -> int:
    """
    Download a file.

    @param progress: called with the number of bytes that have arrived.
    @return: how many bytes were received.
    """
    name, partial = path.name, path.with_name(path.name + ".part")
    start = partial.stat().st_size if partial.exists() else 0
    if start > (await protocol.callRemote(Look, name=name))["size"]:
        start = 0
    data = (await protocol.callRemote(Get, name=name, start=start))["data"]
    with partial.open("r+b" if start else "wb") as file:
        file.seek(start)
        async for piece in data:
            file.write(piece)
            progress(start + data.bytesRead)
        file.truncate()
    answer = await protocol.callRemote(Digest, name=name)
    if await deferToThread(digestOf, partial) != answer["digest"]:
        partial.unlink()
        raise FileError(f"{name!r} has arrived damaged")
    partial.replace(path)
    received: int = data.bytesRead
    return received


@contextmanager
def bar(name: str, size: int) -> Any:
    """Show a progress bar, and yield the function that updates it."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn()) as shown:
        number = shown.add_task(name, total=size)
        yield lambda done: shown.update(number, completed=done)


async def main(reactor: Any, direction: str, endpoint: str, *names: str) -> None:
    """Copy files, one after the other."""
    protocol: Any = await connectProtocol(clientFromString(reactor, endpoint), FileEnd())
    for name in names:
        path = Path(name)
        there = await protocol.callRemote(Look, name=path.name)
        size = path.stat().st_size if direction == "put" else there["size"]
        with bar(path.name, size) as progress:
            await {"put": put, "get": get}[direction](protocol, path, progress)
    protocol.transport.loseConnection()


if __name__ == "__main__":
    task.react(lambda reactor, *args: Deferred.fromCoroutine(main(reactor, *args)), sys.argv[1:])
