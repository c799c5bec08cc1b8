"""Tests for L{twisted_basic_ng_demo.bench.applications}."""

from __future__ import annotations

import sys
from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast

import pytest

from twisted.protocols import memcache

from tests.helpers import loadStock
from twisted_basic_ng import basic
from twisted_basic_ng_demo.bench.applications import CHANGES, Change
from twisted_basic_ng_demo.bench.changing import Load, Transport, changing
from twisted_basic_ng_demo.bench.sides import WorkError

MODULES = {"stock": loadStock("basic"), "ours": basic}


def named(name: str) -> Change:
    """Return the application with that name."""
    return next(each for each in CHANGES if each.name == name)


def connected(name: str, expected: int, module: Any = basic) -> Any:
    """Return a connected receiver of that application, which expects some messages."""
    receiver = named(name).made(module)()
    receiver.expected = expected
    receiver.makeConnection(Transport())
    return receiver


class TestTable:
    """Tests for the table of applications."""

    def test_names(self) -> None:
        """
        The names are unique and fit for a command line, and the titles are unique for each
        receiver.
        """
        assert len({each.name for each in CHANGES}) == len(CHANGES)
        assert len({(each.receiver, each.title) for each in CHANGES}) == len(CHANGES)
        assert max(len(each.name) for each in CHANGES) <= 16

    @pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
    @pytest.mark.parametrize("side", ["stock", "ours"])
    def test_frames(self, change: Change, side: str) -> None:
        """Both receivers deliver as many messages as the frame contains, of any size."""
        module: Any = import_module(f"twisted_basic_ng.{change.module}") if side == "ours" else loadStock(change.module)
        for size in (0, 5, 250):
            changing(change, Load(change.frame(size), 3, 3 * change.many))(module)()


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
class TestApplications:
    """Each application does what its title says."""

    def test_pauses(self, module: Any) -> None:
        """The application pauses at each message, and continues when it is resumed from outside."""
        receiver = connected("line-pause", 3, module)
        receiver.dataReceived(b"a\r\n" * 3)
        assert (receiver.count, receiver.paused) == (1, True)
        named("line-pause").goOn(receiver)  # type: ignore[misc]
        assert (receiver.count, receiver.paused) == (3, False)

    def test_stops(self, module: Any) -> None:
        """A true return value stops the delivery until the next call of C{dataReceived}."""
        receiver = connected("line-true", 3, module)
        receiver.lineReceived = lambda line, does=receiver.lineReceived: does(line) or True
        receiver.dataReceived(b"a\r\n" * 3)
        assert receiver.count == 1
        named("line-true").goOn(receiver)  # type: ignore[misc]
        assert receiver.count == 3

    def test_turns(self, module: Any) -> None:
        """The delimiter changes at each message."""
        receiver = connected("line-delimiter", 2, module)
        lines: list[Any] = []
        receiver.lineReceived = lambda line, does=receiver.lineReceived: (lines.append(line), does(line))[1]
        receiver.dataReceived(b"a\nb\r\nc\r\nd\n")
        assert lines == [b"a\nb", b"c\r"]

    def test_limits(self, module: Any) -> None:
        """The limit changes at each message."""
        receiver = connected("line-limit", 2, module)
        receiver.dataReceived(b"a\r\n")
        first = receiver.MAX_LENGTH
        receiver.dataReceived(b"a\r\n")
        assert first != receiver.MAX_LENGTH

    def test_takesBack(self, module: Any) -> None:
        """The remaining bytes are taken and put back."""
        receiver = connected("line-clear", 3, module)
        receiver.dataReceived(b"a\r\n" * 3 + b"rest")
        assert (receiver.count, receiver._buffer) == (3, b"rest")

    def test_requests(self, module: Any) -> None:
        """A request's body may arrive in pieces, and may be empty."""
        receiver = connected("http", 3, module)
        request = named("http").frame
        data = request(5) + request(0) + request(7)
        for at in range(len(data)):
            receiver.dataReceived(data[at : at + 1])
        assert (receiver.count, receiver.missing) == (3, 0)

    def test_memcache(self, module: Any) -> None:
        """Twisted's client gets its values, with the receiver that it is built on."""
        receiver = connected("memcache", 2, module)
        receiver.dataReceived(named("memcache").frame(5) * 2)
        assert receiver.count == 2
        assert isinstance(receiver, module.LineReceiver)


class TestMemcache:
    """Twisted's client is rebuilt without changing the imported modules."""

    def test_modules(self) -> None:
        """Twisted's module and the imported modules are unchanged."""
        before = sys.modules["twisted.protocols.basic"], memcache.MemCacheProtocol
        made = named("memcache").made(basic)
        assert not issubclass(made, memcache.MemCacheProtocol)
        assert (sys.modules["twisted.protocols.basic"], memcache.MemCacheProtocol) == before


class TestAssigning:
    """Tests for applications that assign the remaining bytes."""

    def test_again(self) -> None:
        """A receiver that delivers a message again raises an error before it does so forever."""

        class Again(basic.LineReceiver):
            def dataReceived(self, data: bytes) -> None:
                while True:
                    self.lineReceived(data)

        again = cast("Any", SimpleNamespace(LineReceiver=Again))
        with pytest.raises(WorkError, match="delivered again"):
            connected("line-assign", 3, again).dataReceived(b"a\r\n")
