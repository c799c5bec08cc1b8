"""
All targets by name.  A target is a function of bytes that raises an exception only if a promise is
broken.
"""

from __future__ import annotations

from collections.abc import Callable

from .of_amp import AMP
from .of_arguments import ARGUMENTS
from .of_framing import FUNCTIONS
from .of_ftp import FTP
from .of_receivers import receiverTarget

__all__ = ["TARGETS"]

_RECEIVERS = {
    "lines": "LineReceiver",
    "linesOnly": "LineOnlyReceiver",
    "netstrings": "NetstringReceiver",
    "int8Strings": "Int8StringReceiver",
    "int16Strings": "Int16StringReceiver",
    "int32Strings": "Int32StringReceiver",
}

TARGETS: dict[str, Callable[[bytes], None]] = {
    **FUNCTIONS,
    **{name: receiverTarget(kind) for name, kind in _RECEIVERS.items()},
    **AMP,
    **ARGUMENTS,
    **FTP,
}
