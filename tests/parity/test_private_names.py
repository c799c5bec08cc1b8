"""
Private names of ours on public classes keep out of the way of applications' own.

A subclass of an application may have any name that Twisted's class of the same name has not.  So what is new in ours
begins with a prefix that says whose it is.  The names are read off the classes, and off the sources of all their
methods.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from twisted.internet.defer import Deferred

from tests.helpers import loadStock
from tests.project.sources import PACKAGE, sources
from twisted_basic_ng import amp, basic, ftp
from twisted_basic_ng._places import homeOf
from twisted_basic_ng.amp._calls import Call

#: Which prefixes names may have that are new in the classes of a module; those of AMP are receivers, too.
PREFIXES: dict[ModuleType, tuple[str, ...]] = {
    basic: ("_receiver", "_sender"),
    amp: ("_amp", "_receiver"),
    ftp: ("_dtp",),
}

#: Names that no supported Twisted has, and why they are here.
KEPT = {"_getPeerCertificate": "earlier ones had it, and it is among what their documentation names"}

#: How the modules of Twisted's are called that the tests load.
STOCK = loadStock("basic").__name__.removesuffix("basic")


def isOurs(kind: type) -> bool:
    """Is a class defined in this package?"""
    return homeOf(kind).startswith("twisted_basic_ng.")


def publicClasses() -> list[tuple[ModuleType, type]]:
    """Every class that is public in a module of ours, once."""
    found = ((module, getattr(module, name)) for module in PREFIXES for name in dir(module))
    classes = ((module, value) for module, value in found if isinstance(value, type) and isOurs(value))
    return [*dict.fromkeys((module, value) for module, value in classes if value.__module__ == module.__name__)]


def isPrivate(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def storedIn(body: ast.AST, receivers: set[str] | None = None) -> Iterator[str]:
    """
    Name the attributes that the code in C{body} sets.

    @param receivers: on which variables; C{None} for all of them.
    """
    for node in ast.walk(body):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del)):
            if receivers is None or (isinstance(node.value, ast.Name) and node.value.id in receivers):
                yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setattr"):
            yield from (str(each.value) for each in node.args[1:2] if isinstance(each, ast.Constant))


@cache
def definitions(path: str) -> dict[str, ast.ClassDef]:
    """The classes that a file defines at its top."""
    body = ast.parse(Path(path).read_text(encoding="utf-8")).body
    return {each.name: each for each in body if isinstance(each, ast.ClassDef)}


def definition(kind: type) -> ast.ClassDef | None:
    """The source of a class; C{None} for one that is not written in Python."""
    home = homeOf(kind)
    module = loadStock(home.removeprefix(STOCK)) if home.startswith(STOCK) else sys.modules[home]
    path = getattr(module, "__file__", None)
    return definitions(path).get(kind.__name__) if path and path.endswith(".py") else None


def namesIn(kind: ast.ClassDef) -> set[str]:
    """Name what a class has by its source: what its body annotates, and what its methods set on themselves."""
    found = set()
    for each in kind.body:
        if isinstance(each, ast.AnnAssign):
            found |= {each.target.id} if isinstance(each.target, ast.Name) else set()
        elif isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.args.args:
            found |= {*storedIn(each, {each.args.args[0].arg})}
    return found


def names(kind: type, stock: bool = False) -> set[str]:
    """Name all that a class and its instances have; of ours, what the classes of this package bring along."""
    found: set[str] = set(dir(kind)) if stock else set()
    for base in kind.__mro__:
        if stock or isOurs(base):
            source = definition(base)
            found |= {*vars(base)} | (set() if source is None else namesIn(source))
    return found


def newIn(own: type, theirs: list[type]) -> set[str]:
    """The private names that only a class of ours has."""
    known = set().union(*(names(each, stock=True) for each in theirs))
    return {name for name in names(own) - known - KEPT.keys() if isPrivate(name)}


def counterparts(module: ModuleType, own: type) -> list[type]:
    """Twisted's class of the same name; for one that Twisted has not, those of its bases."""
    stock = loadStock(module.__name__.rpartition(".")[2])
    found = [getattr(stock, base.__name__, None) for base in own.__mro__ if isOurs(base)]
    return [each for each in found if isinstance(each, type)][:1]


class TestPrefixes:
    """What is new begins with a prefix of ours."""

    @pytest.mark.parametrize(("module", "own"), publicClasses(), ids=lambda each: each.__name__)
    def test_class(self, module: ModuleType, own: type) -> None:
        """Each private name that Twisted's class has not."""
        strange = {each for each in newIn(own, counterparts(module, own)) if not each.startswith(PREFIXES[module])}
        assert strange == set()

    def test_answer(self) -> None:
        """The C{Deferred} that a call returns has nothing else of ours, private or public."""
        strange = {name for name in names(Call) - names(Deferred, stock=True) if not name.endswith("__")}
        assert {name for name in strange if not name.startswith("_amp")} == set()

    @pytest.mark.parametrize("source", [each for each in sources() if each.suffix == ".py"], ids=str)
    def test_others(self, source: Path) -> None:
        """What is set on an object by somebody else has such a name, too."""
        tree = ast.parse((PACKAGE / source).read_text(encoding="utf-8"))
        own = {*storedIn(tree, {"self", "cls"})} | {*slots(tree)}
        strange = {name for name in {*storedIn(tree)} - own if isPrivate(name)}
        prefixes = tuple(prefix for each in PREFIXES.values() for prefix in each)
        assert {name for name in strange if not name.startswith(prefixes)} == set()


def slots(tree: ast.AST) -> Iterator[str]:
    """Name the slots that the classes of a file have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__slots__":
            yield from (str(each.value) for each in ast.walk(node.value) if isinstance(each, ast.Constant))


class TestOffenders:
    """Names that are in the way are found."""

    def test_found(self) -> None:
        """Methods, attributes of the class, and those that any method sets, in any way."""
        source = """
            class Ours(Theirs):
                _attribute = 1
                _annotated: int
                def _method(self):
                    if self:
                        self._set, other = 1, 2
                        self._counted += 1
                        setattr(self, "_named", 1)
                        other._notItsOwn = 1
                @classmethod
                def make(cls):
                    cls._made = lambda: None
        """
        (kind,) = ast.parse(textwrap.dedent(source)).body
        assert isinstance(kind, ast.ClassDef)
        found = {"_annotated", "_set", "_counted", "_named", "_made"}
        assert {name for name in namesIn(kind) if isPrivate(name)} == found

    def test_inherited(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Names that Twisted's class has are none; all others are, wherever on the way to it they are."""
        monkeypatch.setattr(amp.Argument, "_offends", 1, raising=False)
        monkeypatch.setattr(amp.Argument, "optional_", 1, raising=False)
        stock = loadStock("amp")
        assert newIn(amp.Integer, [stock.Integer]) == {"_ampDiscard", "_offends"}
        monkeypatch.setattr(stock.Argument, "_offends", 1, raising=False)
        assert newIn(amp.Integer, [stock.Integer]) == {"_ampDiscard"}
