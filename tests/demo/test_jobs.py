"""Tests for L{twisted_basic_ng_demo.demo.jobs}."""

from __future__ import annotations

from twisted.internet.protocol import Protocol
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import connectInMemory
from twisted_basic_ng_demo.demo.jobs import JOBS


class JobsTests(SynchronousTestCase):
    """Tests for the table of jobs."""

    def test_delivers(self) -> None:
        """A job delivers as many messages to each end as it says."""
        for job in JOBS:
            if job.needs == "OpenSSL" or job.chance:
                continue  # not possible in memory; the tests of the ends run these jobs
            for size in (1, 100):
                served: list[bytes] = []
                asked: list[bytes] = []
                connectInMemory(job.client(size, asked), job.server(size, served), 64).flush()
                self.assertEqual((len(served), len(asked)), job.delivers(size), job.name)

    def test_uses(self) -> None:
        """The protocols are subclasses of the listed classes, or use them."""
        for job in JOBS:
            for each in job.uses:
                built = any(isinstance(make, type) and issubclass(make, each) for make in (job.server, job.client))
                self.assertTrue(built or not issubclass(each, Protocol), job.name)

    def test_names(self) -> None:
        """The names are unique words, and the titles fit into the table."""
        names = [job.name for job in JOBS]
        self.assertEqual(len(set(names)), len(names))
        self.assertTrue(all(name.isalnum() for name in names))
        self.assertTrue(all(len(job.title) <= 24 for job in JOBS))
