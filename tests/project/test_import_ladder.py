"""Imports inside of the package run one way only."""

from __future__ import annotations

from graphlib import TopologicalSorter

import pytest

from .sources import DEMO, imports, importsAtRunTime, moduleName, sources

#: From the lowest rung up.  A module may import from the rungs below its own, and from no other place in the package:
#: at its top, in a function, or for type checkers alone.  A folder stands for all its files.  The package's own file is
#: below everything, for the version that it holds; its functions import from above.
LADDER = [
    {"_places", "_defaults"},
    {"_accelerate", "_filesender", "_ftp"},
    {"_receiving", "_swapping"},
    {"basic", "ftp", "amp._constants", "amp._names", "amp._tlssupport"},
    {"amp._errors"},
    {"amp._beyonderrors"},
    {"amp._streamerrors", "amp._producers"},
    {"amp._boxes", "amp._metering"},
    {"amp._errorboxes", "amp._interfaces", "amp._types"},
    {"amp._explain", "amp._currentcall", "amp._streamboxes", "amp._streamdelivery", "amp._streaminbox"},
    {"amp._arguments", "amp._deadlines", "amp._calls", "amp._line", "amp._responders", "amp._streamsources"},
    {"amp._keepalive", "amp._schema", "amp._overload", "amp._responding", "amp._streamreader", "amp._streamwriter"},
    {"amp._lists", "amp._caller", "amp._streamproducers", "amp._streams"},
    {"amp._streampipes"},
    {"amp._streamtypes"},
    {"amp._description"},
    {"amp._commands", "amp._descriptors", "amp._dispatch", "amp._features"},
    {
        "amp._switch",
        "amp._tls",
        "amp._strings",
        "amp._extensions",
        "amp._more",
        "amp._cancel",
        "amp._describe",
        "amp._leave",
        "amp._streamfeature",
    },
    {"amp._reading"},
    {"amp._sending"},
    {"amp._wire"},
    {"amp._protocol"},
    {"amp"},
    {"_cli", "pytest_plugin"},
    {"__main__"},
]
RUNGS = {name: rung for rung, names in enumerate(LADDER) for name in names}

#: What stays importable without Twisted: reading it must not be slow, nor choose a reactor, nor hinder a swap.
WITHOUT_TWISTED = {
    "",
    "__main__",
    "_accelerate",
    "_accelerate.framing",
    "_accelerate.values",
    "_cli",
    "_defaults",
    "_places",
    "_receiving.backlog",
    "_receiving.batch",
    "_receiving.connection",
    "_receiving.copies",
    "_receiving.pieces",
    "_receiving.pins",
    "_receiving.shown",
    "_receiving.wording",
    "_swapping.children",
    "_swapping.enable",
    "_swapping.enabled",
    "_swapping.inuse",
    "_swapping.probe",
    "_swapping.programs",
    "_swapping.run",
    "_swapping.startup.sitecustomize",
    "_swapping.status",
    "_swapping.swap",
    "pytest_plugin",
}

MODULES = {moduleName(each): each for each in sources() if each.suffix == ".py"}


def ours(name: str) -> set[str]:
    """The modules of the package that the module C{name} imports, in whatever way."""
    return imports(MODULES[name]) & MODULES.keys() - {"", name}


def place(name: str) -> str:
    """What stands for the module C{name} on the ladder: itself, or its folder."""
    return name if name in RUNGS else name.partition(".")[0]


class TestLadder:
    """Each module imports from lower rungs alone, so there is no circle."""

    def test_complete(self) -> None:
        """Each module has its place on the ladder, and each place its module."""
        assert RUNGS.keys() == {place(name) for name in MODULES} - {""}

    @pytest.mark.parametrize("name", sorted(MODULES.keys() - {""}))
    def test_down(self, name: str) -> None:
        """What it imports stands on a lower rung, or in the same folder."""
        others = {place(each) for each in ours(name)} - {place(name)}
        assert {each for each in others if RUNGS[each] >= RUNGS[place(name)]} == set()

    def test_noCircle(self) -> None:
        """Nor is there a circle inside of a folder."""
        TopologicalSorter({name: ours(name) for name in MODULES.keys() - {""}}).prepare()


class TestDemo:
    """The demo and the benchmarks stand on the library, which does without them."""

    def test_noCircle(self) -> None:
        """Their files import one another one way only."""
        modules = {moduleName(each): imports(each, DEMO) for each in sources(DEMO)}
        TopologicalSorter({name: found & modules.keys() - {"", name} for name, found in modules.items()}).prepare()

    def test_without(self) -> None:
        """The command line hands over to them; nothing else of the library names them."""
        naming = {name for name, file in MODULES.items() if any(each.startswith(DEMO.name) for each in imports(file))}
        assert naming == {"_cli"}


class TestWithoutTwisted:
    """What runs before a program starts imports nothing of Twisted."""

    @pytest.mark.parametrize("name", sorted(WITHOUT_TWISTED))
    def test_none(self, name: str) -> None:
        """It names neither Twisted nor a package of its world."""
        heavy = {each.partition(".")[0] for each in importsAtRunTime(MODULES[name])} & {
            "twisted",
            "zope",
            "rich",
            "OpenSSL",
        }
        assert heavy == set()


class TestPureFraming:
    """The functions that have a compiled twin know bytes, and nothing of the package."""

    def test_alone(self) -> None:
        """Nothing of the package is imported."""
        assert ours("_accelerate.framing") == set()
