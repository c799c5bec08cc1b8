"""
The definition of a run.  Everything is drawn from its number and the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from twisted_basic_ng.amp._tlssupport import currentSSL

__all__ = ["CHANGES", "LINKS", "SIDES", "Scenario", "draw"]

#: The links between the two ends.  C{"memory"} needs no reactor, and moves bytes in any order that
#: a network may.
LINKS = ("memory", "tcp", "unix", "tls")

#: The implementations of the two ends.  The first one opens the connection.
SIDES = (("ours", "ours"), ("ours", "ours"), ("ours", "stock"), ("stock", "ours"))

#: The changes of the connection in the middle of the calls.
CHANGES = ("none", "none", "tls", "tls", "switch")

#: The bounds: none, so small that one call exceeds them, medium, and so large that they are never
#: reached.
_ASKS = (None, None, 0, 1, 2, 5, 20, 10_000)
_UNSENT = (None, 0, 30, 100, 400, 3000, 20_000, 10**7)

#: The sizes of loads: minimum and maximum.
_SIZES = ((0, 0), (0, 50), (0, 300), (100, 3000), (0, 20_000))


@dataclass(frozen=True)
class Scenario:
    """
    One run.

    @ivar name: the arguments that repeat it.
    @ivar sides: the implementations of its ends.
    @ivar bounds: for each end, how many calls may be in progress and how many bytes may be unsent.
    @ivar anyway: how many bytes may be kept under any bound, in place of the package's own number.
    @ivar change: how the connection changes.
    @ivar changer: the end that asks for the change.
    @ivar calls: how many calls each end makes.
    @ivar atOnce: the share of calls to make at once.
    @ivar loads: the minimum and maximum size of calls.
    @ivar answers: the minimum and maximum size of answers.
    @ivar later: the share of calls that are answered later.
    @ivar notes: for each end, the share of calls without an answer.
    @ivar gives: the share of calls with descriptors.
    @ivar polls: how many calls each end makes first that are answered only after everything else
        has ended.
    @ivar backs: the share of the first end's calls that are answered after a call back.
    @ivar cancels: how many calls are cancelled.
    @ivar pauses: how often an end is paused.
    @ivar network: how many bytes the network holds, in memory.
    @ivar enough: how many bytes a transport buffers before it pauses its producer, in memory.
    """

    name: str
    link: str
    sides: tuple[str, str]
    bounds: tuple[tuple[int | None, int | None], tuple[int | None, int | None]]
    anyway: int | None
    change: str
    changer: int
    calls: tuple[int, int]
    atOnce: float
    loads: tuple[int, int]
    answers: tuple[int, int]
    later: float
    notes: tuple[float, float]
    gives: float
    polls: int
    backs: float
    cancels: int
    pauses: int
    network: int
    enough: int

    @property
    def volume(self) -> int:
        """The approximate number of bytes that are sent."""
        return sum(self.calls) * (sum(self.loads) + sum(self.answers) + 200) // 2

    @property
    def hasDescriptors(self) -> bool:
        """Whether descriptors may be sent."""
        return self.gives > 0


def _bounds(random: Random) -> tuple[int | None, int | None]:
    return random.choice(_ASKS), random.choice(_UNSENT)


def _hasRoom(bounds: tuple[int | None, int | None]) -> bool:
    asks, unsent = bounds
    return (asks is None or asks > 2) and (unsent is None or unsent >= 100)


def _flood(random: Random, name: str, link: str, change: str, changer: int) -> Scenario:
    """Both ends make all calls at once, under bounds of a few calls."""
    count = 100 if link == "memory" else 400
    return Scenario(
        name=name,
        link=link,
        sides=("ours", "ours"),
        bounds=((None, random.choice((100, 400, 3000))), (None, random.choice((100, 400, 3000)))),
        anyway=0,
        change=change,
        changer=changer,
        calls=(count, count),
        atOnce=1.0,
        loads=random.choice(((0, 100), (0, 300))),
        answers=random.choice(((0, 300), (100, 3000))),
        later=0.0,
        notes=(random.choice((0.0, 0.3, 0.6, 0.9)), random.choice((0.0, 0.3, 0.6, 0.9))),
        gives=0.0,
        polls=random.choice((0, 0, 1)) if change != "switch" else 0,
        backs=0.0,
        cancels=0,
        pauses=0,
        network=random.choice((300, 5000)) if link == "memory" else 0,
        enough=random.choice((1, 64)),
    )


def draw(seed: int, number: int, link: str) -> Scenario:
    """Draw a run over C{link}."""
    random = Random(f"{seed}.{number}.{link}")
    sides = random.choice(SIDES)
    change = random.choice(CHANGES)
    if change == "tls" and (link == "tls" or currentSSL() is None):
        change = "none"
    bounds = _bounds(random), _bounds(random)
    if random.random() < 0.25:
        bounds = bounds[0], bounds[0]
    # Twisted's AMP can start TLS only from the end that opened the connection.
    changer = random.randrange(2) if change == "switch" or sides == ("ours", "ours") else 0
    # Twisted's AMP also sends the descriptors of answers that it cannot send, and then loses the
    # connection.
    isSafe = change == "none" or (change == "switch" and "stock" not in sides)
    hasDescriptors = link in ("memory", "unix") and isSafe and random.random() < 0.5
    network = random.choice((20, 300, 5000, 50_000)) if link == "memory" else 0
    sizes = _SIZES if network > 1000 or not network else _SIZES[:3]
    anyway = random.choice((None, 0, 0, 500, 5000))
    most = 60 if link == "memory" else 200
    if random.random() < 0.25:
        return _flood(random, f"--seed {seed} --only {number} --links {link}", link, change, changer)
    return Scenario(
        name=f"--seed {seed} --only {number} --links {link}",
        link=link,
        sides=sides,
        bounds=bounds,
        anyway=anyway,
        change=change,
        changer=changer,
        calls=(random.randint(1, most), random.choice((0, random.randint(1, most), random.randint(1, most)))),
        atOnce=random.choice((0.0, 0.5, 1.0, 1.0)),
        loads=random.choice(sizes),
        answers=random.choice(sizes),
        later=random.choice((0.0, 0.2, 1.0)),
        notes=(random.choice((0.0, 0.2, 0.8)), random.choice((0.0, 0.2, 0.8, 1.0))),
        gives=random.choice((0.1, 0.5, 1.0)) if hasDescriptors else 0.0,
        # One poll fits under any bound, and then it is the only call in progress.
        polls=random.choice((0, 1)) if change != "switch" and all(map(_hasRoom, bounds)) else 0,
        backs=random.choice((0.0, 0.5, 1.0)) if anyway is None else 0.0,
        cancels=random.choice((0, 0, 3, 30)),
        pauses=random.choice((0, 0, 2, 6)),
        network=network,
        enough=random.choice((1, 64, 5000)),
    )
