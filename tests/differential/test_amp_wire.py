"""The same calls put the same bytes on the wire as Twisted's, in both directions."""

from __future__ import annotations

from typing import Any

import pytest

from twisted.logger import globalLogPublisher

from tests.helpers import RecordingTransport, connectInMemory, loadStock
from tests.live.vocabulary import VALUES, InnerFactory, Vocabulary
from twisted_basic_ng import amp as ours

stock = loadStock("amp")


class Conversation:
    """Two peers of one implementation, joined in memory, and what both wrote."""

    def __init__(self, module: Any) -> None:
        self.words = Vocabulary(module)
        self.client, self.server = self.words.Peer(), self.words.Peer()
        self.connection = connectInMemory(self.client, self.server)
        self.outcomes: list[Any] = []

    def call(self, command: Any, *arguments: Any, **kw: Any) -> None:
        """Make a call, and note what comes of it."""
        result = self.client.callRemote(command, *arguments, **kw)
        if result is not None:
            result.addCallbacks(self.outcomes.append, lambda failure: self.outcomes.append(str(failure.value)))

    def written(self) -> tuple[bytes, bytes]:
        """Let them talk; say what was written."""
        self.connection.flush()
        return self.connection.client.written, self.connection.server.written


def everyType(talk: Conversation) -> None:
    talk.call(talk.words.Everything, **VALUES)
    talk.call(talk.words.Everything, **{**VALUES, "print_": None, "From": None})


def noAnswer(talk: Conversation) -> None:
    talk.call(talk.words.Note, text="one")
    talk.call(talk.words.Everything, **VALUES)
    talk.call(talk.words.Note, text="two")


def outOfOrder(talk: Conversation) -> None:
    talk.server.enough = 40
    for number in range(40):
        talk.call(talk.words.Hold, number=number)


def knownError(talk: Conversation) -> None:
    talk.call(talk.words.Fail, how="known")
    talk.call(talk.words.Undefined)


def fatalError(talk: Conversation) -> None:
    talk.call(talk.words.Fail, how="fatal")


def unknownError(talk: Conversation) -> None:
    talk.call(talk.words.Fail, how="unknown")


def badReturn(talk: Conversation) -> None:
    talk.server._commandDispatch = {b"Everything": (talk.words.Everything, lambda self, **kw: {"integer": "x"})}
    talk.call(talk.words.Everything, **VALUES)


def badArguments(talk: Conversation) -> None:
    talk.client.callRemoteString(b"Hold", number=b"x").addErrback(lambda failure: None)


def switch(talk: Conversation) -> None:
    talk.call(talk.words.Switch, InnerFactory(), willing=False)
    talk.call(talk.words.Note, text="not locked any more") if talk.connection.flush() else None
    talk.call(talk.words.Switch, InnerFactory(), willing=True)


def strings(talk: Conversation) -> None:
    talk.client.callRemoteString(b"nobody", b=b"1").addErrback(lambda failure: None)
    talk.client.callRemoteString(b"nobody", requiresAnswer=False, z=b"", a=b"x" * 65535)


SCRIPTS = [
    everyType,
    noAnswer,
    outOfOrder,
    knownError,
    fatalError,
    unknownError,
    badReturn,
    badArguments,
    switch,
    strings,
]


class TestWire:
    """Byte for byte."""

    @pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
    def test_script(self, script: Any) -> None:
        """Both sides write the same, and every call comes to the same."""
        seen = []
        for module in (stock, ours):
            talk = Conversation(module)
            script(talk)
            seen.append((talk.written(), talk.outcomes))
        assert seen[0] == seen[1]
        assert seen[1][0][0]

    def test_startTLS(self) -> None:
        """So do those who start TLS, on either side."""
        seen = []
        for module in (stock, ours):
            words = Vocabulary(module)
            client, server = words.Peer(), words.Peer()
            server.certificate = Credentials()
            asking, answering = RecordingTransport().connect(client), RecordingTransport().connect(server)
            client.callRemote(module.StartTLS, tls_localCertificate=Credentials())
            client.callRemoteString(b"later").addErrback(lambda failure: None)
            server.dataReceived(asking.written)
            client.dataReceived(answering.written)
            seen.append((asking.events, answering.events))
            assert (asking.names(), answering.names()) == (["write", "startTLS", "write"], ["write", "startTLS"])
        assert seen[0] == seen[1]


class Credentials:
    """Makes what C{startTLS} takes, of nothing."""

    def options(self, *authorities: Any) -> Any:
        return None


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """Log to nobody: what is logged here is meant to be."""
    observers = list(globalLogPublisher._observers)  # type: ignore[attr-defined]
    for each in observers:
        globalLogPublisher.removeObserver(each)
    yield
    for each in observers:
        globalLogPublisher.addObserver(each)
