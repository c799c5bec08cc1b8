"""
The call that is being responded to, for the code that responds.

A context variable holds it.  Coroutines and C{inlineCallbacks} keep the context that they begin in, so they see
their own call behind every C{await}.  L{twisted_basic_ng.amp._calls.Call} sees to the callbacks of a call to the peer.
A callback of any other C{Deferred} runs in the context of the code that fires it.

This file knows dispatchers and commands only by their attributes.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final, TypeAlias

from .._places import public

__all__ = ["CURRENT", "Asked", "CurrentCall", "currentCall"]


#: The dispatcher that received a call, the command's name on the wire, the command, which is C{None} if the responder
#: was not declared for one, the deadline, if there is one, and a list that is not empty once the call was cancelled, if
#: it can be.  A plain tuple, as one is made for each call; its identity is that of the call.
Asked: TypeAlias = "tuple[Any, bytes, Any, Any, list[bool] | None]"

#: The call whose responder runs, C{None} outside of any.
CURRENT: Final[ContextVar[Asked | None]] = ContextVar("twisted_basic_ng.amp.currentCall", default=None)


@public("amp")
class CurrentCall:
    """
    A call of the peer, as its responder sees it.

    Two of these are equal if they stand for the same call.
    """

    __slots__ = ("_ampAsked",)

    def __init__(self, asked: Asked) -> None:
        self._ampAsked = asked

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CurrentCall) and self._ampAsked is other._ampAsked

    def __hash__(self) -> int:
        return id(self._ampAsked)

    def __repr__(self) -> str:
        return f"<CurrentCall of {self.commandName!r} from {self.peer}>"

    @property
    def protocol(self) -> Any:
        """The protocol that received the call, an L{twisted_basic_ng.amp.AMP} mostly: C{callRemote} calls back."""
        return self._ampAsked[0]

    @property
    def command(self) -> Any:
        """The L{twisted_basic_ng.amp.Command} that is called; C{None} if the responder was not declared for one."""
        return self._ampAsked[2]

    @property
    def commandName(self) -> bytes:
        """The command's name on the wire."""
        return self._ampAsked[1]

    @property
    def peer(self) -> Any:
        """The peer's address; C{None} if it is not known."""
        dispatcher = self._ampAsked[0]
        for each in (dispatcher, dispatcher.boxSender):
            address = getattr(each, "_transportPeer", None)
            if address is not None:
                return address
        getPeer = getattr(getattr(dispatcher.boxSender, "transport", None), "getPeer", None)
        return None if getPeer is None else getPeer()

    @property
    def peerCertificate(self) -> Any:
        """The peer's certificate, a C{Certificate}; C{None} without TLS, or if the peer has shown none."""
        sender = self._ampAsked[0].boxSender
        if not hasattr(getattr(sender, "transport", None), "getPeerCertificate"):
            return None
        try:
            return sender.peerCertificate
        except Exception:  # CertificateError: pyOpenSSL, which defines it, may not be there
            return None

    @property
    def deadline(self) -> float | None:
        """In how many seconds the caller stops waiting; C{None} if it has not said so, or is answered."""
        deadline = self._ampAsked[3]
        return None if deadline is None or deadline.isAnswered else deadline.left()

    @property
    def isCancelled(self) -> bool:
        """Whether the caller has cancelled the call, or its deadline has passed; needs C{extended}."""
        return bool(self._ampAsked[4])


@public("amp")
def currentCall() -> CurrentCall | None:
    """
    Find the call that this code responds to.

    @return: the call; C{None} outside of a responder.  A coroutine sees its own call at any time, and so do callbacks
        of the C{Deferred} that C{callRemote} returns.  In a callback of another C{Deferred} it is the call of the
        code that fires it: look in the responder, and keep the result.
    """
    asked = CURRENT.get()
    return None if asked is None else CurrentCall(asked)
