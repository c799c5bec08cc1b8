"""
C{streams}: the feature of a connection.

It makes the table of the connection when the first stream comes, and passes it the boxes of the
peer.  A stream that a call or an answer announces belongs to it: if no value takes the stream, or
the call fails, the stream is stopped.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ._boxes import AmpBox
from ._constants import ANSWER, COMMAND, ERROR, STREAM, STREAM_FAILED_CODE, STREAMS, STREAMS_FEATURE
from ._features import Feature, register
from ._streamerrors import StreamViolationError
from ._streams import StreamTable

__all__ = ["Streams"]


@register
class Streams(Feature):
    """
    The streams of one connection.
    """

    name = STREAMS_FEATURE
    keys = (STREAM,)
    seesAll = True

    _table: StreamTable | None = None

    @property
    def table(self) -> StreamTable:
        """The streams of the connection."""
        if self._table is None:
            sender = self.extensions.sender
            self._table = sender._ampStreams = StreamTable(sender, _soon(), self.extensions.quieten)
        return self._table

    def arriving(self, box: AmpBox) -> AmpBox | None:
        """Open the streams that a call or an answer announces.  In any other box, the key means nothing."""
        if STREAMS in box and (ANSWER in box or (COMMAND in box and ERROR not in box)):
            try:
                self.table.open(box)
            except StreamViolationError as error:
                self.extensions.sender._ampRefuse(error)
                return None
        return box

    def received(self, box: AmpBox) -> None:
        """Handle a box of a stream."""
        try:
            self.table.received(box)
        except StreamViolationError as error:
            self.extensions.sender._ampRefuse(error)

    def settle(self, box: AmpBox, answer: Any = None) -> None:
        """
        Stop the streams of a box that no value has taken.

        @param answer: what the responder to the box gives: if it fails, all streams of the box are
            stopped.
        """
        inboxes = self.table.settle(box)
        if isinstance(answer, Deferred):

            def failed(error: Failure) -> Failure:
                for inbox in inboxes:
                    inbox.stop(STREAM_FAILED_CODE, "")
                return error

            answer.addErrback(failed)

    def isBusy(self) -> bool:
        """Whether a stream is under way."""
        return self._table is not None and self._table.isBusy()

    def changing(self) -> None:
        """End all streams, because the connection is about to change."""
        if self._table is not None:
            self._table.endAll("the connection changes")

    def restart(self) -> None:
        """Forget all streams, because TLS starts."""
        if self._table is not None:
            self._table.startOver()

    def stop(self, reason: Failure) -> None:
        """End all streams, because the connection is lost."""
        if self._table is not None:
            self.extensions.sender._ampStreams = None
            self._table.lose(reason)


def _soon() -> Any:
    """Find the function that calls another one in a later turn of the reactor."""
    from twisted.internet import reactor

    return reactor.callFromThread  # type: ignore[attr-defined]
