"""Receivers of each kind that collect the messages they deliver."""

from __future__ import annotations

from typing import Any

from twisted_basic_ng.basic import (
    Int8StringReceiver,
    Int32StringReceiver,
    LineOnlyReceiver,
    LineReceiver,
    NetstringReceiver,
)


class Collecting:
    """
    Collects the delivered messages, and calls the function in C{script} for a message, if there is
    one.
    """

    def __init__(self) -> None:
        self.collected: list[bytes] = []
        self.script: dict[bytes, Any] = {}

    def lineReceived(self, line: bytes) -> None:
        self.collected.append(line)
        self.script.get(line, lambda: None)()

    rawDataReceived = stringReceived = lineReceived


class Lines(Collecting, LineReceiver):
    pass


class OnlyLines(Collecting, LineOnlyReceiver):
    pass


class Netstrings(Collecting, NetstringReceiver):
    pass


class Strings(Collecting, Int8StringReceiver):
    pass


class LongStrings(Collecting, Int32StringReceiver):
    pass


#: Each class, with a function that frames a string for it, and a frame that it refuses.
KINDS: list[tuple[Any, Any, bytes]] = [
    (Lines, lambda string: string + b"\r\n", b"x" * 20),
    (OnlyLines, lambda string: string + b"\r\n", b"x" * 20),
    (Netstrings, lambda string: b"%d:%b," % (len(string), string), b"11:"),
    (Strings, lambda string: bytes([len(string)]) + string, b"\x0b"),
]
