"""
The measurements of a soak, and the verdict on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .peers import Outcome, Tally

__all__ = ["EXPECTED_ERRORS", "Soak", "Wave"]

#: The resources that must be exactly the same after each wave as at the beginning.
_EXACT = ("descriptors", "delayed calls", "readers")

#: The errors that the server may log: the requested one, and failed calls to a peer that has
#: disconnected.  If the connection ends just after TLS has started, AMP reports that as a verdict
#: on the certificate, as Twisted's does.
EXPECTED_ERRORS = {"OSError", "ConnectionLost", "ConnectionDone", "Error", "PeerVerifyError"}

#: How much the counts may grow without being a leak, for objects that are created on first use.
_SPARE = {"Deferreds": 8, "objects": 200, "blocks": 400}

#: How much the memory may grow without being a leak, in KiB, for reserves of the allocator and
#: OpenSSL.
_RESERVE = 2048


@dataclass
class Wave:
    """
    The resources after a wave.

    @ivar connections: the number of connections so far.
    @ivar server: the resources of the server's process, by name.
    @ivar peers: the resources of the peers' process.
    """

    connections: int
    server: dict[str, int]
    peers: dict[str, int]


@dataclass
class Soak:
    """
    All results of a soak.

    @ivar waves: the resources at the beginning and after each wave.
    @ivar wrong: descriptions of errors.
    """

    tally: Tally = field(default_factory=Tally)
    waves: list[Wave] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def take(self, outcomes: list[Outcome], told: dict[str, Any], peers: dict[str, int]) -> None:
        """Compare the outcomes of a wave's peers with the server's report."""
        for outcome in outcomes:
            self.wrong += [f"{outcome.what}: {each}" for each in outcome.wrong]
            self.wrong += self._compare(outcome, told["received"].get(str(outcome.number), 0))
        self.wrong += told["wrong"]
        unexpected = {name: number for name, number in told["errors"].items() if name not in EXPECTED_ERRORS}
        if unexpected:
            self.wrong.append(f"the server has logged {unexpected}")
        if told["live"] or told["outstanding"]:
            self.wrong.append(f"the server still holds {told['live']} protocols and {told['outstanding']} calls")
        done = self.waves[-1].connections if self.waves else 0
        self.waves.append(Wave(done + len(outcomes), told["held"], peers))

    @staticmethod
    def _compare(outcome: Outcome, received: int) -> list[str]:
        """Check that the server received every message that it must have, and no others."""
        least = outcome.sent if outcome.orderly else outcome.confirmed
        if least <= received <= outcome.sent:
            return []
        return [f"{outcome.what}: the server got {received} of {outcome.sent} messages, {outcome.confirmed} confirmed"]

    def complaints(self) -> list[str]:
        """Return all complaints."""
        if len(self.waves) < 3:
            return [*self.wrong, "there were too few waves for a verdict"]
        return self.wrong + self._leaks("server") + self._leaks("peers") + self._unended()

    def _unended(self) -> list[str]:
        """Report calls that have not ended."""
        left = self.tally.outstanding
        return [f"{left} calls of the peers have not ended"] if left else []

    def _leaks(self, who: str) -> list[str]:
        """
        Find the leaks of one process.

        The first half of the waves fills caches and pools.  In the second half, nothing may grow
        with the number of connections.
        """
        first, middle, last = self.waves[0], self.waves[len(self.waves) // 2], self.waves[-1]
        connections = last.connections - middle.connections
        begun, settled, now = (getattr(each, who) for each in (first, middle, last))
        found = [f"the {who}: {now[name]} {name}, {begun[name]} before" for name in _EXACT if now[name] != begun[name]]
        for name, spare in _SPARE.items():
            growth = now[name] - settled[name]
            if growth > spare + connections / 2:
                found.append(f"the {who}: {growth} {name} more after {connections} connections")
        growth = now["KiB"] - settled["KiB"]
        if growth > _RESERVE + connections:
            found.append(f"the {who}: {growth} KiB more after {connections} connections")
        return found

    def report(self) -> str:
        """Return all numbers, and the verdict."""
        tally = self.tally
        rows = [
            f"connections  {sum(tally.connections.values())}: {_told(tally.connections)}",
            f"faults       {sum(tally.faults.values())}: {_told(tally.faults)}",
            f"messages     {tally.messages} sent, {tally.confirmed} confirmed",
            f"calls        {tally.asked} made, {tally.outstanding} not ended; ended: {_told(tally.ended)}",
            f"StartTLS     on {tally.secured} connections",
        ]
        for who in ("server", "peers"):
            rows.append(f"{who}: held in the beginning, and after so many connections")
            names = list(getattr(self.waves[0], who))
            rows.append("".join(f"{name:>14}" for name in ("connections", *names)))
            for wave in self.waves:
                held = getattr(wave, who)
                rows.append("".join(f"{number:>14}" for number in (wave.connections, *(held[name] for name in names))))
        complaints = self.complaints()
        rows += [f"WRONG: {each}" for each in complaints[:20]]
        if len(complaints) > 20:
            rows.append(f"... and {len(complaints) - 20} more")
        rows.append("verdict: " + ("failed" if complaints else "nothing is lost, nothing stays behind"))
        return "\n".join(rows)


def _told(counts: Any) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
