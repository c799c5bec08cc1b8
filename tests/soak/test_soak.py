"""
The short form of the soak, with a few connections of all kinds, and tests that a soak finds losses
and leaks.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.processes import python
from twisted_basic_ng import basic

from .__main__ import draw
from .peers import FAULTS, Outcome, Tally, stringPeer
from .server import Server
from .verdict import Soak
from .words import LINKS, RECEIVERS, frame, payload

HELD = {
    "descriptors": 9,
    "delayed calls": 0,
    "readers": 3,
    "Deferreds": 2,
    "objects": 50_000,
    "blocks": 70_000,
    "KiB": 40_000,
}


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no UNIX sockets")
class TestShortly:
    """Tests for C{python -m tests.soak} with a few dozen connections."""

    def soak(self, *arguments: str) -> tuple[int, str]:
        ended = python("-m", "tests.soak", "--connections", "48", "--wave", "12", "--seed", "3", *arguments)
        assert ended.stderr == ""
        return ended.returncode, ended.stdout

    def test_nothingLost(self) -> None:
        """The soak reports its progress and its counts, and finds no errors."""
        status, told = self.soak()
        assert status == 0, told
        assert "] 24 connections, " in told
        assert "connections  48: amp " in told
        assert " made, 0 not ended; ended: " in told
        assert told.endswith("verdict: nothing is lost, nothing stays behind\n")

    @pytest.mark.parametrize(
        ("leak", "complaint"),
        [
            ("descriptors", " descriptors, "),
            ("bytes", " blocks more after 24 connections"),
            ("Deferreds", "WRONG: the server: 24 Deferreds more after 24 connections"),
            ("messages", ": the server got "),
        ],
    )
    def test_found(self, leak: str, complaint: str) -> None:
        """Each leak and miscount of the server is found, and the exit status is 1."""
        status, told = self.soak("--leak", leak)
        assert status == 1
        assert complaint in told
        assert told.endswith("verdict: failed\n")


def soakOf(*waves: dict[str, int]) -> Soak:
    """Make a soak with waves of 1,000 connections, after which the server held these resources."""
    soak = Soak()
    for number, changes in enumerate(waves):
        outcomes = [Outcome(each, "peer") for each in range(1000 if number else 0)]
        soak.take(outcomes, told(held={**HELD, **changes}), dict(HELD))
    return soak


def told(**changes: Any) -> dict[str, Any]:
    """Return a report of the server."""
    return {"received": {}, "wrong": [], "errors": {}, "live": 0, "outstanding": 0, "held": HELD, **changes}


class TestVerdict:
    """Tests for the verdict."""

    def test_flat(self) -> None:
        """Growth in the first half of the waves only is not a leak."""
        filled = {"objects": 60_000, "blocks": 90_000, "KiB": 90_000, "Deferreds": 50}
        assert soakOf({}, {}, filled, filled).complaints() == []

    @pytest.mark.parametrize(("name", "number"), [("descriptors", 10), ("delayed calls", 1), ("readers", 2)])
    def test_exact(self, name: str, number: int) -> None:
        """
        The numbers of descriptors, delayed calls and readers must be the same at the end as at the
        beginning.
        """
        assert soakOf({}, {name: number}, {}).complaints() == []
        (complaint,) = soakOf({}, {}, {name: number}).complaints()
        assert complaint == f"the server: {number} {name}, {HELD[name]} before"

    @pytest.mark.parametrize("name", ["Deferreds", "objects", "blocks"])
    def test_growing(self, name: str) -> None:
        """
        Growth by one per connection is a leak.  Growth by fewer than one per two connections is
        not.
        """
        waves = [{name: HELD[name] + 1000 * number} for number in range(5)]
        assert soakOf(*waves).complaints() == [f"the server: 2000 {name} more after 2000 connections"]
        assert soakOf(*({name: HELD[name] + 400 * number} for number in range(5))).complaints() == []

    def test_memory(self) -> None:
        """Memory may grow by the allocator's reserve, and by one KiB per connection."""
        assert soakOf({}, {}, {"KiB": 43_000}).complaints() == []
        assert soakOf({}, {}, {"KiB": 44_000}).complaints() == ["the server: 4000 KiB more after 1000 connections"]

    def test_tooFew(self) -> None:
        """With too few waves there is no verdict."""
        assert soakOf({}, {}).complaints() == ["there were too few waves for a verdict"]

    def test_told(self) -> None:
        """
        Errors, leftover objects and unexpected log messages that the server reports are in the
        verdict.
        """
        soak = Soak()
        soak.take([], told(wrong=["first"], errors={"KeyError": 2, "OSError": 5}, live=3, outstanding=4), HELD)
        assert soak.wrong == [
            "first",
            "the server has logged {'KeyError': 2}",
            "the server still holds 3 protocols and 4 calls",
        ]

    def test_outstanding(self) -> None:
        """A call that has not ended is in the verdict."""
        soak = soakOf({}, {}, {})
        soak.tally.outstanding = 1
        assert soak.complaints() == ["1 calls of the peers have not ended"]
        assert soak.report().endswith("WRONG: 1 calls of the peers have not ended\nverdict: failed")

    @pytest.mark.parametrize(
        ("received", "orderly", "right"),
        [(5, True, True), (4, True, False), (6, True, False), (3, False, True), (2, False, False), (6, False, False)],
    )
    def test_messages(self, received: int, orderly: bool, right: bool) -> None:
        """
        After an orderly end, all five messages must have arrived, otherwise at least the three
        confirmed ones.
        """
        outcome = Outcome(7, "peer 7", sent=5, confirmed=3, orderly=orderly)
        soak = Soak()
        soak.take([outcome], told(received={"7": received}), HELD)
        assert (soak.wrong == []) == right

    def test_own(self) -> None:
        """An error that a peer has found is in the verdict."""
        soak = Soak()
        soak.take([Outcome(7, "peer 7", wrong=["odd"])], told(), HELD)
        assert soak.wrong == ["peer 7: odd"]


class Protocol:
    """A stand-in for a protocol of the server."""

    def __init__(self) -> None:
        self.peer: int | None = None
        self.count = 0


class TestServer:
    """Tests for the counts of the server."""

    def test_order(self) -> None:
        """A message that is lost, repeated, or from another peer is reported."""
        for messages, wrong in (([0, 1, 2], 0), ([0, 2], 1), ([0, 0], 1), ([1], 1)):
            server = Server(None)
            protocol = Protocol()
            for number in messages:
                server.accept(protocol, 5, number)
            assert len(server.wrong) == wrong
        server.accept(protocol, 6, 1)
        assert server.wrong[-1] == "peer 6: message 1 where 1 was to come"

    def test_leak(self) -> None:
        """The requested leak happens for each connection."""
        leaked: list[object] = []
        protocols = [Protocol(), Protocol()]
        server = Server(leaked.append)
        for protocol in protocols:
            server.opened(protocol)
        assert (leaked, server.connections, len(server.live)) == (protocols, 2, 2)


class TestPeers:
    """Tests for the properties and the messages of the peers."""

    def drawn(self, seed: int) -> Iterator[tuple[Any, ...]]:
        for number in range(400):
            *who, random = draw(number, seed, list(LINKS))
            yield (*who, random.random())

    def test_seed(self) -> None:
        """
        The same seed gives the same peers, and another seed gives others.  Every kind, link and
        fault occurs.
        """
        assert list(self.drawn(1)) == list(self.drawn(1)) != list(self.drawn(2))
        kinds, links, faults, _ = (set(each) for each in zip(*self.drawn(1), strict=True))
        assert (kinds, links, faults) == ({*RECEIVERS, "amp"}, set(LINKS), set(FAULTS))

    @pytest.mark.parametrize("kind", RECEIVERS)
    def test_wire(self, kind: str) -> None:
        """Each message ends at its recorded offset."""
        peer = stringPeer(kind)
        peer.begin(7, kind, "tcp", "none", Random(1), Tally())
        start = 0
        for number, end in enumerate(peer.ends):
            said = peer.wire[start:end].lstrip(b"r")
            assert b"7 %d " % number in said
            start = end
        assert len(peer.ends) == peer.messages

    def test_frame(self) -> None:
        """A frame has the format of the package's receivers."""
        message = payload(1, 2, 3)
        assert frame("netstrings", message) == b"9:1 2 0 xxx,"
        assert frame("lines", message) == message + basic.LineReceiver.delimiter
        assert frame("int16", message) == b"\x00\x09" + message
