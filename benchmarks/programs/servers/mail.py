"""
An SMTP server that takes any mail and forgets it.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.mail import smtp


@implementer(smtp.IMessage)
class Forgotten:
    """A mail: how many bytes it had."""

    size = 0

    def lineReceived(self, line: bytes) -> None:
        """Take a line."""
        self.size += len(line)

    def eomReceived(self) -> Deferred[None]:
        """Say that the mail is safe."""
        return succeed(None)

    def connectionLost(self) -> None:
        """Nothing to undo."""


@implementer(smtp.IMessageDelivery)
class Delivery:
    """Takes mail from anybody, for anybody."""

    def receivedHeader(self, helo: object, origin: object, recipients: object) -> bytes:
        """What comes in front."""
        return b"Received: here"

    def validateFrom(self, helo: object, origin: object) -> object:
        """Anybody may send."""
        return origin

    def validateTo(self, user: object) -> object:
        """Anybody may be sent to."""
        return Forgotten


class Factory(smtp.SMTPFactory):
    """Makes connections that deliver so."""

    noisy = False

    def buildProtocol(self, addr: object) -> object:
        """Make one."""
        protocol = super().buildProtocol(addr)
        protocol.delivery = Delivery()
        return protocol


port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
print("serving", port.getHost().port, flush=True)
reactor.run()
