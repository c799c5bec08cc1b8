"""
What is fixed on the wire: the keys that carry a conversation, the error codes, the limits.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ANSWER",
    "ASK",
    "COMMAND",
    "DEADLINE_ERROR_CODE",
    "ERROR",
    "ERROR_CODE",
    "ERROR_DESCRIPTION",
    "MAX_KEY_LENGTH",
    "MAX_VALUE_LENGTH",
    "PING",
    "TIMEOUT",
    "TLS_ERROR_CODE",
    "UNHANDLED_ERROR_CODE",
    "UNKNOWN_ERROR_CODE",
    "UNKNOWN_ERROR_TEXT",
]

#: The key of a command's tag, by which its answer will be known.
ASK: Final = b"_ask"

#: The key of the tag that is answered.
ANSWER: Final = b"_answer"

#: The key of a command's name.
COMMAND: Final = b"_command"

#: The key of the tag that is answered with an error.
ERROR: Final = b"_error"

#: The key of that error's code.
ERROR_CODE: Final = b"_error_code"

#: The key of that error's text, in UTF-8.
ERROR_DESCRIPTION: Final = b"_error_description"

#: The code of an error that the command does not declare.
UNKNOWN_ERROR_CODE: Final = b"UNKNOWN"

#: The text that goes with it, where the application has none of its own.
UNKNOWN_ERROR_TEXT: Final = "Unknown Error"

#: The code that says that nobody responds to a command.
UNHANDLED_ERROR_CODE: Final = b"UNHANDLED"

#: The code that says that TLS is not to be had.
TLS_ERROR_CODE: Final = b"TLS_ERROR"

#: The key of the milliseconds that a caller waits.
TIMEOUT: Final = b"_timeout"

#: The code that says that they have passed.
DEADLINE_ERROR_CODE: Final = b"DEADLINE"

#: The name of the command that only asks for an answer.
PING: Final = b"_ping"

#: The longest key, in bytes: the first of the two bytes of its length is zero.
MAX_KEY_LENGTH: Final = 0xFF

#: The longest value, in bytes: what two bytes can count.
MAX_VALUE_LENGTH: Final = 0xFFFF
