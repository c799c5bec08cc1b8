"""Tests for L{twisted_basic_ng._ftp.dtp}."""

from __future__ import annotations

import copy
import pickle
import time
from typing import Any

from zope.interface.verify import verifyObject

from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.python.filepath import Permissions

from tests.helpers import loadStock
from twisted_basic_ng._ftp.upload import DataConnectionClosedError

from .cases import DONE, LOST, DTPCase


class ConnectionTests(DTPCase):
    """A data connection begins and ends."""

    def test_begin(self) -> None:
        """The factory's Deferred fires when the connection is made."""
        connected: list[Any] = []
        assert self.factory.deferred is not None
        self.factory.deferred.addCallback(connected.append)
        self.assertFalse(self.dtp.isConnected)
        self.connect()
        self.assertEqual((connected, self.dtp.isConnected, self.dtp._buffer), ([None], True, []))

    def test_interfaces(self) -> None:
        """L{DTP} provides the consumer and producer interfaces."""
        self.assertTrue(verifyObject(IConsumer, self.dtp))
        self.assertTrue(verifyObject(IPushProducer, self.dtp))

    def test_end(self) -> None:
        """A connection can end without an upload."""
        self.connect()
        self.dtp.connectionLost(LOST)
        self.assertFalse(self.dtp.isConnected)

    def test_send(self) -> None:
        """A producer is registered with the transport, and the connection is closed at its end."""
        self.connect()
        producer = object()
        self.dtp.registerProducer(producer, False)
        self.assertIs(self.transport.producer, producer)
        self.dtp.write(b"data")
        self.dtp.unregisterProducer()
        self.assertEqual(
            self.transport.events,
            [("registerProducer", False), ("write", b"data"), ("unregisterProducer",), ("loseConnection",)],
        )

    def test_closed(self) -> None:
        """Writing without a connection raises C{DataConnectionClosedError}."""
        error = self.assertRaises(DataConnectionClosedError, self.dtp.write, b"data")
        for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
            self.assertEqual((type(again), str(again)), (DataConnectionClosedError, str(error)))
        self.assertEqual(str(error), "the data connection is not open")
        self.connect()
        self.dtp.connectionLost(DONE)
        self.assertRaises(DataConnectionClosedError, self.dtp.write, b"data")

    def test_own(self) -> None:
        """A server can set its own attributes on the connection."""
        self.dtp.bytesSent = 5  # type: ignore[attr-defined]
        self.assertEqual((self.dtp.pi, self.dtp.factory), (self, self.factory))


class ListingTests(DTPCase):
    """Listings are the same as Twisted's."""

    def row(self, dtp: Any, name: bytes, **changes: Any) -> Any:
        entry = {
            "size": 531,
            "directory": False,
            "permissions": Permissions(0o644),
            "hardlinks": 1,
            "modified": 0.0,
            "owner": "root",
            "group": "other",
        }
        return dtp._formatOneListResponse(name, **{**entry, **changes})

    def test_rows(self) -> None:
        """The rows are the same as Twisted's, to the byte."""
        theirs = loadStock("ftp").DTP()
        now = time.time()
        for changes in (
            {},
            {"directory": True, "permissions": Permissions(0o7777), "size": 10**14, "hardlinks": 12345},
            {"owner": "a-very-long-name", "group": "another long one"},
            {"modified": now},
            {"modified": now - 400 * 86400},
            {"owner": "h\xe9l\xe8ne"},
            {"owner": b"root", "group": b"a long group"},
            {"size": -1, "hardlinks": 2.5, "modified": None},
        ):
            for name in (b"name", b"\xff\xfe with spaces", "\N{SNOWMAN}".encode()):
                self.assertEqual(self.row(self.dtp, name, **changes), self.row(theirs, name, **changes))

    def test_encoding(self) -> None:
        """Owners are written in the class's encoding, with replacements for other characters."""
        self.assertIn(b"????     ", self.row(self.dtp, b"name", owner="\N{SNOWMAN}" * 4))
        self.dtp._encoding = "utf-8"
        self.assertIn("\N{SNOWMAN}".encode(), self.row(self.dtp, b"name", owner="\N{SNOWMAN}"))

    def test_numbers(self) -> None:
        """A size may be any number."""
        self.assertEqual(self.row(self.dtp, b"name", size=5.7), self.row(loadStock("ftp").DTP(), b"name", size=5.7))

    def test_notFor(self) -> None:
        """Data that the peer sends during a listing or a download is read and discarded."""
        for before in (0, 10, 70000):
            for use in (lambda: self.dtp.sendLine(b"x"), lambda: self.dtp.registerProducer(object(), False)):
                self.setUp()
                self.connect()
                self.dtp.dataReceived(b"x" * before)
                use()
                self.assertTrue(self.transport.reading)
                for _ in range(10):
                    self.dtp.dataReceived(b"x" * 70000)
                self.assertEqual((self.transport.reading, self.dtp._buffer), (True, None))

    def test_line(self) -> None:
        """A row is one line, whatever its names contain."""
        self.connect()
        permissions = Permissions(0o600)
        self.dtp.sendListResponse(b"a\r\nb\x00\x1b", (1, False, permissions, 1, 0.0, "x\ny", "g\tg"))
        self.dtp.sendLine(b"c\nd\x7f\xff")
        row = b"-rw-------   1 x?y       g?g                     1 Jan 01  1970 a??b??\r\n"
        self.assertEqual(self.transport.written, row + b"c?d?\xff\r\n")
