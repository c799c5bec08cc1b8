"""
A calculator that speaks AMP.

Start it with an endpoint, C{python calc_server.py tcp:8750:interface=127.0.0.1}.  With a key and
its certificate in a file as the second argument, it shows this certificate to clients that start
TLS.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from calc_commands import Divide, Remark, Sum

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from twisted_basic_ng.amp import AMP, StartTLS


class Calculator(AMP):
    """The server's end of a connection."""

    log = Logger()
    certificate: Any = None

    @Sum.responder
    def add(self, numbers: list[Decimal]) -> dict[str, Decimal]:
        """Respond immediately."""
        return {"total": sum(numbers, Decimal(0))}

    @Divide.responder
    async def divide(self, dividend: int, divisor: int) -> dict[str, int]:
        """Respond as a coroutine, which may await other calls."""
        quotient, remainder = divmod(dividend, divisor)
        return {"quotient": quotient, "remainder": remainder}

    @Remark.responder
    def remark(self, text: str, author: str | None) -> dict[str, Any]:
        """Log a remark."""
        self.log.info("{author} says: {text}", author=author or "somebody", text=text)
        return {}

    @StartTLS.responder
    def secure(self) -> dict[str, Any]:
        """Return the certificate for TLS, if there is one."""
        return {} if self.certificate is None else {"tls_localCertificate": self.certificate}


async def main(reactor: Any, endpoint: str, certificate: str | None = None) -> None:
    """Serve until the process is stopped."""
    if certificate is not None:
        from twisted.internet.ssl import PrivateCertificate

        Calculator.certificate = PrivateCertificate.loadPEM(Path(certificate).read_text())
    port = await serverFromString(reactor, endpoint).listen(Factory.forProtocol(Calculator))
    print("serving at", port.getHost(), flush=True)
    await Deferred()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
