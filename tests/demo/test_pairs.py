"""Tests for L{twisted_basic_ng_demo.demo.pairs}."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng_demo.demo import pairs as module
from twisted_basic_ng_demo.demo.pairs import OURS, STOCK, PairError, converse

#: Seconds that are reached only if something is wrong.
AMPLE = 60.0

CLIENT = "import sys; print('client, told', sys.stdin.readline().strip())"
HANGING = "import time; print('an address', flush=True); time.sleep(1000)"
FAILING = "import sys; sys.stdin.readline(); sys.exit('of no mind')"


def program(code: str) -> list[str]:
    """Return the command line that runs C{code}."""
    return [sys.executable, "-c", code]


class ImplementationTests(SynchronousTestCase):
    """Programs are started as users start them."""

    def test_commands(self) -> None:
        """The command for ours is the same with the launcher in front."""
        end = ["twisted_basic_ng_demo.demo.child", "server", "lines", "5"]
        self.assertEqual(STOCK.command("server", "lines", 5), [sys.executable, "-m", *end, "twisted"])
        launched = [sys.executable, "-m", "twisted_basic_ng", "run", "-m", *end, "twisted_basic_ng"]
        self.assertEqual(OURS.command("server", "lines", 5), launched)


class ConverseTests(SynchronousTestCase):
    """Two processes are connected, and both have ended afterwards."""

    def setUp(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []
        popen = subprocess.Popen

        def start(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
            self.started.append(popen(*arguments, **options))  # type: ignore[call-overload]
            return self.started[-1]

        self.patch(module.subprocess, "Popen", start)

    def assertGone(self) -> None:
        """Assert that both processes were started, have ended, and were waited for."""
        self.assertEqual(len(self.started), 2)
        for process in self.started:
            self.assertIsNot(process.returncode, None)
            self.assertRaises(ProcessLookupError, os.kill, process.pid, 0)

    def test_answers(self) -> None:
        """The client gets the server's first line, and the rest of both outputs is the result."""
        server = "print('an address', flush=True); print('server')"
        self.assertEqual(converse(program(server), program(CLIENT), AMPLE), ("server\n", "client, told an address\n"))
        self.assertGone()

    def test_clientFails(self) -> None:
        """
        A client that fails is reported at once with its output, without waiting for the server.
        """
        error = self.assertRaises(PairError, converse, program(HANGING), program(FAILING), AMPLE)
        self.assertEqual(error.reason, "the client failed, with exit status 1")
        self.assertEqual(error.output, "client: of no mind")
        self.assertEqual(str(error), "the client failed, with exit status 1\nclient: of no mind")
        self.assertGone()

    def test_serverFails(self) -> None:
        """
        A server that fails before it has an address is reported, though the client notices first.
        """
        client = "import sys; sys.exit(0 if sys.stdin.readline() else 'told nothing')"
        error = self.assertRaises(PairError, converse, program("raise SystemExit('no port')"), program(client), AMPLE)
        self.assertIn("server: no port", str(error))
        self.assertGone()

    def test_serverFailsLate(self) -> None:
        """A server that fails after the client has finished is reported."""
        server = "import sys; print('an address', flush=True); sys.exit(3)"
        error = self.assertRaises(PairError, converse, program(server), program(CLIENT), AMPLE)
        self.assertEqual(str(error), "the server failed, with exit status 3")
        self.assertGone()

    def test_clientDies(self) -> None:
        """A client that ends before it gets the address is reported with its own status."""
        error = self.assertRaises(PairError, converse, program(HANGING), program("raise SystemExit('no')"), AMPLE)
        self.assertEqual(str(error), "the client failed, with exit status 1\nclient: no")
        self.assertGone()

    def test_broken(self) -> None:
        """Sending a line to a process that has ended is not an error."""
        with module._started("client", program("")) as end:
            end.finish()
            end.tell("an address")

    def test_hangs(self) -> None:
        """Processes that take too long are killed, and the error has the time limit."""
        error = self.assertRaises(PairError, converse, program(HANGING), program(HANGING), 0.5)
        self.assertEqual(str(error), "not done after 0.5 seconds")
        self.assertGone()

    def test_mute(self) -> None:
        """A server that never prints its address is killed."""
        mute = "import time; time.sleep(1000)"
        self.assertRaises(PairError, converse, program(mute), program(CLIENT), 0.5)
        self.assertGone()

    def test_interrupt(self) -> None:
        """An interrupt is raised to the caller, and leaves no process behind."""
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, handler)
        client = (
            f"import os, signal, sys; sys.stdin.readline(); os.kill({os.getpid()}, signal.SIGINT); sys.stdin.read()"
        )
        self.assertRaises(KeyboardInterrupt, converse, program(HANGING), program(client), AMPLE)
        self.assertGone()

    def test_unstartable(self) -> None:
        """A program that cannot be started raises an error, and the other process is ended."""
        self.assertRaises(OSError, converse, program(HANGING), ["/no/such/program"], AMPLE)
        (process,) = self.started
        self.assertIsNot(process.returncode, None)
