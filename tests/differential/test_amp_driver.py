"""Tests for L{tests.differential.amp_driver}: what a script leaves behind is heard, unless it is Twisted's own."""

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
    """Leave a call without anyone who handles its error."""
    act = type("Act", (amp.Command,), {})
    protocol = amp.AMP()
    RecordingTransport().connect(protocol)
    protocol.callRemote(act)
    protocol.connectionLost(Failure(ConnectionDone()))


class TestUnhandled:
    """An error that nobody handled."""

    @pytest.mark.parametrize(("amp", "isHeard"), [(ours, True), (loadStock("amp"), False)], ids=["ours", "stock"])
    def test_left(self, amp: Any, isHeard: bool) -> None:
        """It is kept while nothing is logged; that of Twisted's own modules is told from that of ours."""
        with quiet():
            leave(amp)
            gc.collect()
        assert len(unhandled) == 1
        assert len(ofOurs()) == isHeard
