"""
A program: Twisted's FTP server with the installed data connections.

C{ftp_server.py DIRECTORY [slow]} serves C{DIRECTORY/user} to C{user} with the password C{secret},
and prints its port.  When it is told to end, it prints its peak memory in KiB.  With C{slow}, it
takes uploads one piece at a time.
"""

from __future__ import annotations

import resource
import sys
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet import reactor
from twisted.protocols import ftp
from twisted.python import log


def slowly(consumer: Any) -> Any:
    """Make a consumer pause its producer for a moment after each piece."""
    write = consumer.write

    def writeAndPause(data: bytes) -> None:
        write(data)
        consumer.producer.pauseProducing()
        reactor.callLater(0.001, resume)  # type: ignore[attr-defined]

    def resume() -> None:
        if consumer.producer is not None:
            consumer.producer.resumeProducing()

    consumer.write = writeAndPause
    return consumer


class SlowWriter(ftp._FileWriter):
    """Takes an upload slowly."""

    def receive(self) -> Any:
        return super().receive().addCallback(slowly)


def main(directory: str, slow: str = "") -> None:
    """Serve until told to end."""
    log.startLogging(sys.stderr, setStdout=False)
    if slow:
        ftp._FileWriter = SlowWriter  # type: ignore[misc]
    users = InMemoryUsernamePasswordDatabaseDontUse()
    users.addUser("user", "secret")
    factory = ftp.FTPFactory(Portal(ftp.FTPRealm(directory, directory), [users]))
    factory.timeOut = None
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")  # type: ignore[attr-defined]
    print(
        "serving", port.getHost().port, ftp.DTP.write.__globals__["__name__"], hasattr(ftp.FTP, "ftp_EPRT"), flush=True
    )
    reactor.run()  # type: ignore[attr-defined]
    print("memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
