"""
The conversation: asks, answers and errors, and which belong to which.

L{BoxDispatcher} turns calls into boxes and boxes into the results of calls.  It knows boxes and no bytes: where
they go to and come from, an L{twisted_basic_ng.amp.IBoxSender} knows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._places import public
from ._boxes import AmpBox, QuitBox
from ._constants import (
    ANSWER,
    ASK,
    COMMAND,
    ERROR,
    ERROR_CODE,
    ERROR_DESCRIPTION,
    MAX_VALUE_LENGTH,
    UNHANDLED_ERROR_CODE,
    UNKNOWN_ERROR_CODE,
)
from ._errors import (
    PROTOCOL_ERRORS,
    NoEmptyBoxes,
    ProtocolSwitched,
    RemoteAmpError,
    TooLong,
    UnhandledCommand,
    UnknownTagError,
)
from ._interfaces import IBoxReceiver, IBoxSender
from ._overload import Overload
from ._responders import SerializingResponder

if TYPE_CHECKING:
    from ._commands import Command, OneWayCommand

__all__ = ["SEND_BOX_COMMAND", "BoxDispatcher", "Call", "errorBox"]

_log = Logger("twisted.protocols.amp")


class Call(Deferred[Any]):
    """
    The answer to a call.

    It spares each call two callbacks that others would see nothing of: the one that reads the box that answers, and the
    one that is told of an error that nobody handled.  Once it has fired, it holds nothing of the connection.

    @ivar _ampTag: what the answer is told by.
    @ivar _ampIsSent: the call was sent, and who made it has this; where both ends are in one process, the answer may be
        there before that.
    @ivar _ampCommand: the command, if it reads its answer; C{None} from the moment that the answer is there.
    @ivar _ampProto: the protocol that it reads it with, as long.
    @ivar _ampGuardian: while the answer is given, what has to be told of an error that no callback handles which was
        there by then.
    """

    _ampTag: bytes
    _ampIsSent = False
    _ampCommand: Command | None = None
    _ampProto: Any = None
    _ampGuardian: BoxDispatcher | None = None

    def callback(self, result: Any) -> None:
        """Answer with a box."""
        command = self._ampCommand
        if command is not None:
            proto = self._ampProto
            self._ampCommand = self._ampProto = None
            try:
                result = command._ampReadResponse(result, proto)
            except BaseException:
                result = Failure()
            if self.called:
                return  # by what was run to read the answer
        Deferred.callback(self, result)
        self._canceller = None  # as newer Twisteds do
        if self._ampGuardian is not None:
            if isinstance(self.result, Failure) or self.paused:
                self._ampAddGuardian()
            self._ampGuardian = None

    def errback(self, fail: Any = None) -> None:
        """Answer with an error."""
        command = self._ampCommand
        if command is not None:
            fail = fail if isinstance(fail, Failure) else Failure(fail)
            self._ampCommand = self._ampProto = None
            fail = command._ampAsDeclared(fail)
            if self.called:
                return  # by the constructor of the declared error
        if self._ampGuardian is not None:
            self._ampAddGuardian()
        Deferred.errback(self, fail)
        self._canceller = None

    def cancel(self) -> None:
        """Cancel the call; where its answer is there and is being read, that has no effect, as in Twisted."""
        if self.called or self._ampGuardian is None:
            Deferred.cancel(self)

    def _ampAddGuardian(self) -> None:
        """Have it told, as a callback like any other."""
        guardian, self._ampGuardian = self._ampGuardian, None
        assert guardian is not None
        Deferred.addErrback(self, guardian.unhandledError)


def _behindGuardian(add: Any) -> Any:
    """Make a method that adds a callback one that adds it where it belongs when it comes from another callback."""

    @wraps(add)
    def addBehind(self: Call, *args: Any, **kw: Any) -> Any:
        if self._ampGuardian is not None:
            self._ampAddGuardian()
        return add(self, *args, **kw)

    return addBehind


for _name in ("addBoth", "addCallback", "addCallbacks", "addErrback"):
    setattr(Call, _name, _behindGuardian(getattr(Deferred, _name)))


@implementer(IBoxReceiver)
@public("amp")
class BoxDispatcher:
    """
    Calls the peer, and has its calls answered.

    @ivar locator: knows who responds to which command, an L{twisted_basic_ng.amp.IResponderLocator}.
    @ivar boxSender: takes boxes to the peer.
    @ivar _outstandingRequests: by their tags, the C{Deferred}s of the calls that are not answered yet; C{None} when the
        connection is gone.  Applications look there.
    @cvar unknownErrorsAreFatal: whether the connection is closed after a responder failed with an error that its
        command does not declare, as in Twisted.  The peer is told C{UNKNOWN} in any case, and the error is logged.
    @cvar MAX_ASKS_IN_PROGRESS: how many calls may be in progress on one connection, in each direction; C{None} for any
        number.  With more, nothing is read from the peer, and calls of one's own wait in line.  Set it before the
        connection is made.
    """

    unknownErrorsAreFatal: bool = True
    MAX_ASKS_IN_PROGRESS: int | None = None

    #: What is under way, where that is bounded.
    _ampOverload: Overload | None = None

    _failAllReason: Failure | None = None
    _outstandingRequests: dict[bytes, Deferred[Any]] | None = None
    _counter = 0
    boxSender: Any = None

    #: Tags of calls that were cancelled; their answers may still come.
    _ampCancelledRequests: dict[bytes, None] | None = None

    def __init__(self, locator: Any) -> None:
        self._outstandingRequests = {}
        self.locator = locator

    def startReceivingBoxes(self, boxSender: IBoxSender) -> None:
        """Learn where boxes are to be sent."""
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
        self.failAllOutgoing(reason)

    def failAllOutgoing(self, reason: Failure) -> None:
        """
        Fail every call that is not answered, and every one that is made from now on.

        @param reason: what they fail with.
        """
        self._failAllReason = reason
        if self._ampOverload is not None:
            self._ampOverload.line.forget()
        outstanding = self._outstandingRequests or {}
        self._outstandingRequests = None
        for request in list(outstanding.values()):
            if not request.called:  # the errback of one may cancel another
                try:
                    request.errback(reason)
                except Exception:  # Differs from Twisted: it keeps no other call waiting
                    _log.failure("while failing an outstanding call")

    def _nextTag(self) -> bytes:
        """Make a tag that no call on this connection has had."""
        self._counter += 1
        return b"%x" % (self._counter,)

    # Calls to the peer.

    def _sendBoxCommand(self, command: bytes, box: AmpBox, requiresAnswer: bool = True) -> Deferred[AmpBox] | None:
        """
        Send C{box} as a command; applications override it.

        @param command: the command's name on the wire.
        @param box: its arguments; the name is added to it, and the tag where an answer is wanted.
        @param requiresAnswer: is one?
        @return: a C{Deferred} of the box that answers, if one does.
        @raise ProtocolSwitched: the connection speaks another protocol by now.
        """
        if self._failAllReason is not None:
            return fail(self._failAllReason) if requiresAnswer else None
        box[COMMAND] = command
        tag = self._nextTag()
        if not requiresAnswer:
            self._ampSendUnanswered(tag, box)
            return None
        box[ASK] = tag
        outstanding = self._outstandingRequests
        if outstanding is None:  # a box that is an application's has ended the connection
            return fail(self._failAllReason)
        request = Call(self._ampForget)
        request._ampTag = tag
        outstanding[tag] = request
        try:
            if self._ampOverload is None:
                box._sendTo(self.boxSender)
            else:
                self._ampOverload.line.ask(tag, box)
        except ConnectionLost:
            outstanding.pop(tag, None)
            return request if request.called else fail()
        except BaseException:
            outstanding.pop(tag, None)  # what cannot be sent leaves no trace
            raise
        request._ampIsSent = True
        return request

    def _ampSendUnanswered(self, tag: bytes, box: AmpBox) -> None:
        """Send a box that nobody waits for; one that can go nowhere is lost."""
        try:
            if self._ampOverload is None:
                box._sendTo(self.boxSender)
            else:
                self._ampOverload.line.ask(tag, box)
        except ConnectionLost:
            pass

    def _ampFailUnsent(self, tag: bytes, error: Failure) -> None:
        """Fail a call that waited in line and cannot be sent."""
        request = None if self._outstandingRequests is None else self._outstandingRequests.pop(tag, None)
        if request is None:
            _log.failure("while sending a call that waited in line", error)
        else:
            request.addErrback(self.unhandledError)
            request.errback(error)

    # Differs from Twisted: a call that is cancelled is forgotten, but for its tag.

    def _ampForget(self, request: Any) -> None:
        """Drop a cancelled call."""
        tag = request._ampTag
        if self._outstandingRequests is None or self._outstandingRequests.pop(tag, None) is None:
            return
        if self._ampOverload is None or self._ampOverload.line.cancelled(tag):  # else it was not sent yet
            self._ampDropAnswer(tag)

    def _ampDropAnswer(self, tag: bytes) -> None:
        """Drop the answer to a call when it comes."""
        if self._ampCancelledRequests is None:
            self._ampCancelledRequests = {}  # which takes half of what a set does
        self._ampCancelledRequests[tag] = None

    def _ampIsDropped(self, tag: bytes) -> bool:
        """Is the answer to a call dropped?  Then it is expected no more."""
        cancelled = self._ampCancelledRequests
        if cancelled is None or tag not in cancelled:
            return False
        del cancelled[tag]
        if not cancelled:
            self._ampCancelledRequests = None
        return True

    @overload
    def callRemoteString(
        self, command: bytes, requiresAnswer: Literal[True] = ..., **kw: bytes
    ) -> Deferred[AmpBox]: ...

    @overload
    def callRemoteString(self, command: bytes, requiresAnswer: Literal[False], **kw: bytes) -> None: ...

    @overload
    def callRemoteString(self, command: bytes, requiresAnswer: bool, **kw: bytes) -> Deferred[AmpBox] | None: ...

    def callRemoteString(self, command: bytes, requiresAnswer: bool = True, **kw: Any) -> Deferred[AmpBox] | None:
        """
        Call the peer with boxes instead of values.

        @param command: the command's name on the wire.
        @param requiresAnswer: is an answer wanted?
        @param kw: what is in the box, all bytes.
        @return: a C{Deferred} of the box that answers, or C{None}.
        """
        return self._sendBoxCommand(command, AmpBox(kw), requiresAnswer)

    @overload
    def callRemote(self, commandType: type[OneWayCommand], *a: Any, **kw: Any) -> None: ...

    @overload
    def callRemote(self, commandType: type[Command], *a: Any, **kw: Any) -> Deferred[dict[str, Any]]: ...

    def callRemote(self, commandType: Any, *a: Any, **kw: Any) -> Any:
        """
        Call the peer.

        @param commandType: the L{twisted_basic_ng.amp.Command} to call, the class itself.
        @param a: what the command itself takes, and does not send: the factory of a C{ProtocolSwitchCommand}.
        @param kw: the command's arguments.
        @return: a C{Deferred} of a dictionary of the command's response; C{None} for a command that requires no answer.
            It fails with the errors that the command declares, with L{UnknownRemoteError} for any other error of
            the responder, with L{UnhandledCommand} if there is none, with C{ConnectionLost} and its like, and with
            L{InvalidSignature} for arguments that the command does not take.  An error that nobody handles closes the
            connection.
        @raise ProtocolSwitched: the connection speaks another protocol by now.
        @raise TooLong: an argument is too long to be sent.
        """
        try:
            command = commandType(*a, **kw)
        except BaseException:
            return fail()
        if self._ampOverload is not None:
            return self._ampOverload.line.call(command, self)
        return command._doCommand(self)

    def unhandledError(self, failure: Failure) -> Any:
        """Be told of an error that no callback of the application handled; applications override it."""
        return self.boxSender.unhandledError(failure)

    def _ampRequestFor(self, tag: bytes) -> Deferred[AmpBox] | None:
        """
        Find the call that C{tag} answers, which is then outstanding no more.

        @return: C{None} if it was cancelled.
        @raise UnknownTagError: there is no such call.
        """
        if self._ampOverload is not None:
            self._ampOverload.line.answered(tag)
        outstanding = self._outstandingRequests
        request = None if outstanding is None else outstanding.pop(tag, None)
        if request is None:
            if not self._ampIsDropped(tag):
                raise UnknownTagError(tag)
        elif type(request) is not Call or request.called:
            request.addErrback(self.unhandledError)
        elif request._ampIsSent:
            request._ampGuardian = self
        return request

    def _answerReceived(self, box: AmpBox) -> None:
        """Give an answer to who waits for it."""
        request = self._ampRequestFor(box[ANSWER])
        if request is not None:
            request.callback(box)

    def _errorReceived(self, box: AmpBox) -> None:
        """Give an error to who waits for an answer."""
        request = self._ampRequestFor(box[ERROR])
        if request is not None:
            request.errback(_errorOf(box))

    # Calls of the peer.

    def _commandReceived(self, box: AmpBox) -> None:
        """Have a call responded to, and send the answer if one is wanted; applications override it."""
        tag = box.get(ASK)
        try:
            isOwn = self.dispatchCommand.__func__ is _DISPATCH_COMMAND  # type: ignore[attr-defined]
        except AttributeError:
            isOwn = False
        answer: Any = self._ampDispatch(box) if isOwn else self.dispatchCommand(box)
        if isinstance(answer, AmpBox):
            # No Deferred is needed for what is there already, and nobody would see it.
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
            answer.addCallbacks(partial(_asAnswer, tag), partial(self._ampAsError, tag))
            answer.addCallback(partial(self._ampEmitAnswer, tag, self._safeEmit))
        answer.addErrback(self.unhandledError)
        if self._ampOverload is not None:
            self._ampOverload.await_(answer)

    def _ampAsError(self, tag: bytes, error: Failure) -> AmpBox:
        """Make the box that answers with C{error}."""
        if not error.check(RemoteAmpError):
            _log.failure("while receiving response to command", error)
            return self._ampUnknownError(tag)
        remote: Any = error.value
        description = remote.description
        if isinstance(description, str):
            description = description.encode("utf-8", "replace")
        return errorBox(QuitBox if remote.fatal else AmpBox, tag, remote.errorCode, description)

    def _ampUnknownError(self, tag: bytes) -> AmpBox:
        """Make the box that says that something went wrong, and not what."""
        kind = QuitBox if self.unknownErrorsAreFatal else AmpBox
        return errorBox(kind, tag, UNKNOWN_ERROR_CODE, b"Unknown Error")

    # Differs from Twisted: an answer that cannot be written is an error to who waits for it.

    def _ampEmitAnswer(self, tag: bytes, emit: Callable[[AmpBox], object], box: AmpBox) -> None:
        """
        Send the box that answers a call.

        @param emit: what C{_safeEmit} was when the call came.
        """
        try:
            emit(box)
        except (TooLong, TypeError):
            self._ampEmitInstead(tag, box)

    def _ampEmitInstead(self, tag: bytes, box: AmpBox) -> None:
        """Send an error in place of an answer that could not be sent, for the exception that is being handled."""
        if not _isOnlySent(box):
            raise  # noqa: PLE0704 - an effect of the box failed, and the box itself is on its way
        _log.failure("while sending the answer to a command")
        self._safeEmit(self._ampUnknownError(tag))

    def _ampChangesConnection(self, box: AmpBox) -> bool:
        """Is C{box} a call that changes the connection, as far as its responder's command says so?"""
        declared = getattr(self.locator, "_commandDispatch", {}).get(box[COMMAND])
        return declared is not None and getattr(declared[0], "_ampChangesConnection", False)

    def ampBoxReceived(self, box: AmpBox) -> None:
        """
        Take a box: a call of the peer, or an answer to one of ours.

        @raise NoEmptyBoxes: it is neither.
        @raise UnknownTagError: it answers what was never asked.
        """
        if ANSWER in box:
            return self._answerReceived(box)
        if ERROR in box:
            return self._errorReceived(box)
        if COMMAND not in box:
            raise NoEmptyBoxes(box)
        if self._ampOverload is not None:
            return self._ampOverload.take(box)
        return self._commandReceived(box)

    def _safeEmit(self, aBox: AmpBox) -> None:
        """Send a box, if the connection is still there and still ours; applications override it."""
        try:
            aBox._sendTo(self.boxSender)
        except (ProtocolSwitched, ConnectionLost):
            pass

    def dispatchCommand(self, box: AmpBox) -> Deferred[AmpBox]:
        """
        Have the locator's responder respond to a call; applications override it.

        @return: a C{Deferred} of the box that answers.
        """
        answer: Any = self._ampDispatch(box)
        return succeed(answer) if isinstance(answer, AmpBox) else answer

    def _ampDispatch(self, box: AmpBox) -> AmpBox | Deferred[AmpBox]:
        """Do what L{dispatchCommand} does; where the answer is a box that is there already, return that."""
        command = box[COMMAND]
        responder: Any = self.locator.locateResponder(command)
        if responder is None:
            return fail(
                RemoteAmpError(
                    UNHANDLED_ERROR_CODE,
                    f"Unhandled Command: {command!r}",
                    local=Failure(UnhandledCommand()),
                )
            )
        if type(responder) is not SerializingResponder:
            return maybeDeferred(responder, box)
        try:
            answer: Any = responder.respond(box)
            return answer if isinstance(answer, (AmpBox, Deferred)) else succeed(answer)
        except BaseException:
            return fail()


#: Remembered, so that another that an application puts in its place, in that class, is seen to be another.
_DISPATCH_COMMAND: Final = BoxDispatcher.dispatchCommand
SEND_BOX_COMMAND: Final = BoxDispatcher._sendBoxCommand


def _asAnswer(tag: bytes, box: AmpBox) -> AmpBox:
    box[ANSWER] = tag
    return box


def errorBox(kind: type[AmpBox], tag: bytes, code: bytes, description: bytes) -> AmpBox:
    """Make a box that answers with an error."""
    # Differs from Twisted: a text that is too long for a box is cut.
    box = kind()
    box[ERROR] = tag
    box[ERROR_CODE] = code
    box[ERROR_DESCRIPTION] = _cut(description)
    return box


def _cut(description: bytes) -> bytes:
    """Cut a text in UTF-8 to what a value has room for, between two characters."""
    if len(description) <= MAX_VALUE_LENGTH:
        return description
    return description[:MAX_VALUE_LENGTH].decode("utf-8", "ignore").encode("utf-8")


def _isOnlySent(box: AmpBox) -> bool:
    """Is nothing done with C{box} but to send it (and to close the connection behind it)?"""
    return type(box)._sendTo in (AmpBox._sendTo, QuitBox._sendTo)


# Differs from Twisted: an error without a code or a text is an error, too, and one that cannot be made ends the call.
def _errorOf(box: AmpBox) -> Failure:
    """Make the failure that an error's box speaks of; of what C{PROTOCOL_ERRORS} raises, where that does."""
    code = box.get(ERROR_CODE, UNKNOWN_ERROR_CODE)
    description: Any = box.get(ERROR_DESCRIPTION, b"")
    try:
        if isinstance(description, bytes):
            description = description.decode("utf-8", "replace")
        if code in PROTOCOL_ERRORS:
            return Failure(PROTOCOL_ERRORS[code](code, description))
        return Failure(RemoteAmpError(code, description))
    except BaseException:
        return Failure()
