"""
Our limits have generous defaults, and can be set or switched off for a class or a connection.

Each test first reaches a limit exactly, and then exceeds it by one.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport

from .boxes import vocabulary
from .promises import Modules, alike, differs, require, sound
from .sockets import Network, Raw, onSockets

#: The default of each limit, and the error that ends the calls when it is exceeded.
DEFAULTS: dict[str, tuple[int, str]] = {
    "MAX_BOX_KEYS": (4096, "BoxTooLargeError"),
    "MAX_BOX_LENGTH": (16 * 2**20, "BoxTooLargeError"),
    "MAX_PENDING_DESCRIPTORS": (64, "TooManyDescriptorsError"),
}

LIMITS = pytest.mark.parametrize("name", DEFAULTS)


def sendKeys(peer: Any, count: int) -> None:
    """Send an unfinished box of C{count} keys."""
    peer.dataReceived(b"".join(b"\0\4%04x\0\0" % number for number in range(count)))


def sendBytes(peer: Any, count: int) -> None:
    """Send an unfinished box of C{count} bytes, including the prefixes."""
    key = 0
    while count > 10:
        value = bytes(min(count - 6, 60_000))
        if 0 < count - 6 - len(value) <= 10:  # the remaining bytes must form a pair, too
            value = value[:-10]
        peer.dataReceived(b"\0\2%b%b%b" % (key.to_bytes(2, "big"), len(value).to_bytes(2, "big"), value))
        key += 1
        count -= 6 + len(value)
    assert count == 0


def sendDescriptors(peer: Any, count: int) -> None:
    """Send C{count} descriptors that no box claims."""
    for _ in range(count):
        if peer.transport.disconnecting:
            break
        peer.fileDescriptorReceived(os.dup(0))


SENDERS: dict[str, Any] = {
    "MAX_BOX_KEYS": sendKeys,
    "MAX_BOX_LENGTH": sendBytes,
    "MAX_PENDING_DESCRIPTORS": sendDescriptors,
}


def connected(modules: Modules, limits: dict[str, int | None], isOnInstance: bool = False) -> Any:
    """Make a peer with C{limits} and one call in progress, whose results are in C{ends}."""
    amp: Any = modules.amp

    class Anything(amp.Command):  # type: ignore[misc]
        pass

    kind: Any = type("Limited", (amp.AMP,), {} if isOnInstance else dict(limits))
    peer = kind()
    peer.logConnections = False
    if isOnInstance:
        for name, value in limits.items():
            setattr(peer, name, value)
    RecordingTransport().connect(peer)
    peer.ends = []
    peer.callRemote(Anything).addBoth(peer.ends.append)
    return peer


def end(peer: Any) -> Any:
    """Lose the connection, close the remaining descriptors, and return the call's result."""
    peer.connectionLost(Failure(ConnectionLost()))
    for descriptor in peer._descriptors.values():  # Twisted leaves these open
        os.close(descriptor)
    return peer.ends[0]


@LIMITS
class TestLimit:
    """Each limit."""

    def within(self, modules: Modules, name: str, limits: dict[str, int | None], count: int) -> bool:
        """Whether C{count} is accepted.  If not, the call must end with the error of the limit."""
        peer = connected(modules, limits)
        with sound("no error is raised"):
            SENDERS[name](peer, count)
        isAccepted = not peer.transport.disconnecting
        ended = end(peer)
        if not isAccepted:
            error = getattr(modules.amp, DEFAULTS[name][1], None)
            require(error is not None and ended.check(error), f"a call ends with its error, not with {ended}")
            require(str(count) in str(ended.value) or name == "MAX_PENDING_DESCRIPTORS", "which has the size")
        return isAccepted

    @differs
    def test_default(self, modules: Modules, name: str) -> None:
        """The class has the documented default, and it applies."""
        default = DEFAULTS[name][0]
        require(getattr(modules.amp.AMP, name, None) == default, f"it is {default}")
        require(self.within(modules, name, {}, default), "it may be used up")
        require(not self.within(modules, name, {}, default + 1), "and not more")

    @pytest.mark.parametrize("count", [0, 1, 20])
    @differs
    def test_class(self, modules: Modules, name: str, count: int) -> None:
        """A class may set another value."""
        if name == "MAX_BOX_LENGTH":
            count += 16  # fewer bytes are only half a pair
        require(self.within(modules, name, {name: count}, count), "it may be used up")
        require(not self.within(modules, name, {name: count}, count + 1), "and not more")

    @differs
    def test_instance(self, modules: Modules, name: str) -> None:
        """A connection may set another value, and other connections keep theirs."""
        peer = connected(modules, {name: 20}, isOnInstance=True)
        other = connected(modules, {})
        for each in (peer, other):
            SENDERS[name](each, 21)
        require(peer.transport.disconnecting, "the one is dropped")
        require(not other.transport.disconnecting, "the other is not")
        end(peer)
        end(other)

    @differs
    def test_later(self, modules: Modules, name: str) -> None:
        """The limit may be changed while the connection is open, and applies from then on."""
        peer = connected(modules, {name: None})
        SENDERS[name](peer, 30)
        setattr(peer, name, 40)
        isKept = not peer.transport.disconnecting
        if name == "MAX_PENDING_DESCRIPTORS":
            sendDescriptors(peer, 11)
        else:
            peer.dataReceived(b"".join(b"\0\3%03d\0\x10" % number + bytes(16) for number in range(11)))
        require(isKept and peer.transport.disconnecting, "it strikes, and not before")
        end(peer)

    @alike
    def test_none(self, modules: Modules, name: str) -> None:
        """C{None} means no limit."""
        require(self.within(modules, name, {name: None}, DEFAULTS[name][0] * 2), "twice the default is accepted")


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
class TestSockets:
    """The limits also apply on real sockets."""

    @pytest.mark.parametrize("name", ["MAX_BOX_KEYS", "MAX_BOX_LENGTH"])
    @differs
    @onSockets
    async def test_dropped(self, modules: Modules, network: Network, name: str, tls: bool) -> None:
        """A peer that exceeds a limit is dropped, and calls to it end with the reason."""
        if tls:
            pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
        words = vocabulary(modules)
        server, client = words.Peer(), Raw()
        setattr(server, name, 20)
        await network.pair(server, client)
        asked = server.callRemote(words.Note, text=b"x")
        await network.until(lambda: client.received, "a call")
        client.transport.write(b"".join(b"\0\4%04d\0\0" % number for number in range(21)))
        ended = await network.outcome(asked, "the call ends")
        error = getattr(modules.amp, DEFAULTS[name][1], None)
        require(error is not None and ended.check(error), f"with the reason, not with {ended}")
        await network.until(lambda: client.lost and server.lost, "the connection ends")
