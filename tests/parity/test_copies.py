"""Tests that copies and pickles of the file transfer classes behave as those of Twisted's."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from io import BytesIO
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from twisted.internet.task import Clock

from tests.helpers import loadStock
from twisted_basic_ng import basic, ftp


class _Consumer:
    """A consumer."""

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def write(self, data: bytes) -> None:
        self.written = data


def _factory(of: ModuleType) -> Any:
    return of.DTPFactory(SimpleNamespace(), None, Clock())


def _connected(of: ModuleType) -> Any:
    made = _factory(of).buildProtocol(None)
    made.makeConnection(None)
    return made


def _buffering(of: ModuleType) -> Any:
    made = _connected(of)
    made.dataReceived(b"kept")
    return made


def _receiving(of: ModuleType) -> Any:
    made = _connected(of)
    made.registerConsumer(_Consumer())
    return made


def _sending(of: ModuleType) -> Any:
    sender = of.FileSender()
    sender.beginFileTransfer(BytesIO(b"file"), _Consumer())
    return sender


def _sent(of: ModuleType) -> Any:
    sender = _sending(of)
    sender.resumeProducing()
    sender.resumeProducing()
    return sender


OBJECTS: dict[str, Callable[[Any], Any]] = {
    "new connection": lambda of: of.DTP(),
    "factory": _factory,
    "made factory": lambda of: _connected(of).factory,
    "connected": _connected,
    "buffering": _buffering,
    "receiving": _receiving,
    "new sender": lambda of: of.FileSender(),
    "sending": _sending,
    "sent": _sent,
    "file": lambda of: of.FileConsumer(BytesIO()),
    "text": lambda of: of.ASCIIConsumerWrapper(_Consumer()),
}

WAYS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {protocol}": lambda value, protocol=protocol: pickle.loads(pickle.dumps(value, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}

#: Attributes that Twisted's instances have only after some time, or in place of a method.
INCIDENTAL = {"producer", "unregisterProducer"}


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pickles find Twisted's modules."""
    for module in STOCK:
        monkeypatch.setitem(sys.modules, module.__name__, module)


STOCK = loadStock("ftp"), loadStock("basic")


class _Side:
    """Two modules as one."""

    def __init__(self, first: ModuleType, second: ModuleType) -> None:
        self.first = first
        self.second = second

    def __getattr__(self, name: str) -> Any:
        return getattr(self.first, name, None) or getattr(self.second, name)


class TestCopies:
    """Tests that objects can be copied if Twisted's can, with the same attributes."""

    def outcome(self, of: Any, what: str, way: str) -> Any:
        """Copy an object.  Return its class and attributes, or the error's type."""
        value = OBJECTS[what](of)
        try:
            made = WAYS[way](value)
        except Exception as error:
            return type(error)
        names = {name for name in vars(made) if not name.startswith(("_dtp", "_sender"))}
        return type(made).__name__, names - INCIDENTAL

    @pytest.mark.parametrize("what", OBJECTS)
    @pytest.mark.parametrize("way", WAYS)
    def test_alike(self, what: str, way: str) -> None:
        """The result or the error is the same."""
        assert self.outcome(_Side(ftp, basic), what, way) == self.outcome(_Side(*STOCK), what, way)

    def test_sender(self) -> None:
        """A deep copy of a sender ends only its own transfer."""
        sender: Any = _sending(basic)
        other = copy.deepcopy(sender)
        other.deferred.addErrback(lambda failure: None)
        other.deferred.cancel()
        assert (other.file, sender.file is None) == (None, False)
