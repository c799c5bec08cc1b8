"""
The short form of the soak: few connections, all kinds of them; and a soak finds what is lost and what stays behind.
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
    """C{python -m tests.soak} with some dozens of connections."""

    def soak(self, *arguments: str) -> tuple[int, str]:
        ended = python("-m", "tests.soak", "--connections", "48", "--wave", "12", "--seed", "3", *arguments)
        assert ended.stderr == ""
        return ended.returncode, ended.stdout

    def test_nothingLost(self) -> None:
        """It says how far it is, gives its numbers, and finds nothing wrong."""
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
        """What a server keeps or miscounts for each connection is found, and is the exit status."""
        status, told = self.soak("--leak", leak)
        assert status == 1
        assert complaint in told
        assert told.endswith("verdict: failed\n")


def soakOf(*waves: dict[str, int]) -> Soak:
    """A soak of waves of 1,000 connections, after which so much was held by the server."""
    soak = Soak()
    for number, changes in enumerate(waves):
        outcomes = [Outcome(each, "peer") for each in range(1000 if number else 0)]
        soak.take(outcomes, told(held={**HELD, **changes}), dict(HELD))
    return soak


def told(**changes: Any) -> dict[str, Any]:
    """What a server tells."""
    return {"received": {}, "wrong": [], "errors": {}, "live": 0, "outstanding": 0, "held": HELD, **changes}


class TestVerdict:
    """What is said to be wrong."""

    def test_flat(self) -> None:
        """What is filled once, before the last half of the waves, is no leak."""
        filled = {"objects": 60_000, "blocks": 90_000, "KiB": 90_000, "Deferreds": 50}
        assert soakOf({}, {}, filled, filled).complaints() == []

    @pytest.mark.parametrize(("name", "number"), [("descriptors", 10), ("delayed calls", 1), ("readers", 2)])
    def test_exact(self, name: str, number: int) -> None:
        """Descriptors, delayed calls and readers are in the end as many as in the beginning."""
        assert soakOf({}, {name: number}, {}).complaints() == []
        (complaint,) = soakOf({}, {}, {name: number}).complaints()
        assert complaint == f"the server: {number} {name}, {HELD[name]} before"

    @pytest.mark.parametrize("name", ["Deferreds", "objects", "blocks"])
    def test_growing(self, name: str) -> None:
        """One more for each connection is a leak; fewer than one for two of them may be anything."""
        waves = [{name: HELD[name] + 1000 * number} for number in range(5)]
        assert soakOf(*waves).complaints() == [f"the server: 2000 {name} more after 2000 connections"]
        assert soakOf(*({name: HELD[name] + 400 * number} for number in range(5))).complaints() == []

    def test_memory(self) -> None:
        """Memory may move by as much as the allocator has in reserve, and a KiB for each connection."""
        assert soakOf({}, {}, {"KiB": 43_000}).complaints() == []
        assert soakOf({}, {}, {"KiB": 44_000}).complaints() == ["the server: 4000 KiB more after 1000 connections"]

    def test_tooFew(self) -> None:
        """Without a half of waves to compare there is no verdict."""
        assert soakOf({}, {}).complaints() == ["there were too few waves for a verdict"]

    def test_told(self) -> None:
        """What the server has found, still holds, or has logged without being asked to."""
        soak = Soak()
        soak.take([], told(wrong=["first"], errors={"KeyError": 2, "OSError": 5}, live=3, outstanding=4), HELD)
        assert soak.wrong == [
            "first",
            "the server has logged {'KeyError': 2}",
            "the server still holds 3 protocols and 4 calls",
        ]

    def test_outstanding(self) -> None:
        """A call that has not ended."""
        soak = soakOf({}, {}, {})
        soak.tally.outstanding = 1
        assert soak.complaints() == ["1 calls of the peers have not ended"]
        assert soak.report().endswith("WRONG: 1 calls of the peers have not ended\nverdict: failed")

    @pytest.mark.parametrize(
        ("received", "orderly", "right"),
        [(5, True, True), (4, True, False), (6, True, False), (3, False, True), (2, False, False), (6, False, False)],
    )
    def test_messages(self, received: int, orderly: bool, right: bool) -> None:
        """Of five messages, three of them confirmed: all have to arrive in good order, else what was confirmed."""
        outcome = Outcome(7, "peer 7", sent=5, confirmed=3, orderly=orderly)
        soak = Soak()
        soak.take([outcome], told(received={"7": received}), HELD)
        assert (soak.wrong == []) == right

    def test_own(self) -> None:
        """What a peer itself found."""
        soak = Soak()
        soak.take([Outcome(7, "peer 7", wrong=["odd"])], told(), HELD)
        assert soak.wrong == ["peer 7: odd"]


class Protocol:
    """Stands for one of the server's."""

    def __init__(self) -> None:
        self.peer: int | None = None
        self.count = 0


class TestServer:
    """What the server counts."""

    def test_order(self) -> None:
        """A message that is lost, comes twice or is another peer's is told."""
        for messages, wrong in (([0, 1, 2], 0), ([0, 2], 1), ([0, 0], 1), ([1], 1)):
            server = Server(None)
            protocol = Protocol()
            for number in messages:
                server.accept(protocol, 5, number)
            assert len(server.wrong) == wrong
        server.accept(protocol, 6, 1)
        assert server.wrong[-1] == "peer 6: message 1 where 1 was to come"

    def test_leak(self) -> None:
        """What it is told to do wrong is done for each connection."""
        leaked: list[object] = []
        protocols = [Protocol(), Protocol()]
        server = Server(leaked.append)
        for protocol in protocols:
            server.opened(protocol)
        assert (leaked, server.connections, len(server.live)) == (protocols, 2, 2)


class TestPeers:
    """Who the peers are, and what they say."""

    def drawn(self, seed: int) -> Iterator[tuple[Any, ...]]:
        for number in range(400):
            *who, random = draw(number, seed, list(LINKS))
            yield (*who, random.random())

    def test_seed(self) -> None:
        """The same seed gives the same peers, another one others; each kind, link and fault is among them."""
        assert list(self.drawn(1)) == list(self.drawn(1)) != list(self.drawn(2))
        kinds, links, faults, _ = (set(each) for each in zip(*self.drawn(1), strict=True))
        assert (kinds, links, faults) == ({*RECEIVERS, "amp"}, set(LINKS), set(FAULTS))

    @pytest.mark.parametrize("kind", RECEIVERS)
    def test_wire(self, kind: str) -> None:
        """What one says ends where it is remembered to, each message as it is framed by nobody of the package."""
        peer = stringPeer(kind)
        peer.begin(7, kind, "tcp", "none", Random(1), Tally())
        start = 0
        for number, end in enumerate(peer.ends):
            said = peer.wire[start:end].lstrip(b"r")
            assert b"7 %d " % number in said
            start = end
        assert len(peer.ends) == peer.messages

    def test_frame(self) -> None:
        """A frame is what the package reads."""
        message = payload(1, 2, 3)
        assert frame("netstrings", message) == b"9:1 2 0 xxx,"
        assert frame("lines", message) == message + basic.LineReceiver.delimiter
        assert frame("int16", message) == b"\x00\x09" + message
