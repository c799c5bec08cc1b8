"""
Tests that the four classes of Twisted's C{ftp} and ours have the same members, with the same
signatures and values.
"""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.helpers import loadStock
from twisted_basic_ng import ftp as ours

from .comparison import Comparison

NAMES = ("ASCIIConsumerWrapper", "DTP", "DTPFactory", "FileConsumer")

#: The accepted differences, with their reasons.
ACCEPTED = {
    "ASCIIConsumerWrapper interfaces": "it is a consumer, and says so",
    "DTP bases": "UploadConnection receives an upload; it is a Protocol, as Twisted's base is",
    "DTP interfaces": "it is a push producer, too, and says so",
    "DTPFactory._FAILED": "a mark of our own",
    "DTPFactory._FINISHED": "a mark of our own",
    "DTPFactory._IN_PROGRESS": "a mark of our own",
    "DTPFactory._state": "a mark of our own",
    "DTP._conswrite": "parameters that are called data, not bytes",
    "DTP.dataReceived": "parameters that are called data, not bytes",
    "DTP.connectionLost": "may be called without a reason, as any protocol",
}


class TestParity:
    """Tests that only the accepted differences exist."""

    def test_differences(self) -> None:
        """The differences are exactly the accepted ones."""
        stock = ModuleType(loadStock("ftp").__name__)
        vars(stock).update({name: getattr(loadStock("ftp"), name) for name in NAMES})
        assert sorted(Comparison(stock, ours).differences()) == sorted(ACCEPTED)

    @pytest.mark.parametrize("name", NAMES)
    def test_there(self, name: str) -> None:
        """The class exists."""
        assert isinstance(getattr(ours, name), type)
