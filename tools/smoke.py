"""
Tests an installed copy of the package: whether the swap works, and whether the expected build is in
use.

usage: python smoke.py {pure,ext}       (from anywhere but the sources)
"""

import sys

import twisted_basic_ng

twisted_basic_ng.install()

from twisted.internet.testing import StringTransport  # noqa: E402  it imports the swapped modules
from twisted.protocols import basic  # noqa: E402  this tests the swap

if basic.__name__ != "twisted_basic_ng.basic":
    sys.exit(f"the swap did not work: {basic}")


class Lines(basic.LineReceiver):
    """Collects the lines that it receives."""

    def __init__(self):
        self.lines = []

    def lineReceived(self, line):
        """Keep C{line}."""
        self.lines.append(line)


lines = Lines()
lines.makeConnection(StringTransport())
lines.dataReceived(b"a\r\nb\r\nc")
if lines.lines != [b"a", b"b"]:
    sys.exit(f"got {lines.lines}")
status = twisted_basic_ng.status()
print(status)
if status.build != sys.argv[1]:
    sys.exit(f"the {status.build} build is in use, not the {sys.argv[1]} one")
