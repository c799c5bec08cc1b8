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
    """A transport with only the method that L{hasHungUp} calls."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end

    def fileno(self) -> int:
        return self.end.fileno()


def tcpPair() -> tuple[socket.socket, socket.socket]:
    """Make two ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        return server.accept()[0], client


class TestSockets:
    """L{hasHungUp} sees that the peer has closed, even behind unread bytes."""

    @pytest.mark.skipif(sys.platform != "linux", reason="what another system tells is its own affair")
    @pytest.mark.parametrize("make", [tcpPair, socket.socketpair])
    def test_end(self, make: Any) -> None:
        """It is true when the peer has closed one direction or both, and false before."""
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
        """It is true after a reset."""
        here, peer = tcpPair()
        with here:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            assert hasHungUp(Reading(here))


class TestNothingToAsk:
    """L{hasHungUp} is false if it cannot find out."""

    def test_noSocket(self) -> None:
        """It is false for a transport in memory, and one whose socket is closed."""
        here, peer = socket.socketpair()
        for end in (here, peer):
            end.close()
        for transport in (RecordingTransport(), Reading(here), None):
            assert not hasHungUp(transport)

    def test_noPoll(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is false without C{poll}, on such a system or with a library that removes it."""
        here, peer = socket.socketpair()
        peer.close()
        with here:
            assert hasHungUp(Reading(here))
            monkeypatch.delattr(select, "poll")
            assert not hasHungUp(Reading(here))

    def test_byHalf(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """If the system cannot report one direction, only the close of both is seen."""
        monkeypatch.setattr(hangup, "_PEER_IS_DONE", 0)
        here, peer = socket.socketpair()
        with here:
            assert not hasHungUp(Reading(here))
            peer.close()
            assert hasHungUp(Reading(here))
