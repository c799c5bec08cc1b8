"""
Tests for L{tests.differential.amp_driver}: unhandled errors are reported, except those of Twisted's
own modules.
"""

from __future__ import annotations

import gc
from typing import Any

import pytest

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, loadStock
from twisted_basic_ng import amp as ours

from .amp_driver import quiet, unhandled
from .conftest import ofOurs


def leave(amp: Any) -> None:
    """Make a call, do not handle its error, and lose the connection."""
    act = type("Act", (amp.Command,), {})
    protocol = amp.AMP()
    RecordingTransport().connect(protocol)
    protocol.callRemote(act)
    protocol.connectionLost(Failure(ConnectionDone()))


class TestUnhandled:
    """Tests for unhandled errors."""

    @pytest.mark.parametrize(("amp", "isHeard"), [(ours, True), (loadStock("amp"), False)], ids=["ours", "stock"])
    def test_left(self, amp: Any, isHeard: bool) -> None:
        """
        An unhandled error is kept while logging is off, and errors of Twisted's own modules are
        filtered out.
        """
        with quiet():
            leave(amp)
            gc.collect()
        assert len(unhandled) == 1
        assert len(ofOurs()) == isHeard
