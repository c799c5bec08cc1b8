"""Runs the code blocks in the chapter on streams."""

from __future__ import annotations

import io
import re
import textwrap
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.amp.streampeers import connectPeers
from twisted_basic_ng import amp

from .sources import ROOT

GUIDE = ROOT / "docs" / "streams.rst"
_BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", re.MULTILINE)


class GuideTests(SynchronousTestCase):
    """Tests for the chapter on streams."""

    def setUp(self) -> None:
        self.text = GUIDE.read_text(encoding="utf-8")
        self.names: dict[str, Any] = {"__name__": "guide"}
        for block in _BLOCK.findall(self.text):
            exec(compile(textwrap.dedent(block), str(GUIDE), "exec"), self.names)
        self.server = self.names["Talker"]()

        class Client(amp.AMP):
            extended = True

        self.client = Client()
        self.connection = connectPeers(self.client, self.server)

    def run_(self, name: str, *args: Any) -> Deferred[Any]:
        result = Deferred.fromCoroutine(self.names[name](self.client, *args))
        self.connection.flush()
        return result

    def test_upload(self) -> None:
        """The upload works, and its last progress report is the size of the file."""
        told: list[int] = []
        size = self.run_("upload", "name", io.BytesIO(bytes(100_000)), told.append)
        self.assertEqual((self.successResultOf(size), told[-1]), (100_000, 100_000))

    def test_subscription(self) -> None:
        """The subscription works, and ends when the subscriber stops reading."""
        waiting = self.run_("waitForPrice", 120)
        for price in (100, 110, 130, 140):
            self.server.publish(price)
            self.connection.flush()
        self.assertEqual(self.successResultOf(waiting), 130)
        self.connection.flush()
        self.assertEqual(self.server.pipes, [])

    def test_slowSubscriber(self) -> None:
        """A subscriber that does not read is dropped at the pipe's limit."""
        answer = self.client.callRemote(self.names["Prices"], symbol="GOLD")
        self.connection.flush()
        reader = self.successResultOf(answer)["prices"]
        for _ in range(50_000):
            self.server.publish(10**30)
        self.connection.flush()
        collecting = reader.collect(2**30)
        self.connection.flush()
        self.failureResultOf(collecting, amp.UnknownRemoteError)
        self.assertEqual(self.server.pipes, [])
        self.assertEqual(len(self.flushLoggedErrors(amp.StreamOverflowError)), 1)

    def test_declaredError(self) -> None:
        """An unknown symbol fails with the declared error."""
        failing = self.client.callRemote(self.names["Prices"], symbol="TIN")
        failures: list[Any] = []
        failing.addErrback(failures.append)
        self.connection.flush()
        self.assertTrue(failures[0].check(LookupError))

    def test_conversation(self) -> None:
        """The conversation works."""
        said = self.run_("say", "hello", "goodbye")
        self.assertEqual(self.successResultOf(said), ["you said hello", "you said goodbye"])

    def test_limits(self) -> None:
        """The listed limits exist, with the documented defaults."""
        listed = re.findall(r"^``(\w+)``\s+([\d,]+)  ", self.text, re.MULTILINE)
        self.assertEqual(len(listed), 3)
        for name, default in listed:
            self.assertEqual(getattr(amp.AMP, name), int(default.replace(",", "")))
