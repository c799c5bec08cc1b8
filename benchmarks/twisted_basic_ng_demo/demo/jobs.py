"""
The table of what the demo does: one entry for each job.

To add a job, write its two protocols and append an entry; everything else follows from it.  This file knows no
process and no socket.
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
    """What a job's work is counted in."""

    MESSAGES = "msg/s"
    """Messages that either end was delivered, in a second."""

    MIB = "MiB/s"
    """Bytes of the messages that either end was delivered, in a second."""


class Link(Enum):
    """What a job's two ends are connected by."""

    TCP = "tcp"
    """A socket on the loopback interface."""

    UNIX = "unix"
    """A UNIX socket in a directory of its own."""


@dataclass(frozen=True)
class Job:
    """
    A server, a client, and how much they have to do.

    @ivar name: what C{--job} calls it.
    @ivar title: what the table calls it.
    @ivar unit: what its work is counted in.
    @ivar size: how much there is to do by default: messages, or bytes.
    @ivar server: makes the server's protocol, of the size and of a list to append each message to.
    @ivar client: makes the client's protocol, likewise.
    @ivar uses: the classes that the work is done by, whose implementation is checked.
    @ivar delivers: how many messages a size means, to the server and to the client.
    @ivar link: what the two are connected by.
    @ivar needs: the module without which there is no such job on a machine.
    @ivar chance: a regular expression for what is different each time in what the ends read, and is left out of the
        transcript: the numbers of ports.
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
