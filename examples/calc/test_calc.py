"""
Tests for the calculator, without a socket: C{trial test_calc} or C{pytest test_calc.py}.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from calc_commands import Divide, Sum
from calc_server import Calculator

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng.amp import AMP


class CalculatorTests(SynchronousTestCase):
    """Tests with a client and a server that are connected in memory."""

    def setUp(self) -> None:
        self.client, self.server = AMP(), Calculator()
        self.sent, self.answered = StringTransport(), StringTransport()
        self.client.makeConnection(self.sent)
        self.server.makeConnection(self.answered)

    def call(self, command: Any, **arguments: Any) -> Any:
        """Make a call, deliver the bytes in both directions, and return the result."""
        result = self.client.callRemote(command, **arguments)
        self.server.dataReceived(self.sent.value())
        result.addErrback(lambda failure: failure.value)  # without one, an error would close the connection
        self.client.dataReceived(self.answered.value())
        return self.successResultOf(result)

    def test_sum(self) -> None:
        """Numbers are added, with all their digits."""
        self.assertEqual(self.call(Sum, numbers=[Decimal("0.1"), Decimal("0.2")]), {"total": Decimal("0.3")})

    def test_zero(self) -> None:
        """Division by zero fails with C{ZeroDivisionError} for the caller."""
        self.assertIsInstance(self.call(Divide, dividend=1, divisor=0), ZeroDivisionError)
