"""
The features beyond Twisted's AMP, by their names: a feature of a connection is a L{Feature}, and
the file that defines it registers it here.

This file knows no feature, and nothing of connections.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeVar

from twisted.python.failure import Failure

from ._arguments import String
from ._boxes import AmpBox
from ._lists import ListOf

__all__ = ["FEATURES", "NAMES", "OBSERVERS", "OWNERS", "Feature", "readNames", "register"]

#: How the names of features are written.
NAMES: Final = ListOf(String())


class Feature:
    """
    A feature on one connection.  It is made when it is first used.

    @cvar name: the name of the feature in the agreement.
    @cvar keys: its reserved keys.  A box that has one of them, and that is neither a call nor an
        answer, is passed to L{received}.
    @cvar seesAll: whether each box that arrives is passed to L{arriving}.
    @ivar extensions: the agreement of the connection, an
        L{twisted_basic_ng.amp._extensions.Extensions}.
    """

    name: ClassVar[bytes]
    keys: ClassVar[tuple[bytes, ...]] = ()
    seesAll: ClassVar[bool] = False

    def __init__(self, extensions: Any) -> None:
        self.extensions = extensions

    def received(self, box: AmpBox) -> None:
        """Handle a box of the peer that has one of the reserved keys."""

    def arriving(self, box: AmpBox) -> AmpBox | None:
        """Return the box to deliver in place of one that has arrived; C{None} for none yet."""
        return box

    def changing(self) -> None:
        """Note that a call is about to be sent that changes the connection."""

    def learned(self) -> None:
        """Go on, because it is known by now what the peer has."""

    def isBusy(self) -> bool:
        """Whether something of this feature is under way, so that the connection cannot be left yet."""
        return False

    def restart(self) -> None:
        """Drop what was agreed in plaintext, because TLS starts."""

    def stop(self, reason: Failure) -> None:
        """End, because no more boxes can be sent or received."""


_Feature = TypeVar("_Feature", bound=type[Feature])

#: The registered features, by their names.
FEATURES: Final[dict[bytes, type[Feature]]] = {}

#: The names of the features, by their reserved keys.
OWNERS: Final[dict[bytes, bytes]] = {}


#: The names of the features that see each box.
OBSERVERS: Final[list[bytes]] = []


def register(kind: _Feature) -> _Feature:
    """Offer a feature to every peer that asks.  Use it as a decorator."""
    FEATURES[kind.name] = kind
    if kind.seesAll:
        OBSERVERS.append(kind.name)
    for key in kind.keys:
        OWNERS[key] = kind.name
    return kind


def readNames(value: bytes | None) -> frozenset[bytes]:
    """Read a list of features, and leave out those that this side has not got."""
    return frozenset() if value is None else frozenset(NAMES.fromString(value)) & FEATURES.keys()
