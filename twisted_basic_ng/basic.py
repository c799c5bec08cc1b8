"""
Line, netstring and int-prefixed protocols, and a producer that sends a file: the names and the behaviour of
C{twisted.protocols.basic}, in linear time.

Each receiver is a thin loop: the functions of C{_framing} find frames in batches, the loop delivers them one
at a time.  Between two of them a callback may change what it likes, and it holds from the next one on.

The map: C{_framing} (where frames begin and end; C{_accelerate} chooses its build), C{_backlog} (the bytes
that are not delivered), C{_receiver} (what all receivers do alike), C{_lines}, C{_netstrings}, C{_intstrings},
C{_pausing}, C{_stateful}, C{_filesender}.  This file holds no code of its own but what imports them when they are asked
for: it is where all the names are.
"""

# The modules and functions among them are names that twisted.protocols.basic has, too.
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
    from ._intstrings import (
        Int8StringReceiver,
        Int16StringReceiver,
        Int32StringReceiver,
        IntNStringReceiver,
        StringTooLongError,
        _RecvdCompatHack,
    )
    from ._lines import LineOnlyReceiver, LineReceiver
    from ._netstrings import (
        IncompleteNetstring,
        NetstringParseError,
        NetstringReceiver,
        formatNetstring as _formatNetstring,
    )
    from ._pausing import _PauseableMixin
    from ._stateful import StatefulStringProtocol
else:

    def __getattr__(name: str) -> object:
        """Import what C{name} stands for, when it is first asked for."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = _PLACES[name].partition(":")
        found = import_module(module, __package__)
        globals()[name] = value = getattr(found, attribute) if attribute else found
        return value

    def __dir__() -> list[str]:
        """Name what was not asked for, too."""
        return sorted({*globals(), *_PLACES})

    _openFacade(__name__)


#: Where the names are that are imported when they are asked for: who wants lines alone does not wait for the rest.
_PLACES: Final = {
    "FileSender": "._filesender:FileSender",
    "IncompleteNetstring": "._netstrings:IncompleteNetstring",
    "Int8StringReceiver": "._intstrings:Int8StringReceiver",
    "Int16StringReceiver": "._intstrings:Int16StringReceiver",
    "Int32StringReceiver": "._intstrings:Int32StringReceiver",
    "IntNStringReceiver": "._intstrings:IntNStringReceiver",
    "LineOnlyReceiver": "._lines:LineOnlyReceiver",
    "LineReceiver": "._lines:LineReceiver",
    "NetstringParseError": "._netstrings:NetstringParseError",
    "NetstringReceiver": "._netstrings:NetstringReceiver",
    "StatefulStringProtocol": "._stateful:StatefulStringProtocol",
    "StringTooLongError": "._intstrings:StringTooLongError",
    "_PauseableMixin": "._pausing:_PauseableMixin",
    "_RecvdCompatHack": "._intstrings:_RecvdCompatHack",
    "_formatNetstring": "._netstrings:formatNetstring",
    "defer": "twisted.internet.defer",
    "implementer": "zope.interface:implementer",
    "interfaces": "twisted.internet.interfaces",
    "log": "twisted.python.log",
    "protocol": "twisted.internet.protocol",
}

#: Without use, as in Twisted.
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
