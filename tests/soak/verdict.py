"""
What a soak has measured, and whether that is as it should be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .peers import Outcome, Tally

__all__ = ["EXPECTED_ERRORS", "Soak", "Wave"]

#: What has to be back where it began after each wave, exactly.
_EXACT = ("descriptors", "delayed calls", "readers")

#: What the server may log: the error that is asked for, and calls back to a peer that has gone; where it had just begun
#: TLS, that is taken for its verdict on the certificate, as in Twisted.
EXPECTED_ERRORS = {"OSError", "ConnectionLost", "ConnectionDone", "Error", "PeerVerifyError"}

#: How many of them may be more without being a leak: what is made when it is needed for the first time.
_SPARE = {"Deferreds": 8, "objects": 200, "blocks": 400}

#: How much memory may move without being a leak, in KiB: what the allocator and OpenSSL hold in reserve.
_RESERVE = 2048


@dataclass
class Wave:
    """
    What is held after a wave.

    @ivar connections: how many there were so far.
    @ivar server: by its name, what the server's process holds.
    @ivar peers: what the peers' process holds.
    """

    connections: int
    server: dict[str, int]
    peers: dict[str, int]


@dataclass
class Soak:
    """
    All that is known of a soak.

    @ivar waves: what is held, in the beginning and after each wave.
    @ivar wrong: what should not have happened.
    """

    tally: Tally = field(default_factory=Tally)
    waves: list[Wave] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def take(self, outcomes: list[Outcome], told: dict[str, Any], peers: dict[str, int]) -> None:
        """Compare what a wave's peers know with what the server has told after it."""
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
        """Was everything received that has to be, and nothing else?"""
        least = outcome.sent if outcome.orderly else outcome.confirmed
        if least <= received <= outcome.sent:
            return []
        return [f"{outcome.what}: the server got {received} of {outcome.sent} messages, {outcome.confirmed} confirmed"]

    def complaints(self) -> list[str]:
        """Say all that is not as it should be."""
        if len(self.waves) < 3:
            return [*self.wrong, "there were too few waves for a verdict"]
        return self.wrong + self._leaks("server") + self._leaks("peers") + self._unended()

    def _unended(self) -> list[str]:
        """Are there calls that came to no end?"""
        left = self.tally.outstanding
        return [f"{left} calls of the peers have not ended"] if left else []

    def _leaks(self, who: str) -> list[str]:
        """
        Find what one process holds and should not.

        The first half of the waves fills what is filled once; in the second half nothing may grow with the connections.
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
        """All the numbers, and the verdict."""
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
