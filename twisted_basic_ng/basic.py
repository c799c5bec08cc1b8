"""
Line, netstring and int-prefixed protocols, and a producer that sends a file: the names and the behaviour of
C{twisted.protocols.basic}, in linear time.

Each receiver is a thin loop: the functions of C{_framing} find frames in batches, the loop delivers them one
at a time.  Between two of them a callback may change what it likes, and it holds from the next one on.

The map: C{_framing} (where frames begin and end; C{_accelerate} chooses its build), C{_backlog} (the bytes
that are not delivered), C{_receiver} (what all receivers do alike), C{_lines}, C{_netstrings}, C{_intstrings},
C{_pausing}, C{_stateful}, C{_filesender}.  This file holds no code of its own: it is where all the names are.
"""

# The modules and functions among them are names that twisted.protocols.basic has, too.
import math
import re
from io import BytesIO
from struct import calcsize, pack, unpack

from zope.interface import implementer

from twisted.internet import defer, interfaces, protocol
from twisted.python import log

from ._filesender import FileSender
from ._framing import formatNetstring as _formatNetstring
from ._intstrings import (
    Int8StringReceiver,
    Int16StringReceiver,
    Int32StringReceiver,
    IntNStringReceiver,
    StringTooLongError,
    _RecvdCompatHack,
)
from ._lines import LineOnlyReceiver, LineReceiver
from ._netstrings import IncompleteNetstring, NetstringParseError, NetstringReceiver
from ._pausing import _PauseableMixin
from ._stateful import StatefulStringProtocol

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
