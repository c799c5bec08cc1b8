"""
The conversation: calls of the peer are answered, and answers reach our own calls.

L{BoxDispatcher} is both halves of it.  The calling half is L{twisted_basic_ng.amp._caller.Caller}; this file adds the
answering half.  It knows boxes and no bytes: an L{twisted_basic_ng.amp.IBoxSender} takes boxes to the peer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._places import public
from ._boxes import AmpBox, QuitBox
from ._caller import Caller
from ._constants import ANSWER, ASK, COMMAND, ERROR, PING, UNHANDLED_ERROR_CODE, UNKNOWN_ERROR_CODE, UNKNOWN_ERROR_TEXT
from ._currentcall import CURRENT
from ._deadlines import deadlineOf, stamp
from ._errorboxes import errorBox
from ._errors import AmpError, NoEmptyBoxes, ProtocolSwitched, RemoteAmpError, TooLong, UnhandledCommand
from ._explain import describePeerOf, nameOf
from ._interfaces import IBoxReceiver, IBoxSender
from ._overload import Overload
from ._responders import SerializingResponder

__all__ = ["BoxDispatcher"]

_log = Logger("twisted.protocols.amp")


@implementer(IBoxReceiver)
@public("amp")
class BoxDispatcher(Caller):
    """
    Calls the peer, and has the peer's calls answered.

    @ivar locator: finds the responder to a command, an L{twisted_basic_ng.amp.IResponderLocator}.
    @ivar boxSender: takes boxes to the peer.
    @ivar _outstandingRequests: by their tags, the C{Deferred}s of the calls that are not answered yet; C{None} when the
        connection is gone.  Applications look there.
    @cvar unknownErrorsAreFatal: whether the connection is closed after a responder failed with an error that its
        command does not declare, as in Twisted.  The peer is told C{UNKNOWN} in any case, and the error is logged.
    @cvar extended: whether this side does for a peer what goes beyond Twisted's AMP: it cancels a responder at the
        deadline that the peer has sent with its call, and answers pings.
    @cvar MAX_ASKS_IN_PROGRESS: how many calls may be in progress on one connection, in each direction; C{None} for any
        number.  With more, nothing is read from the peer, and calls of one's own wait in line.  Set it before the
        connection is made.
    """

    unknownErrorsAreFatal: bool = True
    extended: bool = False
    MAX_ASKS_IN_PROGRESS: int | None = None

    #: The responders that will be cancelled at their deadline.
    _ampResponding: dict[Any, None] | None = None

    def __init__(self, locator: Any) -> None:
        self._outstandingRequests = {}
        self.locator = locator

    def startReceivingBoxes(self, boxSender: IBoxSender) -> None:
        """Take the object that boxes are sent to."""
        self.boxSender = boxSender
        asks, unsent = self.MAX_ASKS_IN_PROGRESS, getattr(boxSender, "MAX_UNSENT_BYTES", None)
        if (asks is not None or unsent is not None) and hasattr(boxSender, "_ampHoldPeer"):
            sender: Any = boxSender
            self._ampOverload = sender._ampOverload = Overload(self, sender, asks, unsent)

    def stopReceivingBoxes(self, reason: Failure) -> None:
        """Fail every call that is not answered: no answer will come."""
        overload, self._ampOverload = self._ampOverload, None
        if overload is not None:
            overload.forget()
        self._ampCancelledRequests = None
        for responding in [*(self._ampResponding or ())]:
            responding.stop()
        self.failAllOutgoing(reason)

    def ampBoxReceived(self, box: AmpBox) -> None:
        """
        Take a box: a call of the peer, or an answer to one of ours.

        @raise NoEmptyBoxes: it is neither.
        @raise UnknownTagError: it answers a call that was never made.
        """
        if ANSWER in box:
            return self._answerReceived(box)
        if ERROR in box:
            return self._errorReceived(box)
        if COMMAND not in box:
            raise NoEmptyBoxes(box)
        if self._ampOverload is not None:
            if self.extended:
                if box[COMMAND] == PING:
                    return self._commandReceived(box)  # which says that this side is there, however busy it is
                stamp(self, box)
            return self._ampOverload.receive(box)
        return self._commandReceived(box)

    # Responding to a call of the peer.

    def _commandReceived(self, box: AmpBox) -> None:
        """Have a call responded to, and send the answer if one is wanted; applications override it."""
        tag = box.get(ASK)
        try:
            isOwn = self.dispatchCommand.__func__ is _DISPATCH_COMMAND  # type: ignore[attr-defined]
        except AttributeError:
            isOwn = False
        answer: Any = self._ampDispatch(box) if isOwn else self.dispatchCommand(box)
        if isinstance(answer, AmpBox):
            # An answer that is there already needs no Deferred: nobody would see it.
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
        Have the locator's responder respond to a call; applications override it.

        @return: a C{Deferred} of the box that answers.
        """
        answer: Any = self._ampDispatch(box)
        return succeed(answer) if isinstance(answer, AmpBox) else answer

    def _ampDispatch(self, box: AmpBox) -> AmpBox | Deferred[AmpBox]:
        """Do what L{dispatchCommand} does, but return an answer that is there already as it is."""
        command = box[COMMAND]
        responder: Any = self.locator.locateResponder(command)
        if responder is None:
            if self.extended and command == PING:
                return AmpBox()
            return fail(
                RemoteAmpError(
                    UNHANDLED_ERROR_CODE,
                    f"Unhandled Command: {command!r}",
                    local=Failure(UnhandledCommand()),
                )
            )
        answer: Any
        deadline = deadlineOf(self, box) if self.extended else None
        if deadline is not None and not deadline.left():
            answer = deadline.refusal(box)
            return answer  # type: ignore[no-any-return]
        isSerializing = type(responder) is SerializingResponder
        before = CURRENT.set((self, command, responder._command if isSerializing else None, deadline))
        try:
            answer = responder.respond(box) if isSerializing else maybeDeferred(responder, box)
            answer = answer if isinstance(answer, (AmpBox, Deferred)) else succeed(answer)
        except BaseException:
            answer = fail()
        finally:
            CURRENT.reset(before)
        if deadline is not None:
            deadline.enforce(self, box, answer)
        return answer  # type: ignore[no-any-return]

    def _ampChangesConnection(self, box: AmpBox) -> bool:
        """Tell whether C{box} is a call that changes the connection, as far as its command says so."""
        declared = getattr(self.locator, "_commandDispatch", {}).get(box[COMMAND])
        return declared is not None and getattr(declared[0], "_ampChangesConnection", False)

    # Sending the answer.

    def _ampAsError(self, tag: bytes, command: bytes | None, error: Failure) -> AmpBox:
        """Make the box that answers C{command} with C{error}."""
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
        return errorBox(QuitBox if remote.fatal else AmpBox, tag, remote.errorCode, description)

    def _ampUnknownError(self, tag: bytes) -> AmpBox:
        """Make the box that says that something went wrong, without saying what."""
        kind = QuitBox if self.unknownErrorsAreFatal else AmpBox
        return errorBox(kind, tag, UNKNOWN_ERROR_CODE, UNKNOWN_ERROR_TEXT.encode())

    # Differs from Twisted: the caller of a command whose answer cannot be written gets an error.

    def _ampEmitAnswer(self, tag: bytes, emit: Callable[[AmpBox], object], box: AmpBox) -> None:
        """
        Send the box that answers a call.

        @param emit: what C{_safeEmit} was when the call arrived.
        """
        try:
            emit(box)
        except (TooLong, TypeError):
            self._ampEmitInstead(tag, box)

    def _ampEmitInstead(self, tag: bytes, box: AmpBox) -> None:
        """Send an error in place of an answer that could not be sent, for the exception that is being handled."""
        if not _isOnlySent(box):
            raise  # noqa: PLE0704 - an effect of the box failed, and the box itself is on its way
        _log.failure(
            "while sending the answer to a command, called by {peer}, who is told {code} in its place",
            peer=describePeerOf(self.boxSender),
            code=UNKNOWN_ERROR_CODE.decode(),
        )
        self._safeEmit(self._ampUnknownError(tag))

    def _safeEmit(self, aBox: AmpBox) -> None:
        """Send a box, if the connection is still there and still ours; applications override it."""
        try:
            aBox._sendTo(self.boxSender)
        except (ProtocolSwitched, ConnectionLost):
            pass


#: Kept to notice another function that an application puts in its place in the class.
_DISPATCH_COMMAND: Final = BoxDispatcher.dispatchCommand


def _addTag(tag: bytes, box: AmpBox) -> AmpBox:
    """Make a box the answer to the call C{tag}."""
    box[ANSWER] = tag
    return box


def _isOnlySent(box: AmpBox) -> bool:
    """Tell whether sending is all that is done with C{box}, but for closing the connection behind it."""
    return type(box)._sendTo in (AmpBox._sendTo, QuitBox._sendTo)
