"""The framing of each receiver's messages."""

from __future__ import annotations

from collections.abc import Callable

from .boxes import ask

__all__ = ["FRAMES"]

#: For each receiver, and for AMP: a function that frames a payload.
FRAMES: dict[str, Callable[[bytes], bytes]] = {
    "LineReceiver": lambda payload: payload + b"\r\n",
    "LineOnlyReceiver": lambda payload: payload + b"\r\n",
    "NetstringReceiver": lambda payload: b"%d:%b," % (len(payload), payload),
    "Int8StringReceiver": lambda payload: bytes([len(payload)]) + payload,
    "Int16StringReceiver": lambda payload: len(payload).to_bytes(2, "big") + payload,
    "Int32StringReceiver": lambda payload: len(payload).to_bytes(4, "big") + payload,
    "AMP": lambda payload: ask(payload, None),
}
