"""
The conversation: calls of the peer are answered, and answers reach our own calls.

L{BoxDispatcher} does both.  It inherits the calling half from
L{twisted_basic_ng.amp._caller.Caller}, and this file adds the answering half.  The file knows boxes
but not bytes.  An L{twisted_basic_ng.amp.IBoxSender} sends the boxes to the peer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.error import ConnectionClosed, ConnectionLost
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._places import public
from ._boxes import AmpBox, QuitBox
from ._caller import Caller
from ._constants import (
    ANSWER,
    ASK,
    COMMAND,
    DESCRIBE,
    ERROR,
    EXTENSIONS,
    PING,
    STREAM_ERROR_CODE,
    STREAM_UNSUPPORTED_CODE,
    STREAMS,
    STREAMS_FEATURE,
    TIMEOUT,
    UNHANDLED_ERROR_CODE,
    UNKNOWN_ERROR_CODE,
    UNKNOWN_ERROR_TEXT,
)
from ._currentcall import CURRENT, Asked
from ._deadlines import deadlineOf, stamp
from ._description import describe
from ._errorboxes import cutError, errorBox
from ._errors import AmpError, NoEmptyBoxes, ProtocolSwitched, RemoteAmpError, TooLong, UnhandledCommand
from ._explain import describePeerOf, nameOf
from ._interfaces import IBoxReceiver, IBoxSender
from ._overload import Overload
from ._responders import SerializingResponder
from ._responding import Responding, cancelledError, follow
from ._streamerrors import StreamError, StreamsUnsupportedError

__all__ = ["BoxDispatcher"]

_log = Logger("twisted.protocols.amp")


@implementer(IBoxReceiver)
@public("amp")
class BoxDispatcher(Caller):
    """
    Calls the peer, and answers the peer's calls.

    @ivar locator: finds the responder of a command, an L{twisted_basic_ng.amp.IResponderLocator}.
    @ivar boxSender: sends boxes to the peer, an L{twisted_basic_ng.amp.IBoxSender}.
    @ivar _outstandingRequests: the C{Deferred}s of the calls that are not answered yet, by their
        tags; C{None} after the connection is lost.  Applications read it.
    @cvar unknownErrorsAreFatal: whether the connection is closed after a responder fails with an
        error that its command does not declare, as in Twisted.  In either case, the peer gets the
        code C{UNKNOWN} and the error is logged.
    @cvar extended: whether this side has features beyond Twisted's AMP.  The peer must have them, too;
        one that has not is spoken to as ever.  C{install(extended=True)} and C{run --extended} change
        the default.
    @cvar describes: whether to tell a peer that asks, with L{twisted_basic_ng.amp.Describe}, which
        commands the methods of this side's locator respond to.
    @cvar MAX_ASKS_IN_PROGRESS: how many calls may be in progress in each direction of one
        connection; C{None} for no limit.  Above the limit, nothing is read from the peer, and this
        side's own calls wait in line.  Set it before the connection is made.
    """

    unknownErrorsAreFatal: bool = True
    describes: bool = False
    MAX_ASKS_IN_PROGRESS: int | None = None

    #: The responders that have not answered yet, by the tags of their calls, if they may be cancelled.
    _ampResponding: dict[object, Responding] | None = None

    def __init__(self, locator: Any) -> None:
        self._outstandingRequests = {}
        self.locator = locator

    def startReceivingBoxes(self, boxSender: IBoxSender) -> None:
        """Remember the object that sends the boxes."""
        self.boxSender = boxSender
        asks, unsent = self.MAX_ASKS_IN_PROGRESS, getattr(boxSender, "MAX_UNSENT_BYTES", None)
        if (asks is not None or unsent is not None) and hasattr(boxSender, "_ampHoldPeer"):
            sender: Any = boxSender
            self._ampOverload = sender._ampOverload = Overload(self, sender, asks, unsent)

    def stopReceivingBoxes(self, reason: Failure) -> None:
        """Fail every call that is not answered yet, because no answer will arrive."""
        overload, self._ampOverload = self._ampOverload, None
        if overload is not None:
            overload.forget()
        if self._ampExtensions is not None:
            self._ampExtensions.stop(reason)
        self._ampCancelledRequests = None
        for responding in [*(self._ampResponding or {}).values()]:
            responding.stop()
        self.failAllOutgoing(reason)

    def ampBoxReceived(self, box: AmpBox) -> None:
        """
        Handle a box: a call of the peer, or an answer to one of ours.

        @raise NoEmptyBoxes: the box is neither.
        @raise UnknownTagError: the box answers a call that was never made.
        """
        if ANSWER in box:
            self._answerReceived(box)
            if self._ampExtensions is not None:
                self._ampSettleStreams(box)
            return None
        if ERROR in box:
            return self._errorReceived(box)
        if COMMAND not in box:
            if self._ampExtensions is None or not self._ampExtensions.received(box):
                raise NoEmptyBoxes(box)
            return None
        overload = self._ampOverload
        if (
            self.extended is True
            and (overload is not None or box[COMMAND] == EXTENSIONS)
            and self._ampRespondAhead(box)
        ):
            return None
        return self._commandReceived(box) if overload is None else overload.receive(box)

    def _ampRespondAhead(self, box: AmpBox) -> bool:
        """Respond to a call at once if it must wait for no other.  Return whether it was one."""
        command = box[COMMAND]
        extend = getattr(self.boxSender, "_ampExtend", None)
        if command == EXTENSIONS and extend is not None and (extensions := extend()) is not None:
            self._ampSettleStreams(box)
            extensions.asked(box)
        elif command == PING:
            self._commandReceived(box)
        else:
            stamp(self, box)
            return False
        return True

    # Responding to a call of the peer.

    def _commandReceived(self, box: AmpBox) -> None:
        """
        Respond to a call, and send the answer if the caller wants one.  Applications override it.
        """
        tag = box.get(ASK)
        try:
            isOwn = self.dispatchCommand.__func__ is _DISPATCH_COMMAND  # type: ignore[attr-defined]
        except AttributeError:
            isOwn = False
        answer: Any = self._ampDispatch(box) if isOwn else self.dispatchCommand(box)
        if self._ampExtensions is not None:
            self._ampSettleStreams(box, answer)
        if isinstance(answer, AmpBox):
            # An answer that is available now needs no Deferred, since nobody would see it.
            if tag is not None:
                try:
                    answer[ANSWER] = tag
                    try:
                        self._safeEmit(answer)
                    except (TooLong, TypeError):
                        self._ampEmitInstead(tag, answer)
                except BaseException:
                    fail().addErrback(self.unhandledError)
            return
        if tag is not None:
            answer.addCallbacks(partial(_addTag, tag), partial(self._ampAsError, tag, box.get(COMMAND)))
            answer.addCallback(partial(self._ampEmitAnswer, tag, self._safeEmit))
        answer.addErrback(self.unhandledError)
        if self._ampOverload is not None:
            self._ampOverload.countUntilAnswered(answer)

    def dispatchCommand(self, box: AmpBox) -> Deferred[AmpBox]:
        """
        Let the responder that the locator finds respond to a call.  Applications override it.

        @return: a C{Deferred} of the answer box.
        """
        answer: Any = self._ampDispatch(box)
        return succeed(answer) if isinstance(answer, AmpBox) else answer

    def _ampDispatch(self, box: AmpBox) -> AmpBox | Deferred[AmpBox]:
        """
        Like L{dispatchCommand}, but return an answer that is available now without a C{Deferred}.
        """
        command = box[COMMAND]
        responder: Any = self.locator.locateResponder(command)
        if responder is None:
            if self.extended is True and command == PING:
                return AmpBox()
            if self.describes is True and command == DESCRIBE:
                return describe(self.locator)
            return fail(
                RemoteAmpError(
                    UNHANDLED_ERROR_CODE,
                    f"Unhandled Command: {command!r}",
                    local=Failure(UnhandledCommand()),
                )
            )
        isExtended = self.extended is True  # a subclass may have something else of that name
        isSerializing = type(responder) is SerializingResponder
        deadline: Any = None
        if isExtended:
            if TIMEOUT in box:
                deadline = deadlineOf(self, box)
                if deadline is not None and not deadline.left():
                    return deadline.refusal(box)  # type: ignore[no-any-return]
            asked: Asked = (self, command, responder._command if isSerializing else None, deadline, [])
        else:
            asked = (self, command, responder._command if isSerializing else None, None, None)
        before = CURRENT.set(asked)
        try:
            answer: Any = responder.respond(box) if isSerializing else maybeDeferred(responder, box)
            answer = answer if isinstance(answer, (AmpBox, Deferred)) else succeed(answer)
        except BaseException:
            answer = fail()
        CURRENT.reset(before)
        if isExtended and (deadline is not None or type(answer) is not AmpBox):
            follow(self, box, asked, answer)
        return answer  # type: ignore[no-any-return]

    def _ampCancelAsked(self, tag: bytes) -> None:
        """Cancel the responder to a call of the peer, if it has not answered yet."""
        responding = (self._ampResponding or {}).get(tag)
        if responding is not None:
            responding.cancel()
        elif self._ampOverload is not None:
            self._ampOverload.cancelKept(tag)

    def _ampSettleStreams(self, box: AmpBox, answer: Any = None) -> None:
        """Stop the streams of C{box} that nobody reads, and all of them if C{answer} fails."""
        if self._ampExtensions is not None and STREAMS in box:
            self._ampExtensions.feature(STREAMS_FEATURE).settle(box, answer)

    def _ampAnswerCancelled(self, box: AmpBox) -> None:
        """Answer a call that was cancelled before its responder was called."""
        self._ampSettleStreams(box)
        self._safeEmit(self._ampAsError(box[ASK], box[COMMAND], Failure(cancelledError(box[COMMAND]))))

    def _ampChangesConnection(self, box: AmpBox) -> bool:
        """Whether C{box} is a call whose command declares that it changes the connection."""
        declared = getattr(self.locator, "_commandDispatch", {}).get(box[COMMAND])
        return declared is not None and getattr(declared[0], "_ampChangesConnection", False)

    # Sending the answer.

    def _ampAsError(self, tag: bytes, command: bytes | None, error: Failure) -> AmpBox:
        """Make the box that answers C{command} with C{error}."""
        if self.extended and (error.check(StreamError) or self._ampIsLoss(error)):
            code = STREAM_UNSUPPORTED_CODE if error.check(StreamsUnsupportedError) else STREAM_ERROR_CODE
            return errorBox(AmpBox, tag, code, str(error.value).encode("utf-8", "replace"))
        if not error.check(RemoteAmpError):
            _log.failure(
                "while receiving response to command {command}, called by {peer}, who is told {code}{advice}",
                error,
                command=nameOf(command),
                peer=describePeerOf(self.boxSender),
                code=UNKNOWN_ERROR_CODE.decode(),
                advice=""
                if error.check(AmpError)
                else f"; {nameOf(command)}.errors may declare {type(error.value).__name__}",
            )
            return self._ampUnknownError(tag)
        remote: Any = error.value
        description = remote.description
        if isinstance(description, str):
            description = description.encode("utf-8", "replace")
        # While the caller of such a command waits, it cannot be asked what it understands.
        isCut = self.extended is not True or self._ampChangesConnection(AmpBox({COMMAND: command}))
        return errorBox(QuitBox if remote.fatal else AmpBox, tag, remote.errorCode, description, isCut)

    def _ampIsLoss(self, error: Failure) -> bool:
        """Whether C{error} says that this connection is lost, to a responder that read a stream."""
        return getattr(self.boxSender, "_ampIsLost", False) and bool(error.check(ConnectionClosed))

    def _ampUnknownError(self, tag: bytes) -> AmpBox:
        """Make the box that reports an unknown error, without details."""
        kind = QuitBox if self.unknownErrorsAreFatal else AmpBox
        return errorBox(kind, tag, UNKNOWN_ERROR_CODE, UNKNOWN_ERROR_TEXT.encode())

    # Differs from Twisted: the caller of a command whose answer cannot be written gets an error.

    def _ampEmitAnswer(self, tag: bytes, emit: Callable[[AmpBox], object], box: AmpBox) -> None:
        """
        Send the box that answers a call.

        @param emit: the value of C{_safeEmit} when the call arrived.
        """
        try:
            emit(box)
        except (TooLong, TypeError):
            self._ampEmitInstead(tag, box)

    def _ampFailAnswer(self, box: AmpBox, error: Failure) -> None:
        """
        Answer with an error box for C{error}, because C{box} has waited in line and could not be
        sent.
        """
        try:
            error.raiseException()
        except BaseException:
            try:
                self._ampEmitInstead(box[ANSWER] if ANSWER in box else box[ERROR], box)
            except BaseException:
                fail().addErrback(self.unhandledError)

    def _ampEmitInstead(self, tag: bytes, box: AmpBox) -> None:
        """
        Answer with an error box for the current exception, because the answer itself could not be
        sent.
        """
        if not _isOnlySent(box):
            raise  # noqa: PLE0704 - an effect of the box failed, and the box itself is on its way
        if cutError(box):
            self._safeEmit(box)
            return
        error = sys.exc_info()[1]
        if isinstance(error, StreamsUnsupportedError):
            self._safeEmit(errorBox(AmpBox, tag, STREAM_UNSUPPORTED_CODE, str(error).encode()))
            return
        _log.failure(
            "while sending the answer to a command, called by {peer}, who is told {code} in its place",
            peer=describePeerOf(self.boxSender),
            code=UNKNOWN_ERROR_CODE.decode(),
        )
        self._safeEmit(self._ampUnknownError(tag))

    def _safeEmit(self, aBox: AmpBox) -> None:
        """
        Send a box if the connection still exists and has not switched.  Applications override it.
        """
        try:
            aBox._sendTo(self.boxSender)
        except (ProtocolSwitched, ConnectionLost):
            pass


#: Kept to notice when an application replaces this method of the class.
_DISPATCH_COMMAND: Final = BoxDispatcher.dispatchCommand


def _nothing() -> None:
    """Stand for the agreement of a box sender that is not one of our protocols."""


def _addTag(tag: bytes, box: AmpBox) -> AmpBox:
    """Make C{box} the answer to the call with this tag."""
    box[ANSWER] = tag
    return box


def _isOnlySent(box: AmpBox) -> bool:
    """Whether C{box} has no effect but to be sent, and perhaps to close the connection after it."""
    return type(box)._sendTo in (AmpBox._sendTo, QuitBox._sendTo)
