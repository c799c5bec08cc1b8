"""
Whatever bytes arrive, only documented errors leave a receiver, and valid data is accepted.
"""

from __future__ import annotations

import datetime
import itertools
import pickle
import random
import sys
from contextlib import suppress
from typing import Any

import pytest

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, deliver

from .boxes import ask, box, vocabulary
from .promises import Modules, alike, differs, require, sound


class Keeping:
    """A mixin for receivers that collects the messages."""

    def lineReceived(self, line: bytes) -> None:
        self.__dict__.setdefault("taken", []).append(line)

    stringReceived = lineReceived


def receiver(modules: Modules, name: str, limit: int) -> Any:
    base: Any = getattr(modules.basic, name)
    made: Any = type(name, (Keeping, base), {"MAX_LENGTH": limit, "taken": []})()
    RecordingTransport().connect(made)
    return made


class TestReceivers:
    """A receiver accepts the same data in any chunks and with any limit."""

    @pytest.mark.parametrize("delimiter", [b"\r\n", b"<end>"])
    @differs
    def test_wholeLine(self, modules: Modules, delimiter: bytes) -> None:
        """A line of exactly the limit is accepted, even if a chunk ends inside its delimiter."""
        for cut in range(1, len(delimiter)):
            lines = receiver(modules, "LineOnlyReceiver", 5)
            lines.delimiter = delimiter
            deliver(lines, [b"12345" + delimiter[:cut], delimiter[cut:]])
            require(lines.__dict__.get("taken") == [b"12345"], "the line is accepted")

    @alike
    def test_tooLong(self, modules: Modules) -> None:
        """A line one byte longer is not accepted."""
        lines = receiver(modules, "LineOnlyReceiver", 5)
        lines.dataReceived(b"123456\r\n")
        require(lines.transport.disconnecting, "the peer is dropped")

    @differs
    def test_noLength(self, modules: Modules) -> None:
        """A netstring receiver with the limit 0 accepts empty strings."""
        strings = receiver(modules, "NetstringReceiver", 0)
        with sound("no error"):
            strings.dataReceived(b"0:,0:,")
        require(strings.__dict__.get("taken") == [b"", b""], "they are accepted")

    @pytest.mark.parametrize(
        "length",
        [b"", b"00", b"01", b"-1", b"+1", b" 1", b"1 ", b"1_0", b"1e1", b"0x1", "\u0661".encode(), b"9" * 5000],
    )
    @alike
    def test_digits(self, modules: Modules, length: bytes) -> None:
        """A malformed netstring length is refused."""
        strings = receiver(modules, "NetstringReceiver", 100)
        strings.dataReceived(length + b":" + b"a" * 12 + b",")
        require(strings.brokenPeer, "the peer is dropped")
        require(not strings.__dict__.get("taken"), "nothing is delivered")

    @differs
    def test_newlineIsNoDigit(self, modules: Modules) -> None:
        """A line feed after the digits of a length is refused."""
        strings = receiver(modules, "NetstringReceiver", 100)
        strings.dataReceived(b"1\n")
        require(strings.brokenPeer, "the peer is dropped at once")


class TestPeers:
    """Only documented errors leave C{dataReceived} of an AMP peer."""

    def outcome(self, modules: Modules, data: bytes) -> Any:
        """Deliver C{data}, and return the peer, its transport, and the raised error."""
        words = vocabulary(modules)
        peer = words.Peer()
        transport = RecordingTransport().connect(peer)
        raised: Any = None
        try:
            peer.dataReceived(data)
        except Exception as error:
            raised = error
        return peer, transport, raised

    @differs
    def test_unknownTag(self, modules: Modules) -> None:
        """
        An answer with an unknown tag raises an C{AmpError} that is a C{KeyError}, as in Twisted.
        """
        _, _, raised = self.outcome(modules, box(_answer=b"77"))
        require(isinstance(raised, KeyError), "of the old type")
        require(isinstance(raised, modules.amp.AmpError), "and of AMP's own")
        require("77" in str(raised) and len(str(raised)) > 10, f"it says what is wrong: {raised}")

    @differs
    def test_notASCII(self, modules: Modules) -> None:
        """A command whose name is not ASCII is reported to the peer as unhandled."""
        _, transport, raised = self.outcome(modules, ask(b"n\xc3\xb6te") + ask(b"Note", b"2", text=b"on"))
        require(raised is None, f"no error: {raised!r}")
        require(b"UNHANDLED" in transport.written, "the peer is told")
        require(b"on" in transport.written, "the connection goes on")

    @differs
    def test_anything(self, modules: Modules) -> None:
        """A thousand odd boxes and random bytes raise no other errors."""
        random_ = random.Random(1)
        keys = [b"_ask", b"_answer", b"_error", b"_error_code", b"_command", b"_error_description", b"text", b"\xff"]
        values = [b"", b"1", b"2", b"Note", b"Fatal", b"StartTL", b"\xff\xfe", b"UNKNOWN", b"UNHANDLED", b"x" * 65535]
        for _ in range(1000):
            data = b""
            for _ in range(random_.randrange(4)):
                for _ in range(random_.randrange(4)):
                    key, value = random_.choice(keys), random_.choice(values)
                    data += bytes([0, len(key)]) + key + len(value).to_bytes(2, "big") + value
                data += b"\0\0"
            if random_.random() < 0.3:
                data += bytes(random_.randrange(256) for _ in range(random_.randrange(8)))
            peer, _, raised = self.outcome(modules, data)
            documented = raised is None or isinstance(raised, modules.amp.AmpError)
            require(documented, f"{type(raised).__name__} for {data[:99]!r}")
            require(not peer.notes or b"Note" in data, "nothing runs that was not asked for")

    @alike
    def test_reach(self, modules: Modules) -> None:
        """Only methods that are named as responders can be called by name."""
        for name in (b"__class__", b"dataReceived", b"callRemote", b"transport", b"__init__", b"", b"."):
            _, transport, _ = self.outcome(modules, ask(name))
            require(b"UNHANDLED" in transport.written, f"{name!r} is unknown")


class TestParse:
    """Parsing a string of boxes."""

    @differs
    def test_longKey(self, modules: Modules) -> None:
        """A too long key raises an error that names the limit and is of Twisted's type, too."""
        with pytest.raises(AttributeError) as caught:
            modules.amp.parseString(b"\1\0" + b"k" * 256)
        require("255" in str(caught.value), f"it says what the limit is: {caught.value}")

    @alike
    def test_everyShort(self, modules: Modules) -> None:
        """Every string of up to four critical bytes is parsed or unfinished."""
        for length in range(5):
            for each in itertools.product(b"\0\1k", repeat=length):
                with suppress(AttributeError):  # a key of more than 255 bytes
                    modules.amp.parseString(bytes(each))


class TestErrors:
    """Errors can be printed and pickled."""

    @differs
    def test_tooLong(self, modules: Modules) -> None:
        """A C{TooLong} error has a text and a C{repr} in each form."""
        for made in (
            modules.amp.TooLong(True, False, None, None),
            modules.amp.TooLong(False, True, b"v" * 70000, b"k"),
            modules.amp.TooLong(True, True, b"k" * 300, None),
        ):
            with sound("it has a repr"):
                assert repr(made)
            require(str(made), "it says something")

    @pytest.mark.parametrize("name", ["RemoteAmpError", "TooLong", "BadLocalReturn"])
    @differs
    def test_pickled(self, modules: Modules, name: str) -> None:
        """The errors survive pickling, as between the processes of a test run."""
        kind = getattr(modules.amp, name)
        made = {
            "RemoteAmpError": lambda: kind(b"CODE", "text"),
            "TooLong": lambda: kind(False, True, b"value", b"key"),
            "BadLocalReturn": lambda: kind("text", Failure(ConnectionLost())),
        }[name]()
        with sound("it can be pickled"):
            sys.modules.setdefault(modules.amp.__name__, modules.amp)
            try:
                copy = pickle.loads(pickle.dumps(made))
            finally:
                if modules.name == "stock":
                    del sys.modules[modules.amp.__name__]
        require(type(copy) is kind, "as what it is")
        require(str(copy) == str(made), "with its text")


class TestValues:
    """A value arrives as it was sent."""

    @pytest.mark.parametrize("seconds", [-1, 1, 3599, -3661, 19 * 60 + 32])
    @differs
    def test_offset(self, modules: Modules, seconds: int) -> None:
        """A time whose offset has seconds arrives as the same moment."""
        zone = datetime.timezone(datetime.timedelta(seconds=seconds))
        moment = datetime.datetime(2012, 1, 23, 12, 34, 56, 54321, zone)
        argument: Any = modules.amp.DateTime()
        with sound("it is sent"):
            there = argument.fromString(argument.toString(moment))
        require(there == moment, f"{there}, not {moment}")
