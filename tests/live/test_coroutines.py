"""Coroutines await calls and respond to them, with Twisted's default reactor and with asyncio's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes import python, write

PROGRAM = """
import asyncio, sys
from twisted.internet import asyncioreactor
if sys.argv[1] == "asyncio":
    asyncioreactor.install(asyncio.new_event_loop())
from twisted.internet import defer, task
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.protocol import Factory
from twisted_basic_ng import amp

class Double(amp.Command):
    arguments = [(b"number", amp.Integer())]
    response = [(b"number", amp.Integer())]
    errors = {ValueError: b"VALUE"}

class Server(amp.AMP):
    @Double.responder
    async def double(self, number):
        if sys.argv[1] == "asyncio":
            await defer.Deferred.fromFuture(asyncio.ensure_future(asyncio.sleep(0)))
        if number < 0:
            raise ValueError("below zero")
        return {"number": 2 * number}

async def main(reactor):
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Factory.forProtocol(Server))
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    client = await connectProtocol(endpoint, amp.AMP())
    print(type(reactor).__name__, await client.callRemote(Double, number=21))
    try:
        await client.callRemote(Double, number=-1)
    except ValueError as error:
        print(error)
    cancelled = client.callRemote(Double, number=1)
    cancelled.addErrback(lambda failure: print(failure.type.__name__, len(client._outstandingRequests)))
    cancelled.cancel()
    print(await client.callRemote(Double, number=4))
    client.transport.loseConnection()
    await port.stopListening()

task.react(main)
"""


class TestCoroutines:
    """The same program runs with either reactor."""

    @pytest.mark.parametrize("kind", ["default", "asyncio"])
    def test_program(self, tmp_path: Path, kind: str) -> None:
        """
        Calls are awaited, coroutines respond, errors are raised where a call is awaited, and a call
        is cancelled.
        """
        ended = python(write(tmp_path / "program.py", PROGRAM), kind)
        first, *rest = ended.stdout.splitlines()
        assert rest == ["below zero", "CancelledError 0", "{'number': 8}"], ended.stderr
        assert first.endswith(" {'number': 42}")
        assert first.startswith("AsyncioSelectorReactor") == (kind == "asyncio")
