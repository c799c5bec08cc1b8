"""
The exceptions of AMP.

::

    AmpError
    +-- TooLong                     a key or a value is over its limit
    |   +-- KeyTooLongError         ... in bytes parsed without a connection (an AttributeError)
    |   +-- ElementTooLongError     ... an element of a list (also a struct.error)
    +-- MalformedAmpBox             the bytes are not boxes
    |   +-- TruncatedBoxError       they end in the middle of a box
    |   +-- BoxTooLargeError        a box has more keys or bytes than allowed
    |   +-- ForgedAnswerError       an answer to a call that was not sent yet
    +-- NoEmptyBoxes                a box is neither ask, nor answer, nor error
    +-- UnknownTagError             an answer to no open call (also a KeyError)
    +-- InvalidSignature            a call has too few or too many arguments
    +-- MissingKeyError             a box, a row or a response lacks a value (also a KeyError)
    +-- BadLocalReturn              a responder's return value cannot be written
    +-- RemoteAmpError              the peer answers with an error
    |   +-- UnknownRemoteError      ... that the command does not declare
    +-- UnhandledCommand            a command has no responder
    +-- OnlyOneTLS                  TLS was requested before
    +-- TooManyDescriptorsError     a peer sends descriptors that no box claims
    +-- TooManyAnswersError         too many answers have to wait for TLS
    +-- UnfinishedBoxError          a box takes too long to arrive
    +-- IncompatibleVersions        never raised here; for applications
    ProtocolSwitched                the connection has switched to another protocol

The errors of what goes beyond Twisted's AMP are in L{twisted_basic_ng.amp._beyonderrors} and
L{twisted_basic_ng.amp._streamerrors}.  This file knows no connection and no box.
"""

from __future__ import annotations

import copyreg
import struct
from typing import Any, Final

from twisted.python.failure import Failure

from .._places import public
from ._constants import MAX_KEY_LENGTH, MAX_VALUE_LENGTH, UNHANDLED_ERROR_CODE, UNKNOWN_ERROR_CODE

__all__ = [
    "PROTOCOL_ERRORS",
    "AmpError",
    "BadLocalReturn",
    "BoxTooLargeError",
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
    "TooLong",
    "TooManyAnswersError",
    "TooManyDescriptorsError",
    "TruncatedBoxError",
    "UnfinishedBoxError",
    "UnhandledCommand",
    "UnknownRemoteError",
    "UnknownTagError",
]


#: Makes an object from a pickle without calling its constructor, whose arguments differ; every
#: Python has it.
_newObject: Final[Any] = copyreg.__newobj__  # type: ignore[attr-defined]


class _Stackless:
    """
    Replaces a failure in a pickle, for versions of Twisted before 24 that do not do so themselves.
    """

    def __init__(self, failure: Failure) -> None:
        self._state = failure.__getstate__()

    def __reduce__(self) -> tuple[Any, ...]:
        return Failure.__new__, (Failure,), self._state


def _portable(value: Any) -> Any:
    """Return an attribute's value in a form that can be pickled: a failure loses its stack."""
    return _Stackless(value) if isinstance(value, Failure) and "__reduce__" not in vars(Failure) else value


@public("amp")
class AmpError(Exception):
    """The base of AMP's errors."""

    # Differs from Twisted: each of them can be pickled.
    def __reduce__(self) -> str | tuple[Any, ...]:
        reduced = super().__reduce__()
        if reduced[:2] != (type(self), self.args):
            return reduced  # another base has its own way
        return _newObject, (type(self), *self.args), {name: _portable(each) for name, each in self.__dict__.items()}


@public("amp")
class ProtocolSwitched(Exception):
    """No box can be sent: the connection has switched to another protocol, or is about to."""


@public("amp")
class OnlyOneTLS(AmpError):
    """TLS was requested twice, or on a connection that has used TLS from its first byte on."""


@public("amp")
class NoEmptyBoxes(AmpError):
    """The received box neither asks nor answers; an empty box, for example."""


@public("amp")
class InvalidSignature(AmpError):
    """A call lacks a required argument, or has one that its command does not declare."""


@public("amp")
class MissingKeyError(AmpError, KeyError):
    """
    A received box lacks a required key, or a required value to send is missing.

    It is also a C{KeyError} with the same argument, because Twisted raises one here.

    @ivar key: the key: its name on the wire, or the Python name of a value to send.
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
    A key or a value is longer than its length field can express.

    A key has at most 255 bytes, a value at most 65,535.

    @ivar isKey: whether it is a key.
    @ivar isLocal: whether it was to be sent; if false, it was being received.
    @ivar value: the key or value itself; C{None} if it was refused before it arrived.
    @ivar keyName: the key of a value that is too long.
    """

    #: What is known about the call or the peer.
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

    # Differs from Twisted: a key that never arrived whole has a repr as well, and there is a text.

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

    It is also an C{AttributeError}, because Twisted raises one here.
    """


@public("amp")
class ElementTooLongError(TooLong, struct.error):
    """
    An element of a list is longer than its length field can express, 65,535 bytes.

    It is also a C{struct.error}, because Twisted raises one here.
    """

    def __init__(self, value: bytes) -> None:
        super().__init__(False, True, value)

    def _ampSubject(self) -> str:
        return "local list element"


@public("amp")
class BadLocalReturn(AmpError):
    """
    The return value of a responder does not fit the response of its command.

    @ivar message: the returned value and the command.
    @ivar enclosed: the reason why it does not fit.
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
    The peer answers a command with an error.  A responder may also raise it, to send it to the peer
    unchanged.

    @ivar errorCode: the error's code on the wire.
    @ivar description: the error's text.
    @ivar fatal: whether the connection is closed after the error.
    @ivar local: the failure behind it, on the side where it happened; else C{None}.
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
    """The received bytes cannot be read as boxes."""


@public("amp")
class TruncatedBoxError(MalformedAmpBox):
    """
    Bytes that should hold whole boxes end in the middle of one.

    @ivar left: the number of bytes after the last whole box.
    """

    def __init__(self, left: int) -> None:
        super().__init__(f"{left} bytes follow the last whole box")
        self.left = left


@public("amp")
class BoxTooLargeError(MalformedAmpBox):
    """
    A box is larger than the receiving protocol allows.

    @ivar size: its size when it was refused.
    @ivar limit: the largest size allowed.
    @ivar unit: the unit of both, C{"keys"} or C{"bytes"}.
    """

    def __init__(self, size: int, limit: int, unit: str) -> None:
        super().__init__(f"box too large: got {size} {unit}, at most {limit}")
        self.size = size
        self.limit = limit
        self.unit = unit


@public("amp")
class ForgedAnswerError(MalformedAmpBox):
    """A plaintext answer came to a call that still waits for TLS before it is sent."""

    def __init__(self) -> None:
        super().__init__("an answer came to a question that waits for TLS to be sent")


@public("amp")
class UnhandledCommand(AmpError):
    """A command has no responder, on this side or at the peer."""


@public("amp")
class UnknownTagError(AmpError, KeyError):
    """
    An answer came to a call that was never made, or that was already answered.

    It is also a C{KeyError}, because Twisted raises one here.

    @ivar tag: the tag of the answer.
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
    The answers that wait for TLS to start take too much memory, because the peer asks too much.

    @ivar size: the memory that they take, in bytes.
    @ivar limit: the memory that they may take, in bytes.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"too many answers wait for TLS to start: they take {size} bytes, at most {limit}")
        self.size = size
        self.limit = limit


@public("amp")
class UnfinishedBoxError(AmpError):
    """
    A peer took too long to send a box.

    @ivar limit: the time allowed, in seconds.
    """

    def __init__(self, limit: float | None) -> None:
        super().__init__(f"a box was not complete after {limit} seconds")
        self.limit = limit


@public("amp")
class IncompatibleVersions(AmpError):
    """The peers have no version of a protocol in common; for applications that negotiate one."""


#: The exceptions that the caller gets for AMP's own error codes.
PROTOCOL_ERRORS: dict[bytes, type[Exception]] = {UNHANDLED_ERROR_CODE: UnhandledCommand}
