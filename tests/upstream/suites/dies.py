"""A suite whose process dies or never ends.  Trial runs it, not pytest."""

from __future__ import annotations

import os
import time

from twisted.trial.unittest import SynchronousTestCase


class Dies(SynchronousTestCase):
    def test_a(self) -> None:
        """Succeed."""

    def test_b(self) -> None:
        os._exit(7)


class Hangs(SynchronousTestCase):
    def test_hangs(self) -> None:
        time.sleep(600)
