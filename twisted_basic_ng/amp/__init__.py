"""
AMP, the Asynchronous Messaging Protocol: the names and the behaviour of C{twisted.protocols.amp},
in linear time.

Two peers call each other's commands over one connection.  Arguments are named, and any number of
calls can be under way at a time.

The wire carries boxes (U{https://amp-protocol.net}).  A box is a series of keys and values, ended
by an empty key.  A length of two bytes in network order precedes each key and each value; the first
byte of a key's length is always zero.  A call is a box with the keys C{_ask}, which holds a tag,
and C{_command}, which holds a name.  Its answer repeats the tag under C{_answer}.  An error repeats
it under C{_error}, and adds C{_error_code} and C{_error_description}.

The files, from the bottom up.  A file imports only from the lines above its own, in type
annotations as well:

  - C{_constants}, C{_names}, C{_tlssupport}, and C{_errors};
  - C{_boxes} (boxes to bytes and back), C{_errorboxes} (errors to boxes and back), C{_interfaces},
    C{_types} (what the layers expect of each other);
  - C{_explain} (errors that say what to do), C{_currentcall} (the call that is being
    responded to);
  - C{_arguments} (the types of single values), C{_schema} (a whole box by its names and types),
    C{_lists} (C{ListOf}, C{AmpList}), C{_description} (the commands that a side responds to);
  - C{_deadlines} (how long a caller waits), C{_keepalive} (noticing that the peer is gone);
  - C{_responders} (finding the responder of a command), C{_calls} (a call that waits for its
    answer), C{_responding} (a responder that has not answered yet);
  - the limits on the calls of both sides: C{_metering} (unsent bytes), C{_line} (our own calls),
    C{_overload} (the peer's);
  - the conversation, without bytes: C{_caller} (calls to the peer), C{_dispatch} (calls of the
    peer);
  - C{_commands}, C{_describe}, C{_descriptors}, then C{_switch} and C{_tls}, the commands that
    change the connection;
  - what goes beyond Twisted's AMP: C{_features} (which features there are), C{_extensions} (which
    of them both sides have), and the features: C{_more} (large values),
    C{_cancel} (cancelled calls), C{_leave} (leaving in an orderly way);
  - the connection: C{_strings} and C{_reading} (bytes to boxes, a string or a box at a time),
    C{_sending} (boxes to bytes), C{_wire} (how it begins, ends and changes);
  - C{_protocol} (all of it together).

This file re-exports the public names.  Its only code imports Twisted's TLS names on first access.
"""

# twisted.protocols.amp also offers the modules and functions that are imported here.
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
from ._arguments import Argument, Boolean, DateTime, Decimal, Float, Integer, Path, String, Unicode
from ._beyonderrors import DeadlineError, LeavingError, MissingFeatureError, SilentPeerError
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
from ._currentcall import CurrentCall, currentCall
from ._describe import Describe
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
    MissingKeyError,
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
from ._lists import AmpList, ListOf
from ._names import PYTHON_KEYWORDS, _wireNameToPythonIdentifier as _wireNameToPythonIdentifier
from ._protocol import AMP, _ParserHelper as _ParserHelper, parse, parseString
from ._responders import CommandLocator, SimpleStringLocator, _CommandLocatorMeta as _CommandLocatorMeta
from ._schema import _objectsToStrings as _objectsToStrings, _stringsToObjects as _stringsToObjects
from ._streamerrors import (
    StreamBusyError,
    StreamError,
    StreamOverflowError,
    StreamStoppedError,
    StreamsUnsupportedError,
    StreamTooLongError,
    StreamViolationError,
    TooManyStreamsError,
)
from ._streampipes import StreamPipe, StreamSender
from ._streamreader import ItemReader, StreamReader
from ._streamtypes import Stream, StreamOf
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
        """Import Twisted's TLS on the first access to one of its names."""
        if name.lstrip("_") in _tlssupport.NAMES:
            return getattr(_tlssupport, name.lstrip("_"))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        """List the TLS names as well."""
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
    "CurrentCall",
    "DateTime",
    "DeadlineError",
    "Decimal",
    "Describe",
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
    "ItemReader",
    "KeyTooLongError",
    "LeavingError",
    "ListOf",
    "MalformedAmpBox",
    "MissingFeatureError",
    "MissingKeyError",
    "NoEmptyBoxes",
    "OneWayCommand",
    "OnlyOneTLS",
    "Path",
    "ProtocolSwitchCommand",
    "ProtocolSwitched",
    "QuitBox",
    "RemoteAmpError",
    "SilentPeerError",
    "SimpleStringLocator",
    "StartTLS",
    "Stream",
    "StreamBusyError",
    "StreamError",
    "StreamOf",
    "StreamOverflowError",
    "StreamPipe",
    "StreamReader",
    "StreamSender",
    "StreamStoppedError",
    "StreamTooLongError",
    "StreamViolationError",
    "StreamsUnsupportedError",
    "String",
    "TooLong",
    "TooManyAnswersError",
    "TooManyDescriptorsError",
    "TooManyStreamsError",
    "TruncatedBoxError",
    "UnfinishedBoxError",
    "UnhandledCommand",
    "Unicode",
    "UnknownRemoteError",
    "UnknownTagError",
    "currentCall",
    "parse",
    "parseString",
    "utc",
]
