"""
What stands between an FTP data connection and a file: line ends that are translated, and the file itself.
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO, Final

from zope.interface import implementer

from twisted.internet.interfaces import IConsumer

from .._places import public

__all__ = ["ASCIIConsumerWrapper", "FileConsumer"]

#: How lines end in files of this system.
_LOCAL: Final = os.linesep.encode("ascii")

_NETWORK: Final = b"\r\n"


@implementer(IConsumer)
@public("ftp")
class ASCIIConsumerWrapper:
    """
    A consumer of text, for another consumer: C{TYPE A} of RFC 959, where lines end in CR LF on the wire.

    In front of a data connection, each end of a line becomes CR LF, unless it is that already; in front of any other
    consumer, CR LF becomes the end of a line in files of this system.

    @ivar cons: the other consumer.
    """

    # Differs from Twisted: which has a TypeError for bytes, and the same translation for uploads as for downloads.

    def __init__(self, cons: Any) -> None:
        self.cons = cons
        self.registerProducer = cons.registerProducer
        self._dtpEndsInCR = False
        self._dtpOutward = hasattr(cons, "registerConsumer")  # as data connections have, an application's own, too

    def write(self, bytes: bytes) -> Any:  # noqa: A002 - its name in Twisted
        """Translate a piece of text, which may begin and end anywhere."""
        if bytes and _LOCAL != _NETWORK:
            text = b"".join((bytes,))  # whatever holds them
            bytes = self._dtpToNetwork(text) if self._dtpOutward else self._dtpToLocal(text)  # noqa: A001
        try:
            return self.cons.write(bytes) if bytes else None
        except BaseException:
            self._dtpEndsInCR = False  # a consumer that has failed is not given the end of the text
            raise

    def _dtpToNetwork(self, data: bytes) -> bytes:
        """Make each LF that no CR precedes a CR LF."""
        hasCR = self._dtpEndsInCR and data.startswith(b"\n")
        self._dtpEndsInCR = data.endswith(b"\r")
        text = data.replace(_NETWORK, b"\n").replace(b"\n", _NETWORK)
        return text[1:] if hasCR else text

    def _dtpToLocal(self, data: bytes) -> bytes:
        """Make each CR LF the end of a line here; a CR at the end waits for what follows it."""
        if self._dtpEndsInCR:
            data = b"\r" + data
        self._dtpEndsInCR = data.endswith(b"\r")
        if self._dtpEndsInCR:
            data = data[:-1]
        return data.replace(_NETWORK, _LOCAL)

    def unregisterProducer(self) -> None:
        """End the text."""
        try:
            if self._dtpEndsInCR and not self._dtpOutward:
                self.cons.write(b"\r")
        finally:
            self.cons.unregisterProducer()


@implementer(IConsumer)
@public("ftp")
class FileConsumer:
    """
    A consumer that writes to a file, and closes it at the end.

    @ivar fObj: the file, open for writing bytes.
    @ivar producer: who writes, while somebody does.
    """

    def __init__(self, fObj: BinaryIO) -> None:
        self.fObj = fObj
        self.producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Begin; the producer has to be a push producer."""
        self.producer = producer
        assert streaming

    def unregisterProducer(self) -> None:
        """End, and close the file."""
        self.producer = None
        self.fObj.close()

    def write(self, bytes: bytes) -> None:  # noqa: A002 - its name in Twisted
        """Write to the file, at once."""
        self.fObj.write(bytes)
