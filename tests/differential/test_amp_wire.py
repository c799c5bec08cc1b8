"""
Tests that the same calls produce the same bytes, whichever module makes and answers them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.helpers import loadStock
from twisted_basic_ng import amp as ours

from .amp_calls import SAMPLES, SwitchedFactory, described, everything, vocabulary
from .amp_pipe import Pipe

stock = loadStock("amp")


class Credentials:
    """Credentials for the fake TLS, which ignores them."""

    def options(self, *authorities: Any) -> Any:
        return authorities


class Conversation:
    """
    Two peers, and the results of the calls between them.

    @ivar results: the result of each call, in the order in which they arrived.
    """

    def __init__(self, client: Any, server: Any, **secured: Any) -> None:
        self.words, self.serverWords = vocabulary(client), vocabulary(server)
        self.client, self.server = self.words.Peer(), self.serverWords.Peer(**secured)
        self.pipe = Pipe(self.client, self.server)
        self.results: list[Any] = []

    def call(self, command: str, *arguments: Any, peer: Any = None, **values: Any) -> Any:
        """Make a call from the client, or from the given peer."""
        caller = peer or self.client
        words = self.words if caller is self.client else self.serverWords
        try:
            answering = caller.callRemote(getattr(words, command), *arguments, **values)
        except Exception as error:
            self.results.append(("raised", *described(error)))
            return None
        if answering is not None:
            answering.addBoth(lambda result: self.results.append((command, described(result))))
        return answering

    def outcome(self) -> Any:
        """Return everything that can be seen of the conversation."""
        self.pipe.flush()
        return (
            [(end.events, end.sent) for end in (self.pipe.client, self.pipe.server)],
            self.results,
            self.server.notified,
            [[described(reason) for reason in peer.reasons] for peer in (self.client, self.server)],
            [getattr(peer.innerProtocol, "received", None) for peer in (self.client, self.server)],
        )


def echo(number: int) -> Callable[[Conversation], None]:
    def make(conversation: Conversation) -> None:
        conversation.call("Echo", **everything(number))

    return make


def one(name: str, value: Any) -> Callable[[Conversation], None]:
    def make(conversation: Conversation) -> None:
        conversation.call("Maybe", **{name: value})
        conversation.pipe.flush()
        conversation.call("Maybe", peer=conversation.server, **{name: value})

    return make


def failing(how: bytes) -> Callable[[Conversation], None]:
    def make(conversation: Conversation) -> None:
        conversation.call("Fail", how=how)

    return make


def nothingGiven(conversation: Conversation) -> None:
    conversation.call("Maybe")


def noneGiven(conversation: Conversation) -> None:
    conversation.call("Maybe", **dict.fromkeys(SAMPLES))


def unhandled(conversation: Conversation) -> None:
    conversation.call("Nobody")
    conversation.call("Echo", **everything())


def wrongAnswer(conversation: Conversation) -> None:
    conversation.call("Wrong")


def invalidCalls(conversation: Conversation) -> None:
    conversation.call("Later")
    conversation.call("Later", number=1, other=2)
    conversation.call("Later", number="one")
    conversation.call("Notify", text=b"x" * 65536)
    conversation.call("Notify", text="text")
    conversation.call("Later", number=5)


def outOfOrder(conversation: Conversation) -> None:
    for number in range(20):
        conversation.call("Later", number=number)
    conversation.pipe.flush()
    for number in sorted(range(20), key=lambda each: each * 7 % 20):
        conversation.server.waiting[number].callback({"number": number})
        conversation.call("Notify", text=b"meanwhile")


def bothWays(conversation: Conversation) -> None:
    for number in range(3):
        conversation.call("Later", number=number)
        conversation.call("Later", number=number, peer=conversation.server)
    conversation.pipe.flush()
    for peer in (conversation.server, conversation.client):
        for number in range(3):
            peer.waiting[number].callback({"number": number + 10})


def strings(conversation: Conversation) -> None:
    """Make calls with C{callRemoteString}."""
    conversation.client.callRemoteString(b"Notify", False, text=b"a string")
    conversation.client.callRemoteString(b"Later", number=b" 1_0 ").addBoth(
        lambda result: conversation.results.append(described(result))
    )
    conversation.pipe.flush()
    conversation.server.waiting.popitem()[1].callback({"number": 3})


def lost(conversation: Conversation) -> None:
    conversation.call("Later", number=1)
    conversation.pipe.flush()
    conversation.pipe.drop()
    conversation.call("Later", number=2)


def closed(conversation: Conversation) -> None:
    conversation.call("Later", number=1)
    conversation.pipe.flush()
    conversation.client.transport.loseConnection()


def switched(conversation: Conversation) -> None:
    conversation.call("Notify", text=b"before it")
    conversation.call("Switch", SwitchedFactory(b"greeting of the caller"), refuse=False)
    conversation.client.transport.write(b"pipelined")
    conversation.call("Notify", text=b"too late")
    conversation.pipe.flush()
    conversation.client.transport.loseConnection()


def refusedSwitch(conversation: Conversation) -> None:
    factory = SwitchedFactory()
    conversation.call("Switch", factory, refuse=True)
    conversation.pipe.flush()
    conversation.results.append(factory.told)
    conversation.call("Later", number=1)
    conversation.pipe.flush()
    conversation.server.waiting[1].callback({"number": 2})


def secured(conversation: Conversation) -> None:
    conversation.call("Notify", text=b"plain")
    starting = conversation.client.callRemote(conversation.words.amp.StartTLS, tls_localCertificate=Credentials())
    starting.addBoth(lambda result: conversation.results.append(sorted(result)))
    conversation.call("Later", number=1)
    conversation.call("Notify", text=b"secret")
    conversation.pipe.flush()
    conversation.server.waiting[1].callback({"number": 2})
    conversation.call("Maybe", peer=conversation.server, integer=5)


def securedThenSwitched(conversation: Conversation) -> None:
    secured(conversation)
    conversation.pipe.flush()
    conversation.call("Switch", SwitchedFactory(b"greeting of the caller"), refuse=False)
    conversation.pipe.flush()


def scenarios() -> Iterator[Any]:
    """Yield the conversations."""
    for number in range(7):
        yield pytest.param(echo(number), id=f"everything{number}")
    for name, samples in SAMPLES.items():
        for number, value in enumerate(samples):
            yield pytest.param(one(name, value), id=f"{name}{number}")
    for how in (b"known", b"empty", b"fatal", b"undeclared"):
        yield pytest.param(failing(how), id=how.decode())
    for each in (
        *(nothingGiven, noneGiven, unhandled, wrongAnswer, invalidCalls, outOfOrder, bothWays, strings, lost, closed),
        *(switched, refusedSwitch, secured, securedThenSwitched),
    ):
        yield pytest.param(each, id=each.__name__)


def hold(client: Any, server: Any, scenario: Callable[[Conversation], None]) -> Any:
    """Hold the conversation, and return its outcome."""
    conversation = Conversation(client, server, tls_localCertificate=Credentials())
    scenario(conversation)
    return conversation.outcome()


@pytest.mark.parametrize("scenario", list(scenarios()))
class TestWire:
    """
    Any combination of client and server produces the same bytes and results as two of Twisted's
    peers.
    """

    def test_same(self, scenario: Callable[[Conversation], None]) -> None:
        """
        The bytes and writes in both directions, the results, the notifications and the ends are the
        same.
        """
        expected = hold(stock, stock, scenario)
        assert expected[0][0]
        assert hold(ours, ours, scenario) == expected
        assert hold(stock, ours, scenario) == expected
        assert hold(ours, stock, scenario) == expected
