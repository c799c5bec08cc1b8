"""
The consumers between an FTP data connection and a file: one translates line ends, the other writes
the file.
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO, Final

from zope.interface import implementer

from twisted.internet.interfaces import IConsumer

from .._places import public

__all__ = ["ASCIIConsumerWrapper", "FileConsumer"]

#: The line end in files of this operating system.
_LOCAL: Final = os.linesep.encode("ascii")

_NETWORK: Final = b"\r\n"


@implementer(IConsumer)
@public("ftp")
class ASCIIConsumerWrapper:
    """
    A consumer that translates line ends and passes the text to another consumer.

    It implements C{TYPE A} of RFC 959, where lines end in CR LF on the wire.  If the other consumer
    is a data connection, each line end becomes CR LF, unless it is CR LF already.  For any other
    consumer, CR LF becomes the line end of files of this operating system.

    @ivar cons: the other consumer.
    """

    # Differs from Twisted: C{write} takes bytes, and translates uploads and downloads in opposite
    # directions.  Twisted's raises a TypeError for bytes, and translates both in the same way.

    def __init__(self, cons: Any) -> None:
        self.cons = cons
        self.registerProducer = cons.registerProducer
        self._dtpEndsInCR = False
        self._dtpOutward = hasattr(cons, "registerConsumer")  # a data connection

    def write(self, bytes: bytes) -> Any:  # noqa: A002 - its name in Twisted
        """Translate a chunk of text, which may begin and end anywhere in a line, and pass it on."""
        if bytes and _LOCAL != _NETWORK:
            text = b"".join((bytes,))  # any bytes-like object
            bytes = self._dtpToNetwork(text) if self._dtpOutward else self._dtpToLocal(text)  # noqa: A001
        try:
            return self.cons.write(bytes) if bytes else None
        except BaseException:
            self._dtpEndsInCR = False  # do not write a pending CR to a consumer that has failed
            raise

    def _dtpToNetwork(self, data: bytes) -> bytes:
        """Replace each LF without a preceding CR with CR LF."""
        hasCR = self._dtpEndsInCR and data.startswith(b"\n")
        self._dtpEndsInCR = data.endswith(b"\r")
        text = data.replace(_NETWORK, b"\n").replace(b"\n", _NETWORK)
        return text[1:] if hasCR else text

    def _dtpToLocal(self, data: bytes) -> bytes:
        """Replace each CR LF with the local line end; keep a CR at the end until the next chunk."""
        if self._dtpEndsInCR:
            data = b"\r" + data
        self._dtpEndsInCR = data.endswith(b"\r")
        if self._dtpEndsInCR:
            data = data[:-1]
        return data.replace(_NETWORK, _LOCAL)

    def unregisterProducer(self) -> None:
        """End the text: write a pending CR, then unregister from the other consumer."""
        try:
            if self._dtpEndsInCR and not self._dtpOutward:
                self.cons.write(b"\r")
        finally:
            self.cons.unregisterProducer()


@implementer(IConsumer)
@public("ftp")
class FileConsumer:
    """
    A consumer that writes to a file and closes it at the end.

    @ivar fObj: the file, open for writing bytes.
    @ivar producer: the registered producer, or C{None}.
    """

    def __init__(self, fObj: BinaryIO) -> None:
        self.fObj = fObj
        self.producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register C{producer}, which must be a push producer."""
        self.producer = producer
        assert streaming

    def unregisterProducer(self) -> None:
        """Unregister the producer and close the file."""
        self.producer = None
        self.fObj.close()

    def write(self, bytes: bytes) -> None:  # noqa: A002 - its name in Twisted
        """Write C{bytes} to the file immediately."""
        self.fObj.write(bytes)
