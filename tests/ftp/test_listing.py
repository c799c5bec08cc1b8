"""Tests for L{twisted_basic_ng._ftp.listing}."""

from __future__ import annotations

from twisted.python.filepath import Permissions
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng._ftp.listing import encodeName, formatRow, oneLine


class ListingTests(SynchronousTestCase):
    """An entry of a listing is written as a row, and a row is one line."""

    def test_names(self) -> None:
        """A name is written in UTF-8, or as its bytes in the file system if these are not UTF-8."""
        for name, written in (("\N{SNOWMAN}", "\N{SNOWMAN}".encode()), ("bad\udcff", b"bad\xff"), (b"\xff", b"\xff")):
            self.assertEqual(encodeName(None, name), written)

    def test_noDate(self) -> None:
        """A time that is not in any calendar is written as the first one."""
        for modified in (1e300, -1e300, float("inf"), float("nan")):
            row = formatRow(b"name", 5, False, Permissions(0o644), 1, modified, "owner", "group", "latin-1")
            self.assertEqual(row, b"-rw-r--r--   1 owner     group                   5 Jan 01  1970 name")

    def test_oneLine(self) -> None:
        """Control bytes become question marks, and all others are not changed."""
        self.assertEqual(oneLine(bytes(range(256))), b"?" * 32 + bytes(range(32, 127)) + b"?" + bytes(range(128, 256)))
