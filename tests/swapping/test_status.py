"""Tests for L{twisted_basic_ng._swapping.status}."""

from __future__ import annotations

import dataclasses
from importlib.metadata import PackageNotFoundError, version

import pytest

import twisted_basic_ng
from twisted_basic_ng import _accelerate, _defaults
from twisted_basic_ng._swapping import children, status


class TestStatus:
    """Tests for the status."""

    def test_facts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The status shows the current state."""
        monkeypatch.setenv(children.ENVIRONMENT, "1")
        monkeypatch.setenv(_defaults.EXTENDED, "1")
        monkeypatch.setattr(status, "isInstalled", lambda: True)
        now = twisted_basic_ng.status()
        assert (now.installed, now.passedOn, now.enabled) == (True, True, False)
        assert (now.version, now.twisted) == (twisted_basic_ng.__version__, version("Twisted"))
        assert now.build == _accelerate.build
        assert dict(now.swapped)["twisted.protocols.basic"] == "twisted_basic_ng.basic"
        assert "twisted.protocols.basic -> twisted_basic_ng.basic" in str(now)
        assert now.extended
        assert f"AMP extended ({_defaults.EXTENDED}): yes" in str(now)

    def test_frozen(self) -> None:
        """The status cannot be changed."""
        with pytest.raises(dataclasses.FrozenInstanceError):
            twisted_basic_ng.status().installed = True  # type: ignore[misc]

    def test_without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a swap and without Twisted, the status says so."""

        def missing(name: str) -> str:
            raise PackageNotFoundError(name)

        monkeypatch.delenv(children.ENVIRONMENT, raising=False)
        monkeypatch.setattr(status, "version", missing)
        monkeypatch.setattr(status, "isInstalled", lambda: False)
        now = twisted_basic_ng.status()
        assert (now.installed, now.passedOn, now.twisted) == (False, False, None)
        assert "Twisted is not installed" in str(now)
        assert "->" not in str(now)
