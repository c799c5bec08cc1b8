"""
Helpers for the AMP checks: boxes as bytes, and a small set of commands for each side.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from .promises import Modules

__all__ = ["ask", "box", "vocabulary"]


def box(**pairs: bytes) -> bytes:
    """Write a box.  The underscore of C{_ask} and similar keys is part of the name."""
    wire = b""
    for key, value in pairs.items():
        wire += bytes([0, len(key)]) + key.encode() + len(value).to_bytes(2, "big") + value
    return wire + b"\0\0"


def ask(command: bytes, tag: bytes | None = b"1", **arguments: bytes) -> bytes:
    """Write a box with a call."""
    return box(**({} if tag is None else {"_ask": tag}), _command=command, **arguments)


class Vocabulary:
    """
    Commands, and peers that respond to them.

    @ivar Note: a command with an argument C{text}, which it returns.
    @ivar Peer: an AMP protocol that keeps the received notes in C{notes}, each with whether TLS was
        on.
    """

    def __init__(self, modules: Modules) -> None:
        amp: Any = modules.amp

        class Note(amp.Command):  # type: ignore[misc]
            arguments = [(b"text", amp.String())]
            response = [(b"text", amp.String())]

        class Fatal(amp.Command):  # type: ignore[misc]
            fatalErrors = {ValueError: b"FATAL"}

        class Peer(amp.AMP):  # type: ignore[misc]
            logConnections = False

            def __init__(self) -> None:
                super().__init__()
                self.notes: list[tuple[bytes, bool]] = []
                self.reason: Any = None
                self.unhandled: list[Any] = []

            def note(self, text: bytes) -> dict[str, bytes]:
                self.notes.append((text, bool(getattr(self.transport, "TLS", False))))
                return {"text": text}

            def fatal(self) -> dict[str, bytes]:
                raise ValueError("fatal")

            Note.responder(note)
            Fatal.responder(fatal)

            def unhandledError(self, failure: Any) -> None:
                self.unhandled.append(failure)
                super().unhandledError(failure)

            def connectionLost(self, reason: Any) -> None:
                self.reason = reason
                super().connectionLost(reason)

            @property
            def lost(self) -> bool:
                return self.reason is not None

        self.Note = Note
        self.Fatal = Fatal
        self.Peer: Any = Peer


@cache
def vocabulary(modules: Modules) -> Vocabulary:
    """Return the vocabulary of a side, which is made once."""
    return Vocabulary(modules)
