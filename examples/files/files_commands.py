"""What the two ends of the file server say to each other."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from twisted_basic_ng import amp

__all__ = ["Digest", "FileError", "Finish", "Get", "Look", "Put", "digestOf"]


class FileError(Exception):
    """A file is not there, has a name that is not allowed, or has arrived damaged."""


class FileCommand(amp.Command):
    """The base of the commands below."""

    errors = {FileError: b"FILE"}


class Look(FileCommand):
    """
    Ask for a file's size, -1 if there is none, and for how much of it an upload has left that was
    cut off.
    """

    arguments = [(b"name", amp.Unicode())]
    response = [(b"size", amp.Integer()), (b"partial", amp.Integer())]


class Get(FileCommand):
    """Download a file from an offset on."""

    arguments = [(b"name", amp.Unicode()), (b"start", amp.Integer())]
    response = [(b"data", amp.Stream())]


class Put(FileCommand):
    """Upload a file, or go on with an upload at the offset where it was cut off."""

    arguments = [(b"name", amp.Unicode()), (b"start", amp.Integer()), (b"data", amp.Stream())]
    response = [(b"size", amp.Integer())]


class Finish(FileCommand):
    """Say what the SHA-256 of an uploaded file has to be, so that it takes the place of the old one."""

    arguments = [(b"name", amp.Unicode()), (b"digest", amp.String())]


class Digest(FileCommand):
    """Ask for the SHA-256 of a file."""

    arguments = [(b"name", amp.Unicode())]
    response = [(b"digest", amp.String())]


def digestOf(path: Path) -> bytes:
    """Compute the SHA-256 of a file; in a thread, since that takes its time."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(2**18):
            digest.update(piece)
    return digest.digest()


class FileEnd(amp.AMP):
    """An end of a connection that has streams."""

    extended: Any = True
