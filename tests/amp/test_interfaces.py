"""Tests for L{twisted_basic_ng.amp._interfaces}."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from twisted_basic_ng import amp


class TestInterfaces:
    """Our classes provide the interfaces, method by method."""

    @pytest.mark.parametrize(
        ("interface", "provider"),
        [
            (amp.IArgumentType, amp.Integer()),
            (amp.IArgumentType, amp.ListOf(amp.Integer())),
            (amp.IBoxSender, amp.AMP()),
            (amp.IBoxReceiver, amp.AMP()),
            (amp.IBoxReceiver, amp.BoxDispatcher(amp.CommandLocator())),
            (amp.IResponderLocator, amp.CommandLocator()),
            (amp.IResponderLocator, amp.SimpleStringLocator()),
        ],
    )
    def test_provided(self, interface: type, provider: object) -> None:
        """All methods exist with the arguments of the interface."""
        assert verifyObject(interface, provider)
