"""
C{cancel}: a call that is cancelled is cancelled at the peer as well.

The caller sends a box with the key C{_cancel}, the tag of the call.  The peer cancels the responder
and still answers the call, usually with the error code C{CANCELLED}.  A tag that the peer does not
know, or has answered, means nothing.

This file knows the agreement, and dispatchers by what they have to cancel.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from ._boxes import AmpBox
from ._constants import CANCEL, CANCEL_FEATURE
from ._errors import ProtocolSwitched
from ._features import Feature, register

__all__ = ["Cancel"]


@register
class Cancel(Feature):
    """
    The cancelled calls of both sides.
    """

    name = CANCEL_FEATURE
    keys = (CANCEL,)

    def __init__(self, extensions: Any) -> None:
        super().__init__(extensions)
        # The tags of cancelled calls that the peer has not been told about.
        self._untold: dict[bytes, None] = {}

    def cancelled(self, tag: bytes) -> None:
        """Tell the peer that one of our calls was cancelled, or ask whether it can be told."""
        self._untold[tag] = None
        if self.extensions.known is None:
            self.extensions.ask()
        else:
            self.learned()

    def learned(self) -> None:
        """Tell the peer of the calls that it has not answered meanwhile, if it understands that."""
        untold, self._untold = self._untold, {}
        if not self.extensions.has(CANCEL_FEATURE):
            return
        dropped = self.extensions.dispatcher._ampCancelledRequests or ()
        for tag in untold:
            if tag in dropped:
                try:
                    self.extensions.sender.sendBox(AmpBox({CANCEL: tag}))
                except (ConnectionLost, ProtocolSwitched):
                    return

    def received(self, box: AmpBox) -> None:
        """Cancel a call of the peer."""
        self.extensions.dispatcher._ampCancelAsked(box[CANCEL])

    def restart(self) -> None:
        """Ask again, if there is something to tell."""
        if self._untold:
            self.extensions.ask()

    def stop(self, reason: Failure) -> None:
        """Forget the cancelled calls."""
        self._untold.clear()
