"""
The table of the demo's jobs.

To add a job, write its two protocols and append an entry; nothing else needs to change.  This file
knows no processes and no sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from typing import Final

from twisted.internet.protocol import Protocol
from twisted.protocols.amp import AMP
from twisted.protocols.basic import FileSender, Int32StringReceiver, LineReceiver, NetstringReceiver
from twisted.protocols.ftp import DTPFactory

from .calls import CallClient, CallServer, SecureCallClient
from .ftp import DownloadClient, DownloadServer
from .protocols import (
    FileClient,
    FileServer,
    Int32Client,
    Int32Server,
    LargeStringClient,
    LargeStringServer,
    LineClient,
    LineServer,
    NetstringClient,
    NetstringServer,
)

__all__ = ["JOBS", "Job", "Link", "Unit"]

MIB: Final = 2**20


class Unit(Enum):
    """The unit of a job's speed."""

    MESSAGES = "msg/s"
    """Messages delivered at either end, per second."""

    MIB = "MiB/s"
    """Bytes of the messages delivered at either end, per second."""


class Link(Enum):
    """The kind of connection between a job's two ends."""

    TCP = "tcp"
    """A socket on the loopback interface."""

    UNIX = "unix"
    """A UNIX socket in a directory of its own."""


@dataclass(frozen=True)
class Job:
    """
    A server, a client, and how much they have to do.

    @ivar name: its name for C{--job}.
    @ivar title: its title in the table.
    @ivar unit: the unit of its speed.
    @ivar size: the default amount of work, in messages or in bytes.
    @ivar server: makes the server's protocol from the size and a list, to which it appends each
        message.
    @ivar client: makes the client's protocol, likewise.
    @ivar uses: the classes that do the work, whose implementation is checked.
    @ivar delivers: how many messages a size means, for the server and for the client.
    @ivar link: the kind of connection between the two ends.
    @ivar needs: a module that the job needs; without it the job is left out.
    @ivar chance: a regular expression for data that differs from run to run, such as port numbers;
        it is left out of the transcript.
    """

    name: str
    title: str
    unit: Unit
    size: int
    server: Callable[[int, list[bytes]], Protocol]
    client: Callable[[int, list[bytes]], Protocol]
    uses: tuple[type, ...]
    delivers: Callable[[int], tuple[int, int]]
    link: Link = Link.TCP
    needs: str = "twisted"
    chance: bytes = b""


_ALL: Final = (
    Job(
        name="lines",
        title="short lines, both ways",
        unit=Unit.MESSAGES,
        size=400_000,
        server=LineServer,
        client=LineClient,
        uses=(LineReceiver,),
        delivers=lambda size: (size + 1, size + 1),
    ),
    Job(
        name="netstrings",
        title="netstrings, echoed",
        unit=Unit.MESSAGES,
        size=100_000,
        server=NetstringServer,
        client=NetstringClient,
        uses=(NetstringReceiver,),
        delivers=lambda size: (size, size),
    ),
    Job(
        name="int32",
        title="int32 strings, echoed",
        unit=Unit.MESSAGES,
        size=150_000,
        server=Int32Server,
        client=Int32Client,
        uses=(Int32StringReceiver,),
        delivers=lambda size: (size, size),
    ),
    Job(
        name="large",
        title="one 16 MiB int32 string",
        unit=Unit.MIB,
        size=16 * MIB,
        server=LargeStringServer,
        client=LargeStringClient,
        uses=(Int32StringReceiver,),
        delivers=lambda _: (1, 1),
    ),
    Job(
        name="file",
        title="a file, by FileSender",
        unit=Unit.MIB,
        size=128 * MIB,
        server=FileServer,
        client=FileClient,
        uses=(FileSender,),
        delivers=lambda _: (1, 1),
    ),
    Job(
        name="calls",
        title="AMP calls over TCP",
        unit=Unit.MESSAGES,
        size=10_000,
        server=CallServer,
        client=CallClient,
        uses=(AMP,),
        delivers=lambda size: (size, size),
    ),
    Job(
        name="tlscalls",
        title="AMP calls over TLS",
        unit=Unit.MESSAGES,
        size=10_000,
        server=CallServer,
        client=SecureCallClient,
        uses=(AMP,),
        delivers=lambda size: (size, size),
        needs="OpenSSL",
    ),
    Job(
        name="unixcalls",
        title="AMP calls, UNIX socket",
        unit=Unit.MESSAGES,
        size=10_000,
        server=CallServer,
        client=CallClient,
        uses=(AMP,),
        delivers=lambda size: (size, size),
        link=Link.UNIX,
    ),
    Job(
        name="ftp",
        title="an FTP download",
        unit=Unit.MIB,
        size=128 * MIB,
        server=DownloadServer,
        client=DownloadClient,
        uses=(DTPFactory, FileSender),
        delivers=lambda _: (1, 1),
        chance=rb"\([0-9,]+\)",
    ),
)

JOBS: Final = tuple(job for job in _ALL if find_spec(job.needs) is not None)
