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
    "STREAM",
    "STREAMS",
    "STREAMS_FEATURE",
    "STREAM_BAD_ITEM_CODE",
    "STREAM_CREDIT",
    "STREAM_DATA",
    "STREAM_END",
    "STREAM_ERROR_CODE",
    "STREAM_FAILED_CODE",
    "STREAM_MAX_CREDIT",
    "STREAM_MAX_NUMBER",
    "STREAM_OVERLOADED_CODE",
    "STREAM_PIECE",
    "STREAM_RESET",
    "STREAM_STOP",
    "STREAM_STOPPED_CODE",
    "STREAM_TEXT",
    "STREAM_TOO_LONG_CODE",
    "STREAM_TOO_MANY_CODE",
    "STREAM_UNREAD_CODE",
    "STREAM_UNSUPPORTED_CODE",
    "STREAM_WINDOW",
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

#: The name of the feature of streams.
STREAMS_FEATURE: Final = b"streams"

#: The key of the numbers of the streams that a call or an answer announces.
STREAMS: Final = b"_streams"

#: The key of a stream's number, in every box of a stream.
STREAM: Final = b"_stream"

#: The key of a piece of a stream.
STREAM_DATA: Final = b"_data"

#: The key of a stream's end; its value is empty.
STREAM_END: Final = b"_end"

#: The key of the code of the error that ended a stream at its sender.
STREAM_RESET: Final = b"_reset"

#: The key of how many more bytes of a stream the reader takes.
STREAM_WINDOW: Final = b"_window"

#: The key of the code with which a reader stops a stream.
STREAM_STOP: Final = b"_stop"

#: The key of the text for a reset or a stop, in UTF-8.
STREAM_TEXT: Final = b"_text"

#: How many bytes of a stream may be sent before the reader allows more.
STREAM_CREDIT: Final = 2**14

#: How many bytes a piece of a stream may have.
STREAM_PIECE: Final = 2**14

#: The most bytes that a sender may be allowed to send at a time.
STREAM_MAX_CREDIT: Final = 2**31 - 1

#: The highest number of a stream.
STREAM_MAX_NUMBER: Final = 2**53 - 1

#: The code for a stream that its reader does not want, and that of the reset that follows.
STREAM_STOPPED_CODE: Final = b"STOPPED"

#: The code for a stream that no code reads.
STREAM_UNREAD_CODE: Final = b"UNREAD"

#: The code for a stream whose responder failed.
STREAM_FAILED_CODE: Final = b"FAILED"

#: The code for a stream that is longer than its reader allows.
STREAM_TOO_LONG_CODE: Final = b"TOO_LONG"

#: The code of the answer of a responder that fails because a stream was stopped.
STREAM_ERROR_CODE: Final = b"STREAM"

#: The code for a stream with an item that cannot be read.
STREAM_BAD_ITEM_CODE: Final = b"BAD_ITEM"

#: The code for a stream above C{MAX_STREAMS}.
STREAM_TOO_MANY_CODE: Final = b"TOO_MANY_STREAMS"

#: The code for a stream of a peer that has made too many calls.
STREAM_OVERLOADED_CODE: Final = b"OVERLOADED"

#: The code for a call whose streams one of the sides does not have.
STREAM_UNSUPPORTED_CODE: Final = b"UNSUPPORTED"
