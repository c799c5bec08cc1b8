"""The commands of the file server."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from twisted_basic_ng import amp

__all__ = ["Digest", "FileError", "Finish", "Get", "Look", "Put", "digestOf"]


class FileError(Exception):
    """The file does not exist, has a name that is not allowed, or has arrived damaged."""


class FileCommand(amp.Command):
    """The base of the commands below."""

    errors = {FileError: b"FILE"}


class Look(FileCommand):
    """
    Ask for the size of a file, which is -1 if it does not exist, and for the size of an upload of
    it that was cut off.
    """

    arguments = [(b"name", amp.Unicode())]
    response = [(b"size", amp.Integer()), (b"partial", amp.Integer())]


class Get(FileCommand):
    """Download a file from an offset on."""

    arguments = [(b"name", amp.Unicode()), (b"start", amp.Integer())]
    response = [(b"data", amp.Stream())]


class Put(FileCommand):
    """Upload a file, or resume an upload at an offset."""

    arguments = [(b"name", amp.Unicode()), (b"start", amp.Integer()), (b"data", amp.Stream())]
    response = [(b"size", amp.Integer())]


class Finish(FileCommand):
    """Finish an upload: if its SHA-256 is this one, it replaces the old file."""

    arguments = [(b"name", amp.Unicode()), (b"digest", amp.String())]


class Digest(FileCommand):
    """Ask for the SHA-256 of a file."""

    arguments = [(b"name", amp.Unicode())]
    response = [(b"digest", amp.String())]


def digestOf(path: Path) -> bytes:
    """Compute the SHA-256 of a file.  Call it in a thread, since it takes time."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(2**18):
            digest.update(piece)
    return digest.digest()


class FileEnd(amp.AMP):
    """An end of a connection with streams enabled."""

    extended: Any = True
