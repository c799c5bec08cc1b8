"""
A file server that speaks AMP, with streams.

Start it with an endpoint and a directory: C{python files_server.py tcp:8751:interface=127.0.0.1
/srv/files}.  C{files_client.py} copies files to and from it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO

from files_commands import Digest, FileEnd, FileError, Finish, Get, Look, Put, digestOf

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread

from twisted_basic_ng.amp import StreamReader, StreamSender


class FileServer(FileEnd):
    """The server's end of a connection."""

    directory: Path

    def path(self, name: str, suffix: str = "") -> Path:
        """Return the path of a file.  The name must not refer to another directory."""
        if not name or name.startswith(".") or "/" in name or "\\" in name or "\0" in name:
            raise FileError(f"the name {name!r} is not allowed")
        return self.directory / f"{name}{suffix}"

    def existing(self, name: str) -> Path:
        """Return the path of an existing file."""
        path = self.path(name)
        if not path.is_file():
            raise FileError(f"there is no file {name!r}")
        return path

    @Look.responder
    def look(self, name: str) -> dict[str, int]:
        """Respond with the sizes."""
        path, partial = self.path(name), self.path(name, ".part")
        return {
            "size": path.stat().st_size if path.is_file() else -1,
            "partial": partial.stat().st_size if partial.is_file() else 0,
        }

    @Get.responder
    def get(self, name: str, start: int) -> dict[str, StreamSender]:
        """Respond with an open file, which is closed when its stream has ended in any way."""
        file = self.existing(name).open("rb")
        file.seek(start)
        sender = StreamSender(file)
        sender.whenFinished().addBoth(lambda _: file.close())
        return {"data": sender}

    @Put.responder
    async def put(self, name: str, start: int, data: StreamReader) -> dict[str, int]:
        """
        Write the bytes as they arrive.  If the connection is cut, those that have arrived are kept.
        """
        partial = self.path(name, ".part")
        with partial.open("r+b" if start else "wb") as file:
            if file.seek(0, 2) < start:
                raise FileError(f"of {name!r} there are fewer than {start} bytes")
            file.seek(start)
            file.truncate()
            return {"size": start + await self.write(data, file)}

    async def write(self, data: StreamReader, file: BinaryIO) -> int:
        """Write a stream to a file, and return its size."""
        async for piece in data:
            file.write(piece)
        return data.bytesRead

    @Finish.responder
    async def finish(self, name: str, digest: bytes) -> dict[str, Any]:
        """Compare the digests, and replace the old file with the upload."""
        partial = self.path(name, ".part")
        if not partial.is_file():
            raise FileError(f"there is no upload of {name!r}")
        if await deferToThread(digestOf, partial) != digest:
            partial.unlink()
            raise FileError(f"{name!r} has arrived damaged")
        partial.replace(self.path(name))
        return {}

    @Digest.responder
    async def digest(self, name: str) -> dict[str, bytes]:
        """Respond with the digest."""
        return {"digest": await deferToThread(digestOf, self.existing(name))}


async def main(reactor: Any, endpoint: str, directory: str) -> None:
    """Serve until the process is stopped."""
    FileServer.directory = Path(directory)
    port = await serverFromString(reactor, endpoint).listen(Factory.forProtocol(FileServer))
    print(f"listening on {port.getHost()}", flush=True)
    await Deferred()


if __name__ == "__main__":
    task.react(lambda reactor, *args: Deferred.fromCoroutine(main(reactor, *args)), sys.argv[1:])
