"""
AMP, the Asynchronous Messaging Protocol: the names and the behaviour of C{twisted.protocols.amp}, in linear time.

Two peers call each other's commands over one connection, with named arguments, in any number at a time.  On the
wire there are boxes, U{https://amp-protocol.net}: pairs of a key and a value, each behind its length in two bytes in
network order (for a key, the first of them is zero), and an empty key at the end.  A call is a box with C{_ask}, a
tag, and C{_command}, a name; its answer repeats the tag as C{_answer}, or as C{_error} beside C{_error_code} and
C{_error_description}.

The map, from the bottom up: C{_constants}, C{_names}, C{_tlssupport}; C{_errors}, C{_interfaces}, C{_types}; C{_boxes};
C{_arguments}, C{_responders}; C{_dispatch} (the conversation, without bytes) and what bounds it,
C{_overload} (the peer's calls), C{_line} (our own) and C{_metering}; C{_descriptors} and
C{_commands}; C{_switch}, C{_tls}; C{_reading} (bytes to boxes), C{_wire} (a connection);
C{_protocol} (all of it together).  This file holds no code of its own but what asks for Twisted's
TLS: it is where all the names are.
"""

# The modules and functions among them are names that twisted.protocols.amp has, too.
from __future__ import annotations

import datetime
import decimal
import warnings
from collections.abc import Callable as Callable
from functools import partial as partial
from io import BytesIO as BytesIO
from itertools import count as count
from struct import pack as pack
from types import MethodType as MethodType
from typing import (
    TYPE_CHECKING,
    Any as Any,
    ClassVar as ClassVar,
    Dict as Dict,
    List as List,
    Optional as Optional,
    Tuple as Tuple,
    Type as Type,
    TypeVar as TypeVar,
    Union as Union,
)

from zope.interface import Interface as Interface, implementer as implementer

from twisted.internet.defer import Deferred as Deferred, fail as fail, maybeDeferred as maybeDeferred
from twisted.internet.error import (
    ConnectionClosed as ConnectionClosed,
    ConnectionLost as ConnectionLost,
    PeerVerifyError as PeerVerifyError,
)
from twisted.internet.interfaces import IFileDescriptorReceiver as IFileDescriptorReceiver
from twisted.internet.main import CONNECTION_LOST as CONNECTION_LOST
from twisted.internet.protocol import Protocol as Protocol
from twisted.logger import Logger as Logger
from twisted.python import filepath as filepath, log as log
from twisted.python._tzhelper import UTC as utc, FixedOffsetTimeZone as _FixedOffsetTZInfo
from twisted.python.compat import nativeString as nativeString
from twisted.python.failure import Failure as Failure
from twisted.python.reflect import accumulateClassDict as accumulateClassDict

from .._places import openFacade as _openFacade
from ..basic import Int16StringReceiver, StatefulStringProtocol
from . import _tlssupport
from ._arguments import (
    AmpList,
    Argument,
    Boolean,
    DateTime,
    Decimal,
    Float,
    Integer,
    ListOf,
    Path,
    String,
    Unicode,
    _objectsToStrings as _objectsToStrings,
    _stringsToObjects as _stringsToObjects,
)
from ._boxes import AmpBox, Box, QuitBox
from ._commands import Command, OneWayCommand, _CommandMeta as _CommandMeta, _Self as _Self, _T_Callable as _T_Callable
from ._constants import (
    ANSWER,
    ASK,
    COMMAND,
    ERROR,
    ERROR_CODE,
    ERROR_DESCRIPTION,
    MAX_KEY_LENGTH,
    MAX_VALUE_LENGTH,
    UNHANDLED_ERROR_CODE,
    UNKNOWN_ERROR_CODE,
)
from ._descriptors import Descriptor, _DescriptorExchanger as _DescriptorExchanger
from ._dispatch import BoxDispatcher
from ._errors import (
    PROTOCOL_ERRORS,
    AmpError,
    BadLocalReturn,
    BoxTooLargeError,
    ElementTooLongError,
    ForgedAnswerError,
    IncompatibleVersions,
    InvalidSignature,
    KeyTooLongError,
    MalformedAmpBox,
    NoEmptyBoxes,
    OnlyOneTLS,
    ProtocolSwitched,
    RemoteAmpError,
    TooLong,
    TooManyAnswersError,
    TooManyDescriptorsError,
    TruncatedBoxError,
    UnfinishedBoxError,
    UnhandledCommand,
    UnknownRemoteError,
    UnknownTagError,
)
from ._interfaces import IArgumentType, IBoxReceiver, IBoxSender, IResponderLocator
from ._names import PYTHON_KEYWORDS, _wireNameToPythonIdentifier as _wireNameToPythonIdentifier
from ._protocol import AMP, _ParserHelper as _ParserHelper, parse, parseString
from ._responders import CommandLocator, SimpleStringLocator, _CommandLocatorMeta as _CommandLocatorMeta
from ._switch import ProtocolSwitchCommand, _SwitchBox as _SwitchBox
from ._tls import (
    StartTLS,
    _LocalArgument as _LocalArgument,
    _NoCertificate as _NoCertificate,
    _TLSBox as _TLSBox,
)
from ._wire import BinaryBoxProtocol, _log as _log

if TYPE_CHECKING:
    from ._tlssupport import DN, Certificate, CertificateOptions, KeyPair, ssl, ssl as _ssl
else:

    def __getattr__(name: str) -> object:
        """Twisted's TLS is imported when a name of it is asked for."""
        if name.lstrip("_") in _tlssupport.NAMES:
            return getattr(_tlssupport, name.lstrip("_"))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        """Name these, too."""
        return sorted({*globals(), *_tlssupport.NAMES, "_ssl"})

    _openFacade(__name__)


__all__ = [
    "AMP",
    "ANSWER",
    "ASK",
    "COMMAND",
    "ERROR",
    "ERROR_CODE",
    "ERROR_DESCRIPTION",
    "MAX_KEY_LENGTH",
    "MAX_VALUE_LENGTH",
    "PROTOCOL_ERRORS",
    "PYTHON_KEYWORDS",
    "UNHANDLED_ERROR_CODE",
    "UNKNOWN_ERROR_CODE",
    "AmpBox",
    "AmpError",
    "AmpList",
    "Argument",
    "BadLocalReturn",
    "BinaryBoxProtocol",
    "Boolean",
    "Box",
    "BoxDispatcher",
    "BoxTooLargeError",
    "Command",
    "CommandLocator",
    "DateTime",
    "Decimal",
    "Descriptor",
    "ElementTooLongError",
    "Float",
    "ForgedAnswerError",
    "IArgumentType",
    "IBoxReceiver",
    "IBoxSender",
    "IResponderLocator",
    "IncompatibleVersions",
    "Integer",
    "InvalidSignature",
    "KeyTooLongError",
    "ListOf",
    "MalformedAmpBox",
    "NoEmptyBoxes",
    "OneWayCommand",
    "OnlyOneTLS",
    "Path",
    "ProtocolSwitchCommand",
    "ProtocolSwitched",
    "QuitBox",
    "RemoteAmpError",
    "SimpleStringLocator",
    "StartTLS",
    "String",
    "TooLong",
    "TooManyAnswersError",
    "TooManyDescriptorsError",
    "TruncatedBoxError",
    "UnfinishedBoxError",
    "UnhandledCommand",
    "Unicode",
    "UnknownRemoteError",
    "UnknownTagError",
    "parse",
    "parseString",
    "utc",
]
