"""
What server and peers of a soak have to agree on: how they are connected, and what they say.
"""

from __future__ import annotations

from twisted_basic_ng import amp, basic

__all__ = ["LIMIT", "LINKS", "RECEIVERS", "Ask", "frame", "payload"]

#: How a peer is connected.
LINKS = ("tcp", "unix", "tls")

#: The receivers; what speaks AMP is C{"amp"}.
RECEIVERS = {
    "lines": basic.LineReceiver,
    "linesOnly": basic.LineOnlyReceiver,
    "netstrings": basic.NetstringReceiver,
    "int8": basic.Int8StringReceiver,
    "int16": basic.Int16StringReceiver,
    "int32": basic.Int32StringReceiver,
}

#: The longest message that the server accepts, in bytes.
LIMIT = 240


class Ask(amp.Command):
    """
    Asks for the number behind C{number}.

    C{how} says what comes of it: an answer C{now} or C{later}, or when the asker was asked C{back}; a declared
    C{error}; an C{undeclared} one, which closes the connection; or C{never} anything.
    """

    arguments = [(b"peer", amp.Integer()), (b"number", amp.Integer()), (b"how", amp.Unicode())]
    response = [(b"number", amp.Integer())]
    errors = {ValueError: b"VALUE"}


def payload(peer: int, number: int, padding: int, raw: int = 0) -> bytes:
    """
    Make a message: who says it, which of theirs it is, and how many raw bytes follow it.

    @param padding: by how many bytes to make it longer.
    """
    return b"%d %d %d " % (peer, number, raw) + b"x" * padding


def frame(kind: str, message: bytes) -> bytes:
    """Frame a message as the receiver wants it, independently of the package."""
    if kind.startswith("lines"):
        return message + b"\r\n"
    if kind == "netstrings":
        return b"%d:" % len(message) + message + b","
    return len(message).to_bytes(int(kind.removeprefix("int")) // 8, "big") + message
