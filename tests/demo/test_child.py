"""Tests for L{twisted_basic_ng_demo.demo.child}."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from typing import Any
from unittest.mock import patch

from twisted.internet import reactor, stdio, task
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.protocols import basic
from twisted.trial.unittest import SynchronousTestCase, TestCase

import twisted_basic_ng
from twisted_basic_ng import _accelerate, basic as ours
from twisted_basic_ng._places import homeOf
from twisted_basic_ng_demo.demo import child as module
from twisted_basic_ng_demo.demo.child import ParentLink, main, misplaced, run
from twisted_basic_ng_demo.demo.jobs import JOBS

LINES = JOBS[0]
IN_USE = homeOf(LINES.uses[0]).partition(".")[0]


class MisplacedTests(SynchronousTestCase):
    """Tests for finding out which package defines a class."""

    def test_intended(self) -> None:
        """Classes of the intended package are not reported."""
        self.assertEqual(misplaced([ours.LineReceiver, ours.FileSender], "twisted_basic_ng"), [])

    def test_other(self) -> None:
        """
        Classes of other packages are reported, even if the package's name begins with the intended
        one.
        """
        (found,) = misplaced([ours.LineReceiver], "twisted")
        self.assertEqual(found, f"LineReceiver comes from {homeOf(ours.LineReceiver)}, and not from twisted")

    def test_inUse(self) -> None:
        """Only the defining module counts, and not the name under which it was imported."""
        self.assertEqual(misplaced([basic.LineReceiver], IN_USE), [])


class ParentLinkTests(SynchronousTestCase):
    """Tests for the link to the parent, which sends one line."""

    def test_line(self) -> None:
        """The line is delivered without its delimiter."""
        link = ParentLink()
        link.dataReceived(b"tcp:127.0.0.1:4000\n")
        self.assertEqual(self.successResultOf(link.line), "tcp:127.0.0.1:4000")

    def test_gone(self) -> None:
        """The end of the link is reported."""
        link = ParentLink()
        self.assertNoResult(link.gone)
        link.connectionLost()
        self.successResultOf(link.gone)


class RunTests(TestCase):
    """Tests for running one end of a job."""

    async def test_report(self) -> None:
        """Both ends report what they saw, and the modules of their classes."""
        serving, asking = ParentLink(), ParentLink()
        told: list[str] = []
        heard: list[str] = []

        def tell(line: str) -> None:
            told.append(line)
            if len(told) == 1:
                asking.dataReceived(line.encode() + b"\n")

        await gatherResults(
            [
                run(reactor, "server", LINES, 20, serving, tell),
                run(reactor, "client", LINES, 20, asking, heard.append),
            ],
            consumeErrors=True,
        )
        self.assertTrue(told[0].startswith("tcp:127.0.0.1:"))
        for line in (*told[1:], *heard):
            report = json.loads(line)
            self.assertEqual(report["classes"], {"LineReceiver": homeOf(LINES.uses[0])})
            self.assertEqual(report["transcript"]["delivered"]["count"], 21)
            self.assertEqual(report["build"], _accelerate.build)
        self.assertEqual((len(told), len(heard)), (2, 1))

    async def test_orphan(self) -> None:
        """An end whose parent has gone stops."""
        for role in ("server", "client"):
            link = ParentLink()
            working = run(reactor, role, LINES, 20, link, lambda line: None)
            link.connectionLost()
            await self.assertFailure(working, CancelledError)

    def test_stock(self) -> None:
        """In a process without our package, the build is C{None}."""
        with patch.dict(sys.modules):
            del sys.modules["twisted_basic_ng._accelerate"]
            self.assertIs(module._build(), None)


class MainTests(SynchronousTestCase):
    """Tests for the program."""

    def setUp(self) -> None:
        self.uninstalled: list[None] = []
        self.patch(twisted_basic_ng, "uninstall", lambda: self.uninstalled.append(None))

    def test_misplaced(self) -> None:
        """If the classes are those of another package, the program does nothing and names them."""
        other = {"twisted": "twisted_basic_ng", "twisted_basic_ng": "twisted"}[IN_USE]
        error = self.assertRaises(SystemExit, main, ["server", "lines", "5", other])
        self.assertIn("LineReceiver comes from ", str(error.code))

    def test_stock(self) -> None:
        """The swap is removed only if Twisted's own modules are requested."""
        for package, count in (("twisted_basic_ng", 0), ("twisted", 1)):
            self.patch(task, "react", lambda start: None)
            try:
                main(["server", "lines", "5", package])
            except SystemExit:
                pass  # one of the two differs from what this process uses
            self.assertEqual(len(self.uninstalled), count)

    def test_start(self) -> None:
        """
        The program runs under the reactor until the job is done, with standard input as the link to
        its parent.
        """
        started: list[Callable[[Any], Deferred[None]]] = []
        links: list[ParentLink] = []
        calls: list[tuple[Any, ...]] = []
        self.patch(task, "react", started.append)
        self.patch(stdio, "StandardIO", lambda link, reactor: links.append(link))
        self.patch(module, "run", lambda *arguments: calls.append(arguments))
        main(["server", "lines", "5", IN_USE])
        started[0]("a reactor")
        ((reactor, role, job, size, link, tell),) = calls
        self.assertEqual((reactor, role, job, size, link), ("a reactor", "server", LINES, 5, links[0]))
        with redirect_stdout(StringIO()) as output:
            tell("a line")
        self.assertEqual(output.getvalue(), "a line\n")

    def test_program(self) -> None:
        """The module can be run as a program."""
        self.patch(sys, "argv", ["_child.py", "server", "lines", "5", "nobody"])
        with patch.dict(sys.modules):
            del sys.modules["twisted_basic_ng_demo.demo.child"]
            error = self.assertRaises(
                SystemExit, runpy.run_module, "twisted_basic_ng_demo.demo.child", run_name="__main__"
            )
        self.assertIn("and not from nobody", str(error.code))
