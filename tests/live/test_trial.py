"""trial's own workers speak AMP: under C{run}, its manager and they do so on ours."""

from __future__ import annotations

from pathlib import Path

from tests.processes import python, write

MODULE = """
from twisted.protocols import amp
from twisted.trial import unittest
from twisted.trial._dist.worker import LocalWorkerAMP
from twisted.trial._dist.workertrial import WorkerLogObserver

class WhoseTests(unittest.TestCase):
    def test_worker(self):
        self.assertEqual(amp.__name__, "twisted_basic_ng.amp")
        self.assertIn(amp.AMP, LocalWorkerAMP.__mro__)

    def test_logs(self):
        print("a long line", "x" * 1000)
"""

MANAGER = """
import sys
from twisted.trial._dist.worker import LocalWorkerAMP
from twisted.scripts.trial import run
print("the manager is on", sys.modules[LocalWorkerAMP.__mro__[1].__module__].__name__, flush=True)
sys.argv[1:] = ["-j2", "test_whose"]
run()
"""


class TestTrial:
    """C{run trial -j}."""

    def test_both(self, tmp_path: Path) -> None:
        """Manager and workers are on ours."""
        write(tmp_path / "test_whose.py", MODULE)
        program = write(tmp_path / "manager.py", MANAGER)
        ended = python("-m", "twisted_basic_ng", "run", program, directory=tmp_path)
        assert "the manager is on twisted_basic_ng.amp" in ended.stdout, ended.stdout + ended.stderr
        assert "PASSED (successes=2)" in ended.stdout, ended.stdout + ended.stderr

    def test_suite(self, tmp_path: Path) -> None:
        """A suite of Twisted's runs in two workers."""
        ended = python(
            *("-m", "twisted_basic_ng", "run", "-m", "twisted.trial", "-j2", "twisted.test.test_defer"),
            directory=tmp_path,
        )
        assert "PASSED" in ended.stdout.splitlines()[-1], ended.stdout + ended.stderr
