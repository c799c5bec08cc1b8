"""
The demo's FTP server and client: Twisted's own, with the data connections of either implementation.

Each takes the size of its job and a list.  The server appends the name of each requested file, the
client appends the file.
"""

# mypy: allow-untyped-calls
# (Twisted's FTP has no annotations.)

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess
from twisted.cred.portal import Portal
from twisted.internet.protocol import Protocol
from twisted.protocols.ftp import FTP, FTPAnonymousShell, FTPClient, FTPFactory, FTPRealm
from twisted.python import log
from twisted.python.filepath import FilePath

from .protocols import payload

__all__ = ["DownloadClient", "DownloadServer"]

_NAME = "file"


class _NotingShell(FTPAnonymousShell):
    """A shell that records the name of each file that is read."""

    def __init__(self, root: Any, delivered: list[bytes]) -> None:
        super().__init__(root)
        self.delivered = delivered

    def openForReading(self, path: list[str]) -> Any:
        """Record the name, and open the file."""
        self.delivered.append("/".join(path).encode())
        return super().openForReading(path)


class _Realm(FTPRealm):
    """A realm that gives each user the same kind of shell."""

    def __init__(self, root: str, delivered: list[bytes]) -> None:
        super().__init__(root)
        self.delivered = delivered

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """Return the shell."""
        interface, _, logout = super().requestAvatar(avatarId, mind, *interfaces)
        return interface, _NotingShell(self.anonymousRoot, self.delivered), logout


class DownloadServer(FTP):
    """An FTP server with one file, for one control connection."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.directory = TemporaryDirectory()
        FilePath(self.directory.name).child(_NAME).setContent(payload(size))
        portal: Any = Portal(_Realm(self.directory.name, delivered), [AllowAnonymousAccess()])
        self.portal = portal
        self.factory = FTPFactory(portal)
        self.timeOut = self.factory.timeOut = None

    def connectionLost(self, reason: Any = None) -> None:
        """Remove the file."""
        super().connectionLost(reason)
        self.directory.cleanup()


class _File(Protocol):
    """Collects the data of a file."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        """Keep a chunk."""
        self.chunks.append(data)


class DownloadClient(FTPClient):
    """Logs in, downloads the file, and quits."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        super().__init__()
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Download the file, then quit."""
        super().connectionMade()
        file = _File()
        asking = self.retrieveFile(_NAME, file)
        asking.addCallback(lambda _: self.delivered.append(b"".join(file.chunks)))
        asking.addErrback(log.err, "the file was not downloaded")
        asking.addBoth(lambda _: self.quit())
