"""
Copies and pickles of a receiver.

The undelivered bytes are saved as a plain attribute, as Twisted's receivers save them.  A copy finds
them there when it needs them, however it restores its state.
"""

from __future__ import annotations

from typing import Any

from .connection import Connection

__all__ = ["saved"]


def saved(receiver: Any, reduced: Any) -> Any:
    """
    Turn the undelivered bytes into a plain attribute.

    @param receiver: the receiver that is copied.
    @param reduced: what C{object.__reduce_ex__} returned for it.  Applications may return a form
        of their own.
    """
    if not isinstance(reduced, tuple) or len(reduced) < 3:
        return reduced
    state = reduced[2]
    if isinstance(state, tuple):  # a class with slots
        return (*reduced[:2], (_savedState(receiver, state[0]), *state[1:]), *reduced[3:])
    return (*reduced[:2], _savedState(receiver, state), *reduced[3:])


def _savedState(receiver: Any, state: Any) -> Any:
    if not isinstance(state, dict) or state.get("_receiverConnection") is None:
        return state
    state = {**state}
    connection: Connection = state.pop("_receiverConnection")
    if connection.pins is not None:
        connection.pins.omit(state)
    undelivered = receiver._receiverUndelivered(connection)
    if undelivered:
        state[receiver._receiverSaved] = undelivered
        state["_receiverIsCopy"] = True
    return state
