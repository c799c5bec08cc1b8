"""Tests that imports inside the package go in one direction only."""

from __future__ import annotations

from graphlib import TopologicalSorter

import pytest

from .sources import DEMO, imports, importsAtRunTime, moduleName, sources

#: The ladder, from the lowest rung up.  A module may import only from lower rungs, whether at the
#: top level, in a function or for type checkers.  A folder stands for all its files.  The package's
#: own file is below everything, because of its version; its functions import from above.
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

#: Modules that must not import Twisted, because that would be slow, could install a reactor, or
#: prevent the swap.
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
    """Return the modules of the package that the module C{name} imports in any way."""
    return imports(MODULES[name]) & MODULES.keys() - {"", name}


def place(name: str) -> str:
    """Return the entry of the ladder for the module C{name}: the module or its folder."""
    return name if name in RUNGS else name.partition(".")[0]


class TestLadder:
    """Each module imports from lower rungs only, so there are no cycles."""

    def test_complete(self) -> None:
        """Each module is on the ladder, and each entry of the ladder exists."""
        assert RUNGS.keys() == {place(name) for name in MODULES} - {""}

    @pytest.mark.parametrize("name", sorted(MODULES.keys() - {""}))
    def test_down(self, name: str) -> None:
        """A module imports from lower rungs or from its own folder only."""
        others = {place(each) for each in ours(name)} - {place(name)}
        assert {each for each in others if RUNGS[each] >= RUNGS[place(name)]} == set()

    def test_noCircle(self) -> None:
        """There are no cycles inside a folder either."""
        TopologicalSorter({name: ours(name) for name in MODULES.keys() - {""}}).prepare()


class TestDemo:
    """Tests that the library does not depend on the demo and the benchmarks."""

    def test_noCircle(self) -> None:
        """The files of the demo import each other without cycles."""
        modules = {moduleName(each): imports(each, DEMO) for each in sources(DEMO)}
        TopologicalSorter({name: found & modules.keys() - {"", name} for name, found in modules.items()}).prepare()

    def test_without(self) -> None:
        """Only the command line refers to the demo."""
        naming = {name for name, file in MODULES.items() if any(each.startswith(DEMO.name) for each in imports(file))}
        assert naming == {"_cli"}


class TestWithoutTwisted:
    """Tests that modules that run before a program starts do not import Twisted."""

    @pytest.mark.parametrize("name", sorted(WITHOUT_TWISTED))
    def test_none(self, name: str) -> None:
        """The module imports neither Twisted nor a related package."""
        heavy = {each.partition(".")[0] for each in importsAtRunTime(MODULES[name])} & {
            "twisted",
            "zope",
            "rich",
            "OpenSSL",
        }
        assert heavy == set()


class TestPureFraming:
    """The Python versions of the compiled functions do not depend on the package."""

    def test_alone(self) -> None:
        """C{_accelerate.framing} imports nothing of the package."""
        assert ours("_accelerate.framing") == set()
