"""
What the server and the peers of a soak share: their links and their messages.
"""

from __future__ import annotations

from twisted_basic_ng import amp, basic

__all__ = ["LIMIT", "LINKS", "RECEIVERS", "Ask", "frame", "payload"]

#: The links between a peer and the server.
LINKS = ("tcp", "unix", "tls")

#: The receivers.  AMP has the kind C{"amp"}.
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
    Asks for the number after C{number}.

    C{how} selects the response: C{now}; C{later}; C{back}, after the server has called the caller;
    a declared C{error}; an C{undeclared} error, which closes the connection; or C{never}.
    """

    arguments = [(b"peer", amp.Integer()), (b"number", amp.Integer()), (b"how", amp.Unicode())]
    response = [(b"number", amp.Integer())]
    errors = {ValueError: b"VALUE"}


def payload(peer: int, number: int, padding: int, raw: int = 0) -> bytes:
    """
    Return a message with the peer's number, the message's number, and the number of raw bytes that
    follow it.

    @param padding: how many bytes to add.
    """
    return b"%d %d %d " % (peer, number, raw) + b"x" * padding


def frame(kind: str, message: bytes) -> bytes:
    """Frame a message for the receiver, independently of the package."""
    if kind.startswith("lines"):
        return message + b"\r\n"
    if kind == "netstrings":
        return b"%d:" % len(message) + message + b","
    return len(message).to_bytes(int(kind.removeprefix("int")) // 8, "big") + message
