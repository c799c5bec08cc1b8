"""Tests that C{tox -e all} leaves out no environment."""

from __future__ import annotations

from configparser import ConfigParser

from .sources import ROOT

#: Environments that run a part of another one, that run others, and that measure without checking
#: anything.
PARTS, OTHERS, MEASURING = {"quick", "coverage"}, {"all"}, {"report"}


def read() -> ConfigParser:
    """Read tox.ini."""
    found = ConfigParser(interpolation=None)
    found.read_string((ROOT / "tox.ini").read_text(encoding="utf-8"))
    return found


class TestAll:
    """C{tox -e all} runs every environment that checks something."""

    def test_named(self) -> None:
        """It names each environment exactly once."""
        configuration = read()
        named = [each for names in configuration["all"].values() for each in names.split(",")]
        sections = {each.removeprefix("testenv:") for each in configuration.sections() if each.startswith("testenv:")}
        usual = configuration["tox"]["env_list"].split()
        assert sorted(named) == sorted({*sections, *usual} - PARTS - OTHERS - MEASURING)
