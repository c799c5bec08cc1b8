"""
Errors to boxes, and boxes to errors.

On the wire, an error is a box with the tag of the call, a code, and a text in UTF-8.
"""

from __future__ import annotations

from typing import Any

from twisted.python.failure import Failure

from ._boxes import AmpBox
from ._constants import ERROR, ERROR_CODE, ERROR_DESCRIPTION, MAX_VALUE_LENGTH, UNKNOWN_ERROR_CODE
from ._errors import PROTOCOL_ERRORS, RemoteAmpError

__all__ = ["cutError", "cutText", "errorBox", "errorOf"]


def errorBox(kind: type[AmpBox], tag: bytes, code: bytes, description: bytes, isCut: bool = True) -> AmpBox:
    """
    Make the box that answers the call C{tag} with an error.

    @param isCut: whether a text that is too long is cut.
    """
    # Differs from Twisted: a text that is too long for a box is cut.
    box = kind()
    box[ERROR] = tag
    box[ERROR_CODE] = code
    box[ERROR_DESCRIPTION] = cutText(description) if isCut else description
    return box


def cutError(box: AmpBox) -> bool:
    """Cut the text of an error box.  Return whether it was too long."""
    description = box.get(ERROR_DESCRIPTION, b"")
    if ERROR not in box or len(description) <= MAX_VALUE_LENGTH:
        return False
    box[ERROR_DESCRIPTION] = cutText(description)
    return True


def cutText(description: bytes) -> bytes:
    """Cut a text in UTF-8 to the length of a value, between two characters."""
    if len(description) <= MAX_VALUE_LENGTH:
        return description
    return description[:MAX_VALUE_LENGTH].decode("utf-8", "ignore").encode("utf-8")


# Differs from Twisted: an error without a code or a text is an error, too, and one that cannot be
# made ends the call.
def errorOf(box: AmpBox) -> Failure:
    """
    Make the failure that an error box stands for.

    If the entry of C{PROTOCOL_ERRORS} for its code raises, the failure holds that exception.
    """
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
