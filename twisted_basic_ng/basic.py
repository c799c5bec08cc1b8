"""
Line, netstring and int-prefixed protocols, and a producer that sends a file: the names and the
behaviour of C{twisted.protocols.basic}, in linear time.

Each receiver is a thin loop.  The functions of L{twisted_basic_ng._accelerate} find frames in
batches, and the loop delivers them one at a time.  A callback may change anything between two
frames, and the change takes effect from the next frame on.

This file re-exports the public names, and imports each at its first use.  The receivers are in
L{twisted_basic_ng._receiving}, L{FileSender} is in C{_filesender}.
"""

# Imported modules and functions are among the names, because twisted.protocols.basic has them, too.
from __future__ import annotations

import math
import re
from importlib import import_module
from io import BytesIO
from struct import calcsize, pack, unpack
from typing import TYPE_CHECKING, Final

from ._places import openFacade as _openFacade

if TYPE_CHECKING:
    from zope.interface import implementer

    from twisted.internet import defer, interfaces, protocol
    from twisted.python import log

    from ._filesender import FileSender
    from ._receiving.intstrings import (
        Int8StringReceiver,
        Int16StringReceiver,
        Int32StringReceiver,
        IntNStringReceiver,
        StringTooLongError,
        _RecvdCompatHack,
    )
    from ._receiving.lineonly import LineOnlyReceiver
    from ._receiving.lines import LineReceiver
    from ._receiving.netstrings import (
        IncompleteNetstring,
        NetstringParseError,
        NetstringReceiver,
        formatNetstring as _formatNetstring,
    )
    from ._receiving.pausing import _PauseableMixin
    from ._receiving.stateful import StatefulStringProtocol
else:

    def __getattr__(name: str) -> object:
        """Import the object called C{name} at its first use."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = _PLACES[name].partition(":")
        found = import_module(module, __package__)
        globals()[name] = value = getattr(found, attribute) if attribute else found
        return value

    def __dir__() -> list[str]:
        """Include the names that are not imported yet."""
        return sorted({*globals(), *_PLACES})

    _openFacade(__name__)


#: Where to import each name from, at its first use: a program that only needs lines does not wait
#: for the rest.
_PLACES: Final = {
    "FileSender": "._filesender:FileSender",
    "IncompleteNetstring": "._receiving.netstrings:IncompleteNetstring",
    "Int8StringReceiver": "._receiving.intstrings:Int8StringReceiver",
    "Int16StringReceiver": "._receiving.intstrings:Int16StringReceiver",
    "Int32StringReceiver": "._receiving.intstrings:Int32StringReceiver",
    "IntNStringReceiver": "._receiving.intstrings:IntNStringReceiver",
    "LineOnlyReceiver": "._receiving.lineonly:LineOnlyReceiver",
    "LineReceiver": "._receiving.lines:LineReceiver",
    "NetstringParseError": "._receiving.netstrings:NetstringParseError",
    "NetstringReceiver": "._receiving.netstrings:NetstringReceiver",
    "StatefulStringProtocol": "._receiving.stateful:StatefulStringProtocol",
    "StringTooLongError": "._receiving.intstrings:StringTooLongError",
    "_PauseableMixin": "._receiving.pausing:_PauseableMixin",
    "_RecvdCompatHack": "._receiving.intstrings:_RecvdCompatHack",
    "_formatNetstring": "._receiving.netstrings:formatNetstring",
    "defer": "twisted.internet.defer",
    "implementer": "zope.interface:implementer",
    "interfaces": "twisted.internet.interfaces",
    "log": "twisted.python.log",
    "protocol": "twisted.internet.protocol",
}

#: Unused, as in Twisted.
DEBUG = 0

__all__ = [
    "DEBUG",
    "BytesIO",
    "FileSender",
    "IncompleteNetstring",
    "Int8StringReceiver",
    "Int16StringReceiver",
    "Int32StringReceiver",
    "IntNStringReceiver",
    "LineOnlyReceiver",
    "LineReceiver",
    "NetstringParseError",
    "NetstringReceiver",
    "StatefulStringProtocol",
    "StringTooLongError",
    "_PauseableMixin",
    "_RecvdCompatHack",
    "_formatNetstring",
    "calcsize",
    "defer",
    "implementer",
    "interfaces",
    "log",
    "math",
    "pack",
    "protocol",
    "re",
    "unpack",
]
