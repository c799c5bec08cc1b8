"""Tests for L{twisted_basic_ng._receiving.pins}."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import RecordingTransport
from twisted_basic_ng._receiving import pins
from twisted_basic_ng._receiving.pins import Pins, pinFlags
from twisted_basic_ng.basic import LineReceiver


class Thing:
    """An object with attributes on its class."""

    limit: int = 5
    mark: bytes = b";"
    mode = 1


class TestPins:
    """
    L{Pins} caches class attributes on the instance, and notices when they change on the class.
    """

    @pytest.mark.parametrize("name", ["limit", "mark", "mode"])
    def test_pinned(self, name: str) -> None:
        """The instance gets attributes of its own with the values from the class."""
        thing = Thing()
        Pins(thing, ("limit", "mark"), ("mode",))
        assert vars(thing)[name] == getattr(Thing, name)

    @pytest.mark.parametrize("name", ["limit", "mark"])
    def test_followed(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        """
        A change on the class is seen at the next read, and applies when the pins are released.
        """
        thing = Thing()
        pins = Pins(thing, ("limit", "mark"), ("mode",))
        assert pins.read(Thing) == pins.values
        monkeypatch.setattr(Thing, name, 9)
        assert pins.read(Thing) != pins.values
        pins.release(thing)
        assert getattr(thing, name) == 9
        assert vars(thing) == {}

    def test_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        An attribute that the instance already has is kept, even if its value is that of the class.
        """
        for value in (5, 7):
            thing = Thing()
            thing.limit = value
            pins = Pins(thing, ("limit",), ())
            assert thing.limit == value
            pins.release(thing)
            assert vars(thing) == {"limit": value}

    def test_setLater(self) -> None:
        """An attribute that is assigned after pinning is kept."""
        thing = Thing()
        pins = Pins(thing, ("limit",), ())
        thing.limit = 7
        pins.release(thing)
        assert thing.limit == 7

    def test_deletedLater(self) -> None:
        """An attribute that the application has deleted is not deleted again."""
        thing = Thing()
        pins = Pins(thing, ("limit",), ())
        del thing.limit
        pins.release(thing)
        assert thing.limit == 5

    def test_omitted(self) -> None:
        """
        The pinned attributes are omitted from a copy of the instance's state, and the others are
        kept.
        """
        thing = Thing()
        pins = Pins(thing, ("limit", "mark"), ("mode",))
        thing.limit = 7
        state = dict(vars(thing))
        pins.omit(state)
        assert state == {"limit": 7}

    def test_property(self) -> None:
        """A property is not pinned."""

        class Computed(Thing):
            limit = property(lambda self: 3)  # type: ignore[assignment]

        thing = Computed()
        Pins(thing, ("limit",), ())
        assert vars(thing) == {}
        assert thing.limit == 3

    def test_setattr(self) -> None:
        """An application's own C{__setattr__} is not called."""

        class Strict(Thing):
            def __setattr__(self, name: str, value: object) -> None:
                raise AssertionError(name)

        thing = Strict()
        Pins(thing, ("limit",), ())
        assert vars(thing) == {"limit": 5}


class TestFlags:
    """L{pinFlags} caches a transport's flags on the transport."""

    def test_pinned(self) -> None:
        """A false flag of the class is cached."""

        class Transport:
            disconnecting = False

        transport = Transport()
        pinFlags(transport, ("disconnecting", "TLS"))
        assert vars(transport) == {"disconnecting": False}

    def test_set(self) -> None:
        """A flag that is set on the instance or on the class is not changed."""

        class Transport:
            disconnecting = False
            TLS = True

        transport: Any = Transport()
        transport.disconnecting = True
        pinFlags(transport, ("disconnecting", "TLS"))
        assert vars(transport) == {"disconnecting": True}

    def test_computed(self) -> None:
        """A flag that is a property is not cached."""

        class Transport:
            @property
            def disconnecting(self) -> bool:
                return False

        transport = Transport()
        pinFlags(transport, ("disconnecting",))
        assert vars(transport) == {}

    def test_slots(self) -> None:
        """A transport with slots is not changed."""

        class Transport:
            __slots__ = ()
            disconnecting = False

        transport = Transport()
        pinFlags(transport, ("disconnecting",))
        assert transport.disconnecting is False


class TestReceiver:
    """A receiver pins the attributes that it reads after each frame, if that saves time."""

    @pytest.mark.parametrize("pinned", [3, 4])
    def test_many(self, monkeypatch: pytest.MonkeyPatch, pinned: int) -> None:
        """Attributes are pinned for a batch of many lines, not for one of few lines."""
        monkeypatch.setattr("twisted_basic_ng._receiving.lines.PINNED", pinned)
        receiver = _receiver()
        receiver.dataReceived(b"%64d\r\nb\r\nc\r\n" % 1)
        assert ("MAX_LENGTH" in vars(receiver)) is (pinned <= 3)

    def test_class(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A limit or delimiter set on the class applies from the next chunk on."""
        monkeypatch.setattr("twisted_basic_ng._receiving.lines.PINNED", 1)
        receiver = _receiver()
        receiver.dataReceived(b"%64d\r\nb\r\n" % 1)
        monkeypatch.setattr(type(receiver), "delimiter", b";")
        monkeypatch.setattr(type(receiver), "MAX_LENGTH", 1)
        receiver.dataReceived(b"c;dd;")
        assert receiver.lines == [b"%64d" % 1, b"b", b"c"]
        assert receiver.exceeded == [b"dd;"]


class Receiver(LineReceiver):
    """Collects its lines."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.exceeded: list[bytes] = []

    def lineReceived(self, line: bytes) -> None:
        """Collect a line."""
        self.lines.append(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Collect the data of a line that is too long."""
        self.exceeded.append(line)


def _receiver() -> Receiver:
    class Own(Receiver):
        """A class that a test may change."""

    receiver = Own()
    RecordingTransport().connect(receiver)
    return receiver


class TestPython:
    """The number of frames from which on pinning pays depends on the Python."""

    def test_bound(self) -> None:
        """On CPython 3.11, a few frames are enough; on other Pythons, nothing is pinned."""
        assert (pins.PINNED < 100) is pins._PINNING
