"""Converts values of AMP's types from and to their JSON form in the vectors."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import ModuleType
from typing import Any

from twisted.python.filepath import FilePath

from .adapter_transport import Transport

__all__ = ["Carrier", "Values", "argumentOf"]


def argumentOf(amp: Any, kind: Any) -> Any:
    """
    Make an argument type from its name in a vector: C{"Integer"}, C{{"ListOf": "Integer"}} and so
    on.
    """
    if isinstance(kind, str):
        return getattr(amp, kind)()
    optional = kind.get("optional", False)
    ((name, inner),) = ((name, each) for name, each in kind.items() if name != "optional")
    if name == "ListOf":
        return amp.ListOf(argumentOf(amp, inner), optional=optional)
    if name == "AmpList":
        return amp.AmpList([(key.encode("ascii"), argumentOf(amp, each)) for key, each in inner], optional=optional)
    return getattr(amp, inner)(optional=optional)


class Carrier:
    """
    A connection that carries descriptors with names.

    @ivar protocol: the connection.
    """

    def __init__(self, amp: Any) -> None:
        self._names: dict[int, str] = {}
        self._transport = Transport()
        self.protocol = amp.AMP()
        self._transport.connect(self.protocol)

    def open(self, name: str) -> int:
        """Open a descriptor."""
        descriptor = os.open(os.devnull, os.O_RDONLY)
        self._names[descriptor] = name
        return descriptor

    def name(self, descriptor: int) -> str:
        """Return the name of a descriptor."""
        return self._names[descriptor]

    def sent(self) -> list[str]:
        """Return the names of the descriptors that were sent."""
        return [*map(self.name, self._transport.descriptors)]

    def close(self) -> None:
        """Close all descriptors that are still open."""
        for descriptor in self._names:
            with suppress(OSError):  # the module has closed it
                os.close(descriptor)


class Values:
    """
    Converts values.

    @ivar amp: the module, for the Python names of arguments.
    """

    def __init__(self, amp: ModuleType) -> None:
        self.amp: Any = amp

    @contextmanager
    def carrier(self, received: Sequence[str] = ()) -> Iterator[Carrier]:
        """Make a connection on which descriptors have arrived."""
        carrier = Carrier(self.amp)
        try:
            for each in received:
                carrier.protocol.fileDescriptorReceived(carrier.open(each))
            yield carrier
        finally:
            carrier.close()

    def identifier(self, name: str) -> str:
        """Return the Python name of an argument."""
        identifier: str = self.amp._wireNameToPythonIdentifier(name.encode("ascii"))
        return identifier

    def toPlain(self, kind: Any, value: Any, carrier: Carrier | None) -> Any:
        """Convert a value to its JSON form."""
        if isinstance(kind, dict):
            return self._toPlainOptional(kind, value, carrier)
        if kind == "Descriptor":
            return carrier.name(value) if carrier else None
        return _TO_PLAIN[kind](value)

    def _toPlainOptional(self, kind: dict[str, Any], value: Any, carrier: Carrier | None) -> Any:
        if value is None:
            return None
        if "ListOf" in kind:
            return [self.toPlain(kind["ListOf"], each, carrier) for each in value]
        if "AmpList" in kind:
            return [self.toPlainFields(kind["AmpList"], each, carrier) for each in value]
        return self.toPlain(kind["type"], value, carrier)

    def toPlainFields(self, fields: list[Any], objects: dict[str, Any], carrier: Carrier | None) -> dict[str, Any]:
        """Convert values, by their names on the wire."""
        return {name: self.toPlain(kind, objects[self.identifier(name)], carrier) for name, kind in fields}

    def fromPlain(self, kind: Any, value: Any, carrier: Carrier | None) -> Any:
        """
        Convert a value from its JSON form.  A value with another type given is converted to that
        type.
        """
        if isinstance(value, dict) and "as" in value:
            return self.fromPlain(value["as"], value["value"], carrier)
        if value is None:
            return None
        if isinstance(kind, str):
            return carrier.open(value) if kind == "Descriptor" and carrier else _FROM_PLAIN[kind](value)
        if "ListOf" in kind:
            return [self.fromPlain(kind["ListOf"], each, carrier) for each in value]
        if "AmpList" in kind:
            return [self.fromPlainFields(kind["AmpList"], each, carrier) for each in value]
        return self.fromPlain(kind["type"], value, carrier)

    def fromPlainFields(self, fields: list[Any], values: dict[str, Any], carrier: Carrier | None) -> dict[str, Any]:
        """Convert values, by their names on the wire."""
        kinds = dict(fields)
        return {self.identifier(name): self.fromPlain(kinds.get(name), each, carrier) for name, each in values.items()}


def _floatToPlain(value: float) -> str:
    return "nan" if value != value else struct.pack(">d", value).hex()


def _floatFromPlain(plain: str) -> float:
    number: float = float("nan") if plain == "nan" else struct.unpack(">d", bytes.fromhex(plain))[0]
    return number


def _momentToPlain(value: datetime) -> Any:
    offset = value.utcoffset()
    assert offset is not None
    moment = value.replace(tzinfo=None).isoformat(timespec="microseconds")
    return {"moment": moment, "offset": int(offset.total_seconds())}


def _momentFromPlain(plain: Any) -> datetime:
    moment = datetime.fromisoformat(plain["moment"])
    return moment if plain["offset"] is None else moment.replace(tzinfo=timezone(timedelta(seconds=plain["offset"])))


_TO_PLAIN: dict[str, Any] = {
    "Integer": str,
    "String": lambda value: {"hex": value.hex()},
    "Float": _floatToPlain,
    "Boolean": bool,
    "Unicode": str,
    "Path": lambda value: value.asTextMode().path,
    "Decimal": str,
    "DateTime": _momentToPlain,
}

_FROM_PLAIN: dict[str, Any] = {
    "Integer": int,
    "String": lambda plain: bytes.fromhex(plain["hex"]),
    "Float": _floatFromPlain,
    "Boolean": bool,
    "Unicode": str,
    "Path": FilePath,
    "Decimal": Decimal,
    "DateTime": _momentFromPlain,
}
