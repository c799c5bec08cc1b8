"""
Calls to the peer: asks go out, and answers and errors come back to the calls that wait for them.

L{Caller} is the calling half of L{twisted_basic_ng.amp.BoxDispatcher}.  It knows boxes but not
bytes.  It knows a command only as an object that sends itself
(L{twisted_basic_ng.amp._types.AnyCommand}).
"""

from __future__ import annotations

from typing import Any, Final, Literal, overload

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._defaults import isExtended
from .._places import publicMethods
from ._boxes import AmpBox
from ._calls import Call
from ._constants import ANSWER, ASK, CANCEL_FEATURE, COMMAND, ERROR, LEAVE_FEATURE
from ._currentcall import CURRENT
from ._deadlines import ARRIVED, inherited, within
from ._errorboxes import errorOf
from ._errors import TooLong, UnknownTagError
from ._explain import addText, addToRepr, describePeerOf, nameOf
from ._overload import Overload
from ._streamerrors import StreamsUnsupportedError
from ._types import AnyCommand, AnyOneWayCommand

__all__ = ["SEND_BOX_COMMAND", "Caller"]

_log = Logger("twisted.protocols.amp")


@publicMethods("amp", "BoxDispatcher")
class Caller:
    """The calling half of L{twisted_basic_ng.amp.BoxDispatcher}, which documents the attributes."""

    #: The limits on calls under way, if there are any.
    _ampOverload: Overload | None = None

    extended: bool = isExtended()

    #: The agreement with the peer on features beyond Twisted's AMP, once a side has asked for it.
    _ampExtensions: Any = None

    _failAllReason: Failure | None = None
    _outstandingRequests: dict[bytes, Deferred[Any]] | None = None
    _counter = 0
    boxSender: Any = None

    #: A clock in place of the reactor, for tests.
    _ampClock: Any = None

    #: The tags of cancelled calls whose answers may still arrive.
    _ampCancelledRequests: dict[bytes, None] | None = None

    # Differs from Twisted: the repr shows the peer, and how many calls wait.

    def __repr__(self) -> str:
        waiting = len(self._outstandingRequests or ())
        return addToRepr(super().__repr__(), f", {waiting} calls outstanding, to {describePeerOf(self.boxSender)}")

    def _nextTag(self) -> bytes:
        """Return a tag that no call on this connection has used."""
        self._counter += 1
        return b"%x" % (self._counter,)

    # Sending calls.

    @overload
    def callRemote(self, commandType: type[AnyOneWayCommand], *a: Any, **kw: Any) -> None: ...

    @overload
    def callRemote(self, commandType: type[AnyCommand], *a: Any, **kw: Any) -> Deferred[dict[str, Any]]: ...

    def callRemote(self, commandType: Any, *a: Any, **kw: Any) -> Any:
        """
        Call the peer.

        @param commandType: the L{twisted_basic_ng.amp.Command} to call: the class, not an instance.
        @param a: arguments that the command itself takes and does not send, such as the factory of
            a C{ProtocolSwitchCommand}.
        @param kw: the command's arguments.
        @return: a C{Deferred} of the response, a dictionary; C{None} for a command that requires no
            answer.  It fails with an error that the command declares, with L{UnknownRemoteError}
            for any other error of the responder, or with L{UnhandledCommand} if the peer has no
            responder.  It also fails with a connection error such as C{ConnectionLost}, and with
            L{InvalidSignature} for arguments that the command does not take.  An error that you do
            not handle closes the connection.
        @raise ProtocolSwitched: the connection has switched to another protocol.
        @raise TooLong: an argument is too long to be sent.
        """
        try:
            command = commandType(*a, **kw)
        except BaseException:
            return fail()
        if ARRIVED and (deadline := inherited(self)) is not None:
            return deadline.call(self, command)
        if self._ampOverload is not None:
            return self._ampOverload.line.call(command, self)
        return command._doCommand(self)

    def _ampCall(self, command: Any) -> Any:
        """Call the peer, whatever deadline there is."""
        return command._doCommand(self) if self._ampOverload is None else self._ampOverload.line.call(command, self)

    @overload
    def callRemoteWithin(self, seconds: float, commandType: type[AnyOneWayCommand], *a: Any, **kw: Any) -> None: ...

    @overload
    def callRemoteWithin(
        self, seconds: float, commandType: type[AnyCommand], *a: Any, **kw: Any
    ) -> Deferred[dict[str, Any]]: ...

    def callRemoteWithin(self, seconds: float, commandType: Any, *a: Any, **kw: Any) -> Any:
        """
        Call the peer, and wait for its answer for a limited time.

        The peer is told how long.  One of ours that has C{extended} set cancels its responder at the same time.

        @param seconds: how many seconds to wait.  With none left, or fewer, nothing is sent.
        @param commandType: the command, as for L{callRemote}.
        @return: what L{callRemote} returns.  It may also fail with L{DeadlineError}; the peer's answer is dropped then.
        @raise TypeError: C{seconds} is not a number.
        @raise ValueError: C{seconds} is C{nan}.
        """
        deadline = within(self, seconds)
        try:
            command = commandType(*a, **kw)
        except BaseException:
            return fail()
        return self._ampCall(command) if deadline is None else deadline.call(self, command)

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
        @param requiresAnswer: whether you want an answer.
        @param kw: the content of the box, all bytes.
        @return: a C{Deferred} of the answer box, or C{None}.
        """
        box = AmpBox(kw)
        if ARRIVED and (deadline := inherited(self)) is not None:
            box = deadline.written(box)
            answering: Any = deadline.bind(
                self, command, requiresAnswer, self._sendBoxCommand, command, box, requiresAnswer
            )
            return answering  # type: ignore[no-any-return]
        return self._sendBoxCommand(command, box, requiresAnswer)

    def _sendBoxCommand(self, command: bytes, box: AmpBox, requiresAnswer: bool = True) -> Deferred[AmpBox] | None:
        """
        Send C{box} as a call of a command.  Applications override it.

        @param command: the command's name on the wire.
        @param box: the arguments.  The command's name is added to it, and a tag if an answer is
            wanted.
        @param requiresAnswer: whether an answer is wanted.
        @return: a C{Deferred} of the answer box if an answer is wanted, else C{None}.
        @raise ProtocolSwitched: the connection has switched to another protocol.
        """
        if self._failAllReason is not None:
            return fail(self._ampWhyNotCalled(command, self._failAllReason)) if requiresAnswer else None
        box[COMMAND] = command
        tag = self._nextTag()
        if not requiresAnswer:
            self._ampSendUnanswered(tag, command, box)
            return None
        box[ASK] = tag
        outstanding = self._outstandingRequests
        if outstanding is None:  # a box of an application's own class has ended the connection
            return fail(self._failAllReason)
        request = Call(self._ampForget)
        request._ampTag = tag
        asked = CURRENT.get()
        if asked is not None:
            request._ampAskedIn = asked
        outstanding[tag] = request
        try:
            if self._ampOverload is None:
                box._sendTo(self.boxSender)
            else:
                self._ampOverload.line.ask(tag, box)
        except (ConnectionLost, StreamsUnsupportedError):
            outstanding.pop(tag, None)
            return request if request.called else fail()
        except BaseException as error:
            outstanding.pop(tag, None)  # a call that cannot be sent leaves no trace
            self._ampExplainUnsent(command, error)
            raise
        request._ampIsSent = True
        return request

    def _ampSendCallsBy(self, function: Any) -> None:
        """Let C{function} send the boxes of calls, in the place of L{_sendBoxCommand}; C{None} for that itself."""
        if function is None:
            del self._sendBoxCommand
        else:
            self._sendBoxCommand = function  # type: ignore[method-assign]

    def _ampKeepCallsIn(self, calls: dict[bytes, Deferred[Any]]) -> None:
        """Keep the calls that are not answered yet in another dictionary, which has them already."""
        self._outstandingRequests = calls

    def _ampSendUnanswered(self, tag: bytes, command: bytes, box: AmpBox) -> None:
        """Send a box that wants no answer.  It is lost if there is no connection."""
        try:
            if self._ampOverload is None:
                box._sendTo(self.boxSender)
            else:
                self._ampOverload.line.ask(tag, box)
        except ConnectionLost:
            pass
        except BaseException as error:
            self._ampExplainUnsent(command, error)
            raise

    def _ampExplainUnsent(self, command: bytes, error: BaseException) -> None:
        """Say which call could not be sent."""
        if self.boxSender is None:
            addText(error, f"{nameOf(command)} was called before the connection was made: call from connectionMade on")
        else:
            advice = ": split it over several calls" if isinstance(error, TooLong) else ""
            addText(error, f"{nameOf(command)} was not sent{advice}")

    # Differs from Twisted: a call that is made too late fails with an error of its own, of the same
    # type.

    def _ampWhyNotCalled(self, command: bytes, reason: Failure) -> Failure:
        """Make the error for a call that is made after the connection has ended with C{reason}."""
        lost: Any = reason.value
        kind = type(lost)
        if kind not in (ConnectionDone, ConnectionLost):
            return reason
        peer = describePeerOf(self.boxSender)
        return Failure(kind(*lost.args, f"{nameOf(command)} was called after the connection to {peer} had ended"))

    def _ampFailUnsent(self, tag: bytes, error: Failure) -> None:
        """Fail a call that waited in line and cannot be sent."""
        request = None if self._outstandingRequests is None else self._outstandingRequests.pop(tag, None)
        if request is None:
            _log.failure("while sending a call that waited in line", error)
        else:
            if type(request) is not Call or request._ampIsSent:
                request.addErrback(self.unhandledError)
            request.errback(error)

    # Leaving.

    def leave(self) -> Deferred[None]:
        """
        Close the connection as soon as nothing is under way.

        The peer is asked for no new calls.  New calls of either side fail with L{LeavingError} and
        are not sent, except those that a responder makes to answer a call of this connection.  When
        all calls are answered, the connection is closed.  A peer without this feature is not asked,
        and calls that it makes meanwhile may be lost.

        @return: a C{Deferred} that fires with C{None} when the connection is closed.  It fails with
            the reason if the connection ends before that.  If you cancel it, the connection is
            closed at once.
        @raise RuntimeError: C{extended} is not set, or the connection is not made yet.
        """
        if self._failAllReason is not None:
            return succeed(None)
        extend = getattr(self.boxSender, "_ampExtend", None)
        extensions = None if extend is None else extend()
        if extensions is None:
            raise RuntimeError("leave() needs a connection with extended = True")
        left: Deferred[None] = extensions.feature(LEAVE_FEATURE).leave()
        return left

    def peerLeaves(self) -> None:
        """
        The peer wants to close the connection, and asks for no new calls.  Override it if you want
        to know.
        """

    # Receiving answers.

    def unhandledError(self, failure: Failure) -> Any:
        """
        Handle an error that no callback of the application handled.  Applications override it.
        """
        return self.boxSender.unhandledError(failure)

    def _ampRequestFor(self, tag: bytes) -> Deferred[AmpBox] | None:
        """
        Find the call with this tag, and remove it from the outstanding calls.

        @return: the call's C{Deferred}; C{None} if the call was cancelled.
        @raise UnknownTagError: there is no such call.
        """
        if self._ampOverload is not None:
            self._ampOverload.line.answered(tag)
        outstanding = self._outstandingRequests
        request = None if outstanding is None else outstanding.pop(tag, None)
        if request is None:
            if self._ampExtensions is not None and (answer := self._ampExtensions.answerTo(tag)) is not None:
                return answer  # type: ignore[no-any-return]
            if not self._ampIsDropped(tag):
                raise UnknownTagError(tag)
        elif type(request) is not Call or request.called:
            request.addErrback(self.unhandledError)
        elif request._ampIsSent:
            request._ampGuardian = self
        return request

    def _answerReceived(self, box: AmpBox) -> None:
        """Deliver an answer box to the call it answers."""
        request = self._ampRequestFor(box[ANSWER])
        if request is not None:
            request.callback(box)

    def _errorReceived(self, box: AmpBox) -> None:
        """Deliver an error box to the call it answers."""
        request = self._ampRequestFor(box[ERROR])
        if request is not None:
            request.errback(errorOf(box))

    # Differs from Twisted: a call that is cancelled is forgotten, but for its tag.

    def _ampForget(self, request: Any) -> None:
        """Drop a cancelled call."""
        tag = request._ampTag
        if self._outstandingRequests is None or self._outstandingRequests.pop(tag, None) is None:
            return
        # A call that still waited in line was not sent, and gets no answer.
        if self._ampExtensions is not None and self._ampExtensions.forget(tag):
            if self._ampOverload is not None:
                self._ampOverload.line.unsent(tag)
        elif self._ampOverload is None or self._ampOverload.line.cancelled(tag):
            self._ampDropAnswer(tag)
            extend = getattr(self.boxSender, "_ampExtend", None) if self.extended is True else None
            if extend is not None and (extensions := extend()) is not None:
                extensions.feature(CANCEL_FEATURE).cancelled(tag)

    def _ampDropAnswer(self, tag: bytes) -> None:
        """Drop the answer to a call when it arrives."""
        if self._ampCancelledRequests is None:
            self._ampCancelledRequests = {}  # a dictionary takes half the memory of a set
        self._ampCancelledRequests[tag] = None

    def _ampIsDropped(self, tag: bytes) -> bool:
        """Whether to drop the answer with this tag.  Each answer is dropped once."""
        cancelled = self._ampCancelledRequests
        if cancelled is None or tag not in cancelled:
            return False
        del cancelled[tag]
        if not cancelled:
            self._ampCancelledRequests = None
        return True

    def failAllOutgoing(self, reason: Failure) -> None:
        """
        Fail every call that is not answered, and every call that is made from now on.

        @param reason: the error that the calls fail with.
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
                # Differs from Twisted: an errback that raises keeps no other call waiting
                except Exception:
                    _log.failure("while failing an outstanding call")


#: Kept to notice when an application replaces this method of the class.
SEND_BOX_COMMAND: Final = Caller._sendBoxCommand
