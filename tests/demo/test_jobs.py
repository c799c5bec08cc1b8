"""Tests for L{twisted_basic_ng_demo.demo.jobs}."""

from __future__ import annotations

from twisted.internet.protocol import Protocol
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import connectInMemory
from twisted_basic_ng_demo.demo.jobs import JOBS


class JobsTests(SynchronousTestCase):
    """Each entry of the table can be believed."""

    def test_delivers(self) -> None:
        """A job delivers, to either end, as many messages as it says."""
        for job in JOBS:
            if job.needs == "OpenSSL" or job.chance:
                continue  # there is no TLS in memory, and no second connection; the ends' own tests have these jobs
            for size in (1, 100):
                served: list[bytes] = []
                asked: list[bytes] = []
                connectInMemory(job.client(size, asked), job.server(size, served), 64).flush()
                self.assertEqual((len(served), len(asked)), job.delivers(size), job.name)

    def test_uses(self) -> None:
        """The classes that are checked are what the protocols are built on, or what they use."""
        for job in JOBS:
            for each in job.uses:
                built = any(isinstance(make, type) and issubclass(make, each) for make in (job.server, job.client))
                self.assertTrue(built or not issubclass(each, Protocol), job.name)

    def test_names(self) -> None:
        """Names are unique words, and titles fit into the table."""
        names = [job.name for job in JOBS]
        self.assertEqual(len(set(names)), len(names))
        self.assertTrue(all(name.isalnum() for name in names))
        self.assertTrue(all(len(job.title) <= 24 for job in JOBS))
