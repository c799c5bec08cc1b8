"""
Tests that the private names of our public classes cannot collide with names of applications.

An application's subclass may use any name that Twisted's class does not have.  So the new private
names of our classes begin with a reserved prefix.  The tests read the names from the classes, and
from the source code of their methods.
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

#: The prefixes of new private names in the classes of each module.  AMP's classes are receivers,
#: too.
PREFIXES: dict[ModuleType, tuple[str, ...]] = {
    basic: ("_receiver", "_sender"),
    amp: ("_amp", "_receiver"),
    ftp: ("_dtp",),
}

#: Names that no supported version of Twisted has, and why we keep them.
KEPT = {"_getPeerCertificate": "earlier ones had it, and it is among what their documentation names"}

#: The prefix of the names of the Twisted modules that the tests load.
STOCK = loadStock("basic").__name__.removesuffix("basic")


def isOurs(kind: type) -> bool:
    """Whether this package defines the class."""
    return homeOf(kind).startswith("twisted_basic_ng.")


def publicClasses() -> list[tuple[ModuleType, type]]:
    """Return every public class of our modules, once."""
    found = ((module, getattr(module, name)) for module in PREFIXES for name in dir(module))
    classes = ((module, value) for module, value in found if isinstance(value, type) and isOurs(value))
    return [*dict.fromkeys((module, value) for module, value in classes if value.__module__ == module.__name__)]


def isPrivate(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def storedIn(body: ast.AST, receivers: set[str] | None = None) -> Iterator[str]:
    """
    Return the attributes that the code in C{body} sets.

    @param receivers: the variables on which they are set; C{None} for any.
    """
    for node in ast.walk(body):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del)):
            if receivers is None or (isinstance(node.value, ast.Name) and node.value.id in receivers):
                yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setattr"):
            yield from (str(each.value) for each in node.args[1:2] if isinstance(each, ast.Constant))


@cache
def definitions(path: str) -> dict[str, ast.ClassDef]:
    """Return the top-level classes of a file."""
    body = ast.parse(Path(path).read_text(encoding="utf-8")).body
    return {each.name: each for each in body if isinstance(each, ast.ClassDef)}


def definition(kind: type) -> ast.ClassDef | None:
    """Return the source of a class, or C{None} if it is not written in Python."""
    home = homeOf(kind)
    module = loadStock(home.removeprefix(STOCK)) if home.startswith(STOCK) else sys.modules[home]
    path = getattr(module, "__file__", None)
    return definitions(path).get(kind.__name__) if path and path.endswith(".py") else None


def namesIn(kind: ast.ClassDef) -> set[str]:
    """
    Return the attributes that a class has by its source: those it annotates, and those its methods
    set on C{self}.
    """
    found = set()
    for each in kind.body:
        if isinstance(each, ast.AnnAssign):
            found |= {each.target.id} if isinstance(each.target, ast.Name) else set()
        elif isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.args.args:
            found |= {*storedIn(each, {each.args.args[0].arg})}
    return found


def names(kind: type, stock: bool = False) -> set[str]:
    """
    Return the names of a class and its instances.  For our classes, only those that this package
    defines.
    """
    found: set[str] = set(dir(kind)) if stock else set()
    for base in kind.__mro__:
        if stock or isOurs(base):
            source = definition(base)
            found |= {*vars(base)} | (set() if source is None else namesIn(source))
    return found


def newIn(own: type, theirs: list[type]) -> set[str]:
    """Return the private names that only our class has."""
    known = set().union(*(names(each, stock=True) for each in theirs))
    return {name for name in names(own) - known - KEPT.keys() if isPrivate(name)}


def counterparts(module: ModuleType, own: type) -> list[type]:
    """Return Twisted's class of the same name, or of the nearest base that Twisted has."""
    stock = loadStock(module.__name__.rpartition(".")[2])
    found = [getattr(stock, base.__name__, None) for base in own.__mro__ if isOurs(base)]
    return [each for each in found if isinstance(each, type)][:1]


class TestPrefixes:
    """Tests that new names begin with a reserved prefix."""

    @pytest.mark.parametrize(("module", "own"), publicClasses(), ids=lambda each: each.__name__)
    def test_class(self, module: ModuleType, own: type) -> None:
        """Each private name that Twisted's class does not have begins with a prefix."""
        strange = {each for each in newIn(own, counterparts(module, own)) if not each.startswith(PREFIXES[module])}
        assert strange == set()

    def test_answer(self) -> None:
        """The C{Deferred} of a call has no other new names, private or public."""
        strange = {name for name in names(Call) - names(Deferred, stock=True) if not name.endswith("__")}
        assert {name for name in strange if not name.startswith("_amp")} == set()

    @pytest.mark.parametrize("source", [each for each in sources() if each.suffix == ".py"], ids=str)
    def test_others(self, source: Path) -> None:
        """Private attributes that code sets on other objects begin with a prefix, too."""
        tree = ast.parse((PACKAGE / source).read_text(encoding="utf-8"))
        own = {*storedIn(tree, {"self", "cls"})} | {*slots(tree)}
        strange = {name for name in {*storedIn(tree)} - own if isPrivate(name)}
        prefixes = tuple(prefix for each in PREFIXES.values() for prefix in each)
        assert {name for name in strange if not name.startswith(prefixes)} == set()


def slots(tree: ast.AST) -> Iterator[str]:
    """Return the slots of the classes in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__slots__":
            yield from (str(each.value) for each in ast.walk(node.value) if isinstance(each, ast.Constant))


class TestOffenders:
    """Tests that offending names are found."""

    def test_found(self) -> None:
        """
        The search finds attributes that a class annotates, or that its methods set in any way.
        """
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
        """Names that Twisted's class has do not count.  All others do, in any base class."""
        monkeypatch.setattr(amp.Argument, "_offends", 1, raising=False)
        monkeypatch.setattr(amp.Argument, "optional_", 1, raising=False)
        stock = loadStock("amp")
        assert newIn(amp.Integer, [stock.Integer]) == {"_ampDiscard", "_offends"}
        monkeypatch.setattr(stock.Argument, "_offends", 1, raising=False)
        assert newIn(amp.Integer, [stock.Integer]) == {"_ampDiscard"}
