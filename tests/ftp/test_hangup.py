"""Tests for L{twisted_basic_ng._ftp.hangup}."""

from __future__ import annotations

import select
import socket
import struct
import sys
from typing import Any

import pytest

from tests.helpers import RecordingTransport
from twisted_basic_ng._ftp import hangup
from twisted_basic_ng._ftp.hangup import hasHungUp


class Reading:
    """A transport as far as it is asked."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end

    def fileno(self) -> int:
        return self.end.fileno()


def tcpPair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        return server.accept()[0], client


class TestSockets:
    """It sees the end behind bytes that nobody has read."""

    @pytest.mark.skipif(sys.platform != "linux", reason="what another system tells is its own affair")
    @pytest.mark.parametrize("make", [tcpPair, socket.socketpair])
    def test_end(self, make: Any) -> None:
        """Not while the peer may send, but when it has closed this direction, or both."""
        for end in (lambda peer: peer.shutdown(socket.SHUT_WR), lambda peer: peer.close()):
            here, peer = make()
            with here, peer:
                assert not hasHungUp(Reading(here))
                peer.sendall(b"x" * 1000)
                assert not hasHungUp(Reading(here))
                end(peer)
                assert hasHungUp(Reading(here))
                assert here.recv(2000) == b"x" * 1000

    def test_reset(self) -> None:
        """A connection that was broken off is no more."""
        here, peer = tcpPair()
        with here:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            assert hasHungUp(Reading(here))


class TestNothingToAsk:
    """Where there is nothing to ask, nobody has closed anything."""

    def test_noSocket(self) -> None:
        """A transport in memory, and one whose socket is closed."""
        here, peer = socket.socketpair()
        for end in (here, peer):
            end.close()
        for transport in (RecordingTransport(), Reading(here), None):
            assert not hasHungUp(transport)

    def test_noPoll(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A system, or a library that replaces its functions, without C{poll}."""
        here, peer = socket.socketpair()
        peer.close()
        with here:
            assert hasHungUp(Reading(here))
            monkeypatch.delattr(select, "poll")
            assert not hasHungUp(Reading(here))

    def test_byHalf(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the system has no word for a direction, it tells of both."""
        monkeypatch.setattr(hangup, "_PEER_IS_DONE", 0)
        here, peer = socket.socketpair()
        with here:
            assert not hasHungUp(Reading(here))
            peer.close()
            assert hasHungUp(Reading(here))
