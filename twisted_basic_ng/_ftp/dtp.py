"""
The data connection of an FTP server (RFC 959): one transfer or listing, in one direction.

L{DTP} sends a file or a listing; L{UploadConnection} receives an upload.  This file knows no
commands and no replies: C{twisted.protocols.ftp} handles those.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet.interfaces import IConsumer, IPushProducer

from .._places import public
from .listing import formatRow, oneLine
from .upload import DataConnectionClosedError, UploadConnection

__all__ = ["DTP"]


@implementer(IConsumer, IPushProducer)
@public("ftp")
class DTP(UploadConnection):
    """
    The data connection of an FTP server.

    A sender uses it as a consumer; the consumer of an upload uses it as its producer.

    @ivar pi: the server's protocol on the control connection.
    @cvar _encoding: the encoding of owners and groups in listings; file names are bytes already.
    """

    pi: Any

    _encoding = "latin-1"

    # Differs from Twisted: no file name splits a line in two, and no file name keeps the others
    # from being listed.

    def sendLine(self, line: bytes) -> None:
        """
        Send a line of a listing.

        @param line: the line, without its end; control bytes in it are sent as C{?}.
        """
        self._dtpSendOnly()
        self.transport.write(oneLine(line) + b"\r\n")

    def _formatOneListResponse(
        self,
        name: bytes,
        size: int,
        directory: object,
        permissions: Any,
        hardlinks: int,
        modified: float,
        owner: str,
        group: str,
    ) -> bytes:
        """
        Format an entry as C{ls -l} does.

        @param name: the entry's name, as the bytes to send.
        @param size: its size in bytes.
        @param directory: whether the entry is a directory.
        @param permissions: an object with a C{shorthand} method, such as
            C{twisted.python.filepath.Permissions}.
        @param hardlinks: the number of hard links.
        @param modified: when the entry was modified, in seconds since the epoch.
        @param owner: the owner's name, cut to eight characters.
        @param group: the group's name, cut to eight characters.
        """
        return formatRow(name, size, directory, permissions, hardlinks, modified, owner, group, self._encoding)

    def sendListResponse(self, name: bytes, response: Any) -> None:
        """
        Send an entry of a listing.

        @param name: the entry's name.
        @param response: its size, directory, permissions, hardlinks, modified, owner and group.
        """
        self.sendLine(self._formatOneListResponse(name, *response))

    def registerProducer(self, producer: Any, streaming: bool) -> Any:
        """Register C{producer} as the sender."""
        self._dtpSendOnly()
        if self._dtpPeerHasLeft and self._dtpIsOpen():
            self._dtpGiveUp()
            return producer.stopProducing()  # as a transport does after the connection is lost
        return self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """End the transfer: close the connection after all data has been sent."""
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def write(self, data: bytes) -> Any:
        """
        Send C{data}.

        @raise DataConnectionClosedError: the connection is not open.
        """
        if not self.isConnected:
            raise DataConnectionClosedError
        return self.transport.write(data)

    # Differs from Twisted: data that nobody will read is not kept.

    def _dtpSendOnly(self) -> None:
        """
        Use the connection for sending; from now on, read and discard what the peer sends.
        """
        if not self._dtpIsUsed:
            self._dtpIsUsed = True
            self._buffer = None
            self._dtpLetGo()
