"""
One end of a job, in a process of its own: C{python -m twisted_basic_ng._demo._child}.

usage: _child listen JOB AMOUNT
       _child connect JOB AMOUNT PORT

It says what happens in lines of JSON: the listening end first which port it has, each end last what it saw.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.protocol import Factory
from twisted.internet.task import react

from ._jobs import JOBS, Asker, Job, digest, implementation

__all__ = ["connect", "listen", "main"]


def say(**facts: object) -> None:
    """Tell the parent."""
    print(json.dumps(facts), flush=True)


async def listen(reactor: Any, job: Job, amount: int) -> None:
    """Serve one connection."""
    receiver = job.receiver(amount)
    made: Deferred[None] = Deferred()

    class OneFactory(Factory):
        noisy = False

        def buildProtocol(self, address: object) -> Any:
            made.callback(None)
            return receiver

    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(OneFactory())
    say(port=port.getHost().port)
    await made
    await port.stopListening()
    await receiver.done
    say(
        implementation=implementation(),
        messages=len(receiver.messages),
        delivered=digest(receiver.messages),
        wire=digest([b"".join(receiver.chunks)]),
        seconds=receiver.seconds,
    )


async def connect(reactor: Any, job: Job, amount: int, port: int) -> None:
    """Connect, send, and wait for the end."""
    asker = Asker(job.load(amount))
    await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), asker)
    await asker.done
    answer = b"".join(asker.chunks)
    say(implementation=implementation(), wire=digest([answer]))


def main(arguments: Sequence[str]) -> None:
    """Be the end that the command line asks for."""
    role, name, amount, *port = arguments
    end = listen if role == "listen" else connect
    react(lambda reactor: Deferred.fromCoroutine(end(reactor, JOBS[name], int(amount), *map(int, port))))


if __name__ == "__main__":
    main(sys.argv[1:])
