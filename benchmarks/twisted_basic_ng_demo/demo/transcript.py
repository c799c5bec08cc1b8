"""
What one end of a connection has seen, small enough to be compared: counts, sizes and digests.

Nothing is hashed while a job runs; a L{Record} only keeps what it is given.  This file knows no protocol and
no process.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

__all__ = ["Digest", "Record", "Transcript", "differences", "digestMessages", "digestStream"]


@dataclass
class Record:
    """
    Everything that one end was given, as it came.

    @ivar delivered: what the protocol handed to its application, a string for each message.
    @ivar received: what the transport handed to the protocol, in its chunks.
    """

    delivered: list[bytes] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class Digest:
    """
    Stands for a sequence of strings.

    @ivar count: how many strings; 0 for a stream, whose chunks are chance.
    @ivar size: how many bytes they have together.
    @ivar sha256: in hexadecimal.
    """

    count: int
    size: int
    sha256: str


def digestMessages(messages: Sequence[bytes]) -> Digest:
    """Digest messages; the same bytes cut at other places give another digest."""
    content = sha256()
    for message in messages:
        content.update(b"%d:" % len(message))
        content.update(message)
    return Digest(len(messages), sum(map(len, messages)), content.hexdigest())


def digestStream(chunks: Iterable[bytes]) -> Digest:
    """Digest the bytes of a stream, in whatever chunks they came."""
    content, size = sha256(), 0
    for chunk in chunks:
        content.update(chunk)
        size += len(chunk)
    return Digest(0, size, content.hexdigest())


@dataclass(frozen=True)
class Transcript:
    """
    What one end has seen.

    @ivar delivered: the messages that its application was given.
    @ivar received: the bytes that came over the wire, which are the bytes that the other end wrote.
    """

    delivered: Digest
    received: Digest

    @classmethod
    def of(cls, record: Record) -> Transcript:
        """Digest a record."""
        return cls(digestMessages(record.delivered), digestStream(record.received))

    @classmethod
    def fromMapping(cls, mapping: dict[str, Any]) -> Transcript:
        """Undo L{dataclasses.asdict}."""
        return cls(Digest(**mapping["delivered"]), Digest(**mapping["received"]))


def differences(role: str, stock: Transcript, ours: Transcript) -> list[str]:
    """
    Say in words what two transcripts of the same end do not agree in.

    @param role: which end it was, for the words.
    """
    found = []
    if stock.delivered != ours.delivered:
        found.append(f"the {role} was delivered {_messages(stock)} on Twisted, {_messages(ours)} on ours")
    if stock.received != ours.received:
        found.append(f"the {role} read {_stream(stock)} on Twisted, {_stream(ours)} on ours")
    return found


def _messages(transcript: Transcript) -> str:
    digest = transcript.delivered
    return f"{digest.count:,} messages of {digest.size:,} bytes (sha256 {digest.sha256[:12]})"


def _stream(transcript: Transcript) -> str:
    return f"{transcript.received.size:,} bytes (sha256 {transcript.received.sha256[:12]})"
