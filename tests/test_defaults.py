"""Tests for L{twisted_basic_ng._defaults}."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.processes import python
from twisted_basic_ng import _defaults, amp

SAYS = "from twisted_basic_ng import amp\nprint(amp.AMP.extended, amp.BoxDispatcher.extended)\n"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Restore the default after each test."""
    yield
    _defaults.extend(None)


class TestExtend:
    """AMP's features beyond Twisted's are switched on and off for all classes."""

    def test_classes(self) -> None:
        """Existing classes follow the default, except those that set C{extended} themselves."""

        class Never(amp.AMP):
            extended = False

        for isOn in (True, False):
            _defaults.extend(isOn)
            assert _defaults.isExtended() is isOn
            found = [kind.extended for kind in (amp.AMP, amp.BinaryBoxProtocol, amp.BoxDispatcher, Never)]
            assert found == [isOn, isOn, isOn, False]

    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment decides unless the default has been set."""
        for value, isOn in (("1", True), ("0", False), ("", False)):
            monkeypatch.setenv(_defaults.EXTENDED, value)
            _defaults.extend(None)
            assert (_defaults.isExtended(), amp.AMP.extended) == (isOn, isOn)
        monkeypatch.delenv(_defaults.EXTENDED)
        _defaults.extend(None)
        assert not amp.AMP.extended

    def test_attributes(self) -> None:
        """Switching adds no attributes to the classes."""
        before = [set(vars(kind)) for kind in amp.AMP.__mro__]
        _defaults.extend(True)
        assert [set(vars(kind)) for kind in amp.AMP.__mro__] == before

    def test_lazy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Switching does not import AMP, which reads the default when it is imported."""
        monkeypatch.delitem(sys.modules, "twisted_basic_ng.amp")
        _defaults.extend(True)
        assert "twisted_basic_ng.amp" not in sys.modules
        assert not amp.AMP.extended
        assert python("-c", SAYS, TWISTED_BASIC_NG_EXTENDED="1").stdout == "True True\n"
        assert (
            python("-c", f"from twisted_basic_ng import install\ninstall(extended=True)\n{SAYS}").stdout
            == "True True\n"
        )
        assert python("-c", SAYS).stdout == "False False\n"
