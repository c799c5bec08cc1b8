"""
The constants of the wire format: the keys of a conversation, the error codes, the limits.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ACCEPTS",
    "ANSWER",
    "ASK",
    "CANCEL",
    "CANCELLED_ERROR_CODE",
    "CANCEL_FEATURE",
    "COMMAND",
    "DEADLINE_ERROR_CODE",
    "DESCRIBE",
    "ERROR",
    "ERROR_CODE",
    "ERROR_DESCRIPTION",
    "EXTENSIONS",
    "LEAVE",
    "LEAVE_FEATURE",
    "MAX_KEY_LENGTH",
    "MAX_VALUE_LENGTH",
    "MORE",
    "MORE_FEATURE",
    "OFFERS",
    "PING",
    "TIMEOUT",
    "TLS_ERROR_CODE",
    "UNHANDLED_ERROR_CODE",
    "UNKNOWN_ERROR_CODE",
    "UNKNOWN_ERROR_TEXT",
]

#: The key of a call's tag, which its answer repeats.
ASK: Final = b"_ask"

#: The key of the tag of the call that is answered.
ANSWER: Final = b"_answer"

#: The key of a command's name.
COMMAND: Final = b"_command"

#: The key of the tag of the call that is answered with an error.
ERROR: Final = b"_error"

#: The key of the error's code.
ERROR_CODE: Final = b"_error_code"

#: The key of the error's text, in UTF-8.
ERROR_DESCRIPTION: Final = b"_error_description"

#: The code of an error that the command does not declare.
UNKNOWN_ERROR_CODE: Final = b"UNKNOWN"

#: The text for that code, if the application has none of its own.
UNKNOWN_ERROR_TEXT: Final = "Unknown Error"

#: The code for a command that has no responder.
UNHANDLED_ERROR_CODE: Final = b"UNHANDLED"

#: The code for a side on which TLS is not available.
TLS_ERROR_CODE: Final = b"TLS_ERROR"

#: The key of the milliseconds that a caller waits.
TIMEOUT: Final = b"_timeout"

#: The code that says that they have passed.
DEADLINE_ERROR_CODE: Final = b"DEADLINE"

#: The name of the command that only asks for an answer.
PING: Final = b"_ping"

#: The name of the command that asks the peer for its features.
EXTENSIONS: Final = b"_extensions"

#: The key of the features that the asking side has.
OFFERS: Final = b"offers"

#: The key of the features that both sides have.
ACCEPTS: Final = b"accepts"

#: The key of a box that goes on in the next one.
MORE: Final = b"_more"

#: The name of the feature of values that take several boxes.
MORE_FEATURE: Final = b"more"

#: The key of the tag of a call that was cancelled.
CANCEL: Final = b"_cancel"

#: The name of the feature of cancelling calls at the peer.
CANCEL_FEATURE: Final = b"cancel"

#: The error code of a call that its caller has cancelled.
CANCELLED_ERROR_CODE: Final = b"CANCELLED"

#: The key of a box that asks the peer for no new calls.
LEAVE: Final = b"_leave"

#: The name of the feature of leaving a connection in an orderly way.
LEAVE_FEATURE: Final = b"leave"

#: The name of the command that asks a peer what it responds to.
DESCRIBE: Final = b"_describe"

#: The longest key, in bytes: the first of the two bytes of its length is zero.
MAX_KEY_LENGTH: Final = 0xFF

#: The longest value, in bytes: the largest number that its two-byte length can express.
MAX_VALUE_LENGTH: Final = 0xFFFF
