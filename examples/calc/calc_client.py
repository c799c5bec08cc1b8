"""
Uses a calculator.

Start it with the endpoint of the server, C{python calc_client.py tcp:127.0.0.1:8750}.  With a
certificate in a file as the second argument, it talks only to the server that has this certificate.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from calc_commands import Divide, Remark, Sum

from twisted.internet import task
from twisted.internet.endpoints import clientFromString, connectProtocol

from twisted_basic_ng.amp import AMP, StartTLS


async def secure(calculator: AMP, certificate: str) -> None:
    """Start TLS, and accept only the server that has this certificate."""
    from twisted.internet.ssl import Certificate

    authority = Certificate.loadPEM(Path(certificate).read_text())
    await calculator.callRemote(StartTLS, tls_verifyAuthorities=[authority])


async def main(reactor: Any, endpoint: str, certificate: str | None = None) -> None:
    """Make a few calls, and end."""
    calculator: AMP = await connectProtocol(clientFromString(reactor, endpoint), AMP())
    if certificate is not None:
        await secure(calculator, certificate)

    calculator.callRemote(Remark, text="good morning")
    answer = await calculator.callRemote(Sum, numbers=[Decimal("1.10"), Decimal(2)])
    print("1.10 + 2 =", answer["total"])

    answer = await calculator.callRemote(Divide, dividend=17, divisor=5)
    print("17 / 5 =", answer["quotient"], "remainder", answer["remainder"])

    try:
        await calculator.callRemote(Divide, dividend=1, divisor=0).addTimeout(10, reactor)
    except ZeroDivisionError as error:
        print("1 / 0:", error)

    calculator.transport.loseConnection()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
