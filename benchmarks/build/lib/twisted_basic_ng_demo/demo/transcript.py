"""
Summarises what one end of a connection received, for comparison: counts, sizes and digests.

Nothing is hashed while a job runs: a L{Record} only stores what it receives.  This file knows no
protocols and no processes.
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
    Everything that one end received.

    @ivar delivered: the messages that the protocol delivered to its application.
    @ivar received: the chunks that the transport delivered to the protocol.
    """

    delivered: list[bytes] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class Digest:
    """
    A digest of a sequence of strings.

    @ivar count: how many strings; 0 for a stream, whose division into chunks is random.
    @ivar size: how many bytes they have in total.
    @ivar sha256: their SHA-256 in hexadecimal.
    """

    count: int
    size: int
    sha256: str


def digestMessages(messages: Sequence[bytes]) -> Digest:
    """Digest messages; the same bytes, divided differently, give another digest."""
    content = sha256()
    for message in messages:
        content.update(b"%d:" % len(message))
        content.update(message)
    return Digest(len(messages), sum(map(len, messages)), content.hexdigest())


def digestStream(chunks: Iterable[bytes]) -> Digest:
    """Digest the bytes of a stream, however they are divided into chunks."""
    content, size = sha256(), 0
    for chunk in chunks:
        content.update(chunk)
        size += len(chunk)
    return Digest(0, size, content.hexdigest())


@dataclass(frozen=True)
class Transcript:
    """
    The transcript of one end.

    @ivar delivered: the digest of the messages delivered to its application.
    @ivar received: the digest of the received bytes, which are the bytes that the other end wrote.
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
    Describe the differences between two transcripts of the same end.

    @param role: the name of the end, for the text.
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
