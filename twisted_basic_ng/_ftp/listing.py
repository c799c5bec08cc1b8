"""
The text of a listing: one row for each entry, as C{ls -l} formats it, and one line for each row.
"""

from __future__ import annotations

import time
from typing import Any, Final

from .._places import public

__all__ = ["encodeName", "formatRow", "oneLine"]

#: Translates the control bytes that could split a line, or change a terminal, to C{?}.  Bytes from
#: 0x80 on may be parts of names in any encoding, so they stay.
_CONTROL: Final = bytes.maketrans(bytes([*range(32), 127]), b"?" * 33)

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _date(seconds: float) -> str:
    """
    Format a time as C{ls} does: with the hour in the current year, else with the year.
    """
    try:
        then = time.gmtime(seconds)
    except (OverflowError, ValueError, OSError):
        then = time.gmtime(0)  # out of the calendar's range
    day = f"{_MONTHS[then.tm_mon - 1]} {then.tm_mday:02d}"
    if then.tm_year != time.gmtime().tm_year:
        return f"{day} {then.tm_year:5d}"
    return f"{day} {then.tm_hour:02d}:{then.tm_min:02d}"


@public("ftp", inTwisted="FTP._encodeName")
def encodeName(server: Any, name: str | bytes) -> bytes:  # noqa: ARG001 - it is a method, by itself
    """
    Encode a name for a listing in UTF-8; a name that is not UTF-8 is sent as the bytes in the file
    system.

    Under the swap it replaces C{FTP._encodeName}.  With Twisted's own method, such a name keeps the
    listing from ending.
    """
    return name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name


def oneLine(text: bytes) -> bytes:
    """Make C{text} one line that is safe to print on a terminal: its control bytes become C{?}."""
    return text.translate(_CONTROL)


def formatRow(
    name: bytes,
    size: int,
    directory: object,
    permissions: Any,
    hardlinks: int,
    modified: float,
    owner: str,
    group: str,
    encoding: str,
) -> bytes:
    """
    Format an entry as C{DTP._formatOneListResponse} describes; C{encoding} is for the owner and the
    group.
    """
    row = (
        f"{'d' if directory else '-'}{permissions.shorthand()}{int(hardlinks):4d} "
        f"{owner[:8]!s:<9} {group[:8]!s:<9} {int(size):15d} {_date(modified):>12} "
    )
    return row.encode(encoding, "replace") + name
