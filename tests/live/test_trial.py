"""trial's workers use AMP: under C{run}, its manager and they use ours."""

from __future__ import annotations

from pathlib import Path

import pytest

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


LARGE = """
from twisted.python import log
from twisted.trial import unittest

class LargeTests(unittest.TestCase):
    def test_log(self):
        log.msg("L" * 2**20)

    def test_logMore(self):
        for each in range(10):
            log.msg("L" * 2**20)

    def test_print(self):
        print("P" * 2**20)

    def test_fail(self):
        raise ValueError("V" * 2**20)

    def test_small(self):
        pass
"""


class TestLarge:
    """Tests that log, print and fail with a megabyte each."""

    def run(self, tmp_path: Path, *launcher: str) -> str:
        """Run them in two workers, and return the last line of the output."""
        write(tmp_path / "test_large.py", LARGE)
        ended = python(*launcher, "-m", "twisted.trial", "-j2", "test_large", directory=tmp_path)
        self.log = "".join(each.read_text(encoding="utf-8") for each in tmp_path.glob("_trial_temp/test.log"))
        return ended.stdout.splitlines()[-1]

    def test_extended(self, tmp_path: Path) -> None:
        """With C{--extended}, each test has its own result, and the logs are complete."""
        assert self.run(tmp_path, "-m", "twisted_basic_ng", "run", "--extended") == "FAILED (errors=1, successes=4)"
        assert self.log.count("L" * 2**20) == 11

    @pytest.mark.parametrize("launcher", [(), ("-m", "twisted_basic_ng", "run")])
    def test_without(self, launcher: tuple[str, ...], tmp_path: Path) -> None:
        """Without C{--extended}, with Twisted's AMP or ours, the tests that log do not pass."""
        assert self.run(tmp_path, *launcher) != "FAILED (errors=1, successes=4)"
        assert "L" * 2**20 not in self.log


class TestTrial:
    """C{run trial -j}."""

    def test_both(self, tmp_path: Path) -> None:
        """The manager and the workers use ours."""
        write(tmp_path / "test_whose.py", MODULE)
        program = write(tmp_path / "manager.py", MANAGER)
        ended = python("-m", "twisted_basic_ng", "run", program, directory=tmp_path)
        assert "the manager is on twisted_basic_ng.amp" in ended.stdout, ended.stdout + ended.stderr
        assert "PASSED (successes=2)" in ended.stdout, ended.stdout + ended.stderr

    def test_suite(self, tmp_path: Path) -> None:
        """One of Twisted's test suites runs in two workers."""
        ended = python(
            *("-m", "twisted_basic_ng", "run", "-m", "twisted.trial", "-j2", "twisted.test.test_defer"),
            directory=tmp_path,
        )
        assert "PASSED" in ended.stdout.splitlines()[-1], ended.stdout + ended.stderr
