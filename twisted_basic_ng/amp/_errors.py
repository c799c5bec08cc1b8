"""
Everything that goes wrong with AMP, as exceptions.

::

    AmpError
    +-- TooLong                     a key or a value is over its limit
    |   +-- KeyTooLongError         ... in bytes that are parsed without a connection (also an AttributeError)
    |   +-- ElementTooLongError     ... an element of a list (also a struct.error)
    +-- MalformedAmpBox             the bytes are no boxes
    |   +-- TruncatedBoxError       they end in the middle of one
    |   +-- BoxTooLargeError        a box has more keys or bytes than is allowed
    |   +-- ForgedAnswerError       an answer is to what was not sent yet
    +-- NoEmptyBoxes                a box says neither ask, nor answer, nor error
    +-- UnknownTagError             an answer is to nothing that was asked (also a KeyError)
    +-- InvalidSignature            a call lacks arguments, or has too many
    +-- MissingKeyError             a box, a row or a response lacks a value (also a KeyError)
    +-- BadLocalReturn              what a responder returned cannot be written
    +-- RemoteAmpError              the peer answers with an error
    |   +-- UnknownRemoteError      ... that the command does not declare
    +-- UnhandledCommand            nobody responds to a command
    +-- OnlyOneTLS                  TLS is or was asked for already
    +-- TooManyDescriptorsError     a peer sends descriptors that no box speaks of
    +-- TooManyAnswersError         too many answers have to wait for TLS
    +-- UnfinishedBoxError          a box takes too long to arrive
    +-- IncompatibleVersions        never raised; for applications
    +-- DeadlineError               a call took longer than its caller waits (also a TimeoutError of Twisted's)
    +-- SilentPeerError             a peer is gone without a word (also a ConnectionLost of Twisted's)
    ProtocolSwitched                the connection speaks another protocol by now

This file knows of no connection and of no box.
"""

from __future__ import annotations

import copyreg
import struct
from typing import Any, Final

from twisted.internet import error
from twisted.python.failure import Failure

from .._places import public
from ._constants import MAX_KEY_LENGTH, MAX_VALUE_LENGTH, UNHANDLED_ERROR_CODE, UNKNOWN_ERROR_CODE

__all__ = [
    "PROTOCOL_ERRORS",
    "AmpError",
    "BadLocalReturn",
    "BoxTooLargeError",
    "DeadlineError",
    "ElementTooLongError",
    "ForgedAnswerError",
    "IncompatibleVersions",
    "InvalidSignature",
    "KeyTooLongError",
    "MalformedAmpBox",
    "MissingKeyError",
    "NoEmptyBoxes",
    "OnlyOneTLS",
    "ProtocolSwitched",
    "RemoteAmpError",
    "SilentPeerError",
    "TooLong",
    "TooManyAnswersError",
    "TooManyDescriptorsError",
    "TruncatedBoxError",
    "UnfinishedBoxError",
    "UnhandledCommand",
    "UnknownRemoteError",
    "UnknownTagError",
]


#: Makes an object from a pickle without calling its constructor, which wants other arguments; it is in every Python.
_newObject: Final[Any] = copyreg.__newobj__  # type: ignore[attr-defined]


class _Stackless:
    """Stands for a failure in a pickle, where Twisted (before 24) does not see to that itself."""

    def __init__(self, failure: Failure) -> None:
        self._state = failure.__getstate__()

    def __reduce__(self) -> tuple[Any, ...]:
        return Failure.__new__, (Failure,), self._state


def _portable(value: Any) -> Any:
    """What a pickle can hold of an attribute: a failure without its stack, anything else as it is."""
    return _Stackless(value) if isinstance(value, Failure) and "__reduce__" not in vars(Failure) else value


@public("amp")
class AmpError(Exception):
    """What all errors of AMP are."""

    # Differs from Twisted: each of them can be pickled.
    def __reduce__(self) -> str | tuple[Any, ...]:
        reduced = super().__reduce__()
        if reduced[:2] != (type(self), self.args):
            return reduced  # another base knows better
        return _newObject, (type(self), *self.args), {name: _portable(each) for name, each in self.__dict__.items()}


@public("amp")
class ProtocolSwitched(Exception):
    """The connection speaks another protocol by now, or is about to: no box can be sent."""


@public("amp")
class OnlyOneTLS(AmpError):
    """TLS can be started once on a connection, and not at all on one that is TLS from its first byte on."""


@public("amp")
class NoEmptyBoxes(AmpError):
    """A box was received that neither asks nor answers; an empty one, for example."""


@public("amp")
class InvalidSignature(AmpError):
    """A command was called without a required argument, or with one that it does not have."""


@public("amp")
class MissingKeyError(AmpError, KeyError):
    """
    A received box lacks a required key, or there is no value for one that is to be sent.

    It is a C{KeyError} as well, which is what Twisted raises there, with the same argument.

    @ivar key: the key: on the wire, or of a value that is to be sent, in Python.
    """

    def __init__(self, key: Any, text: str) -> None:
        super().__init__(key)
        self.key = key
        self._ampText = text

    def __str__(self) -> str:
        return f"{self.key!r}: {self._ampText}"


@public("amp")
class TooLong(AmpError):
    """
    A key or a value is longer than its length on the wire can say.

    @ivar isKey: is it a key?
    @ivar isLocal: was it to be sent, and not received?
    @ivar value: the key or value itself; C{None} where it was refused before it came.
    @ivar keyName: the key of a value that is too long.
    """

    #: What is known of the call, or of the peer.
    _ampContext = ""

    def __init__(self, isKey: bool, isLocal: bool, value: bytes | None, keyName: bytes | None = None) -> None:
        AmpError.__init__(self)
        self.isKey = isKey
        self.isLocal = isLocal
        self.value = value
        self.keyName = keyName

    def _ampSubject(self) -> str:
        place = "local" if self.isLocal else "remote"
        return f"{place} key" if self.isKey else f"{place} value {self.keyName!r}"

    # Differs from Twisted: a key that never came whole has a repr, too, and there is a text.

    def __repr__(self) -> str:
        size = "unknown length" if self.value is None else len(self.value)
        return f"{self._ampSubject()} too long: {size}"

    def __str__(self) -> str:
        return (super().__str__() or self._ampText()) + self._ampContext

    def _ampText(self) -> str:
        limit = MAX_KEY_LENGTH if self.isKey else MAX_VALUE_LENGTH
        if self.value is None:
            return f"{self._ampSubject()} too long: at most {limit} bytes"
        which = f" {self.value[:limit]!r}..." if self.isKey else ""
        return f"{self._ampSubject()}{which} too long: got {len(self.value)} bytes, at most {limit}"


@public("amp")
class KeyTooLongError(TooLong, AttributeError):
    """
    A key is too long in bytes that are parsed without a connection.

    It is an C{AttributeError} as well, which is what Twisted raises there.
    """


@public("amp")
class ElementTooLongError(TooLong, struct.error):
    """
    An element of a list is longer than its length in the list can say.

    It is a C{struct.error} as well, which is what Twisted raises there.
    """

    def __init__(self, value: bytes) -> None:
        super().__init__(False, True, value)

    def _ampSubject(self) -> str:
        return "local list element"


@public("amp")
class BadLocalReturn(AmpError):
    """
    What a responder returned does not fit its command's response.

    @ivar message: what was returned, and to which command.
    @ivar enclosed: why it does not fit.
    """

    def __init__(self, message: str, enclosed: Failure) -> None:
        AmpError.__init__(self)
        self.message = message
        self.enclosed = enclosed

    def __repr__(self) -> str:
        return f"{self.message} {self.enclosed.getBriefTraceback()}"

    __str__ = __repr__


def _printable(errorCode: bytes) -> str:
    return "".join(chr(each) if each < 0x80 else f"\\x{each:x}" for each in errorCode)


@public("amp")
class RemoteAmpError(AmpError):
    """
    The peer answers a command with an error; or a responder raises it, to be sent to the peer as it is.

    @ivar errorCode: the error's code on the wire.
    @ivar description: its text.
    @ivar fatal: is the connection to be closed after it?
    @ivar local: the failure that it stands for, on the side where that happened.
    """

    def __init__(
        self, errorCode: bytes, description: str | bytes, fatal: bool = False, local: Failure | None = None
    ) -> None:
        message = f"Code<{_printable(errorCode)}>{' (local)' if local else ''}: {description!s}"
        if local and (traceback := local.getBriefTraceback()):
            message += f"\n{traceback}"
        super().__init__(message)
        self.local = local
        self.errorCode = errorCode
        self.description = description
        self.fatal = fatal


@public("amp")
class UnknownRemoteError(RemoteAmpError):
    """The peer answers with an error that the command does not declare."""

    def __init__(self, description: str) -> None:
        RemoteAmpError.__init__(self, UNKNOWN_ERROR_CODE, description)


@public("amp")
class MalformedAmpBox(AmpError):
    """What was received cannot be read as boxes."""


@public("amp")
class TruncatedBoxError(MalformedAmpBox):
    """
    Bytes that should hold whole boxes end in the middle of one.

    @ivar left: how many bytes there are behind the last whole box.
    """

    def __init__(self, left: int) -> None:
        super().__init__(f"{left} bytes follow the last whole box")
        self.left = left


@public("amp")
class BoxTooLargeError(MalformedAmpBox):
    """
    A box is larger than the receiving protocol allows.

    @ivar size: how large it was when it was refused.
    @ivar limit: how large it may be.
    @ivar unit: what both are counted in, C{"keys"} or C{"bytes"}.
    """

    def __init__(self, size: int, limit: int, unit: str) -> None:
        super().__init__(f"box too large: got {size} {unit}, at most {limit}")
        self.size = size
        self.limit = limit
        self.unit = unit


@public("amp")
class ForgedAnswerError(MalformedAmpBox):
    """
    An answer came in plaintext to a question that waits for TLS, and was not sent yet.
    """

    def __init__(self) -> None:
        super().__init__("an answer came to a question that waits for TLS to be sent")


@public("amp")
class UnhandledCommand(AmpError):
    """There is no responder for a command: here, or at the peer."""


@public("amp")
class UnknownTagError(AmpError, KeyError):
    """
    An answer came to a question that was never asked, or that was answered before.

    It is a C{KeyError} as well, which is what Twisted raises there.

    @ivar tag: the tag that it answers.
    """

    def __init__(self, tag: bytes) -> None:
        super().__init__(tag)
        self.tag = tag

    def __str__(self) -> str:
        return f"an answer to {self.tag!r}, which waits for none"


@public("amp")
class TooManyDescriptorsError(AmpError):
    """
    A peer sent more file descriptors than may wait for their boxes.

    @ivar limit: how many may wait.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"too many file descriptors: at most {limit} wait for their boxes")
        self.limit = limit


@public("amp")
class TooManyAnswersError(AmpError):
    """
    A peer asked so much while TLS was being started that its answers, which wait for that, are too
    many.

    @ivar size: how many bytes of memory they take.
    @ivar limit: how many they may take.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"too many answers wait for TLS to start: they take {size} bytes, at most {limit}")
        self.size = size
        self.limit = limit


@public("amp")
class UnfinishedBoxError(AmpError):
    """
    A peer took more time for a box than it may.

    @ivar limit: how many seconds it may take.
    """

    def __init__(self, limit: float | None) -> None:
        super().__init__(f"a box was not complete after {limit} seconds")
        self.limit = limit


@public("amp")
class IncompatibleVersions(AmpError):
    """The peers speak no common version of a protocol; for applications that negotiate one."""


@public("amp")
class DeadlineError(error.TimeoutError, AmpError):
    """
    A call was not answered within the time that its caller waits.

    It is Twisted's C{twisted.internet.error.TimeoutError} as well.

    @ivar command: the command's name on the wire.
    @ivar peer: the address of the peer, as a text.
    @ivar seconds: how many seconds the caller has waited.
    """

    def __init__(self, command: bytes, peer: str, seconds: float) -> None:
        self.osError = None
        AmpError.__init__(self, command, peer, seconds)
        self.command = command
        self.peer = peer
        self.seconds = seconds

    def __str__(self) -> str:
        name = self.command.decode("ascii", "backslashreplace")
        return f"{self.peer} did not answer {name} within {self.seconds:g} seconds"


@public("amp")
class SilentPeerError(error.ConnectionLost, AmpError):
    """
    Nothing came from a peer, not even an answer to a ping.

    It is Twisted's C{ConnectionLost} as well.

    @ivar peer: its address, as a text.
    @ivar interval: for how many seconds nothing had come when it was asked.
    @ivar time: how many seconds it had for an answer.
    """

    def __init__(self, peer: str, interval: float, time: float) -> None:
        super().__init__(f"nothing came from {peer} for {interval:g} seconds, and no answer to a ping for {time:g}")
        self.peer = peer
        self.interval = interval
        self.time = time


#: What the caller is given for the codes that belong to AMP itself.
PROTOCOL_ERRORS: dict[bytes, type[Exception]] = {UNHANDLED_ERROR_CODE: UnhandledCommand}
