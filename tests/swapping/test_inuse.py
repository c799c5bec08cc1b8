"""Tests for L{twisted_basic_ng._swapping.inuse}."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from twisted_basic_ng._swapping.inuse import usersOfClasses, usersOfModule


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a module in a package, with two classes of its own and one that it imports."""
    module = addModule(monkeypatch, "stockpackage.stock")
    package = addModule(monkeypatch, "stockpackage")
    package.stock = module  # type: ignore[attr-defined]
    for name in ("Class", "Other"):
        setattr(module, name, type(name, (), {"__module__": module.__name__}))
    module.imported = int  # type: ignore[attr-defined]
    return module


def addModule(monkeypatch: pytest.MonkeyPatch, name: str, **values: object) -> ModuleType:
    """Add a module with these C{values} to C{sys.modules} during a test."""
    module = ModuleType(name)
    vars(module).update(values)
    monkeypatch.setitem(sys.modules, name, module)
    return module


class TestUsersOfModule:
    """Tests for L{usersOfModule}, which returns the names of modules that use a module."""

    def test_none(self, stock: ModuleType) -> None:
        """The module's package and modules that import the same class are not users."""
        assert set(usersOfModule(stock)) == set()

    def test_holders(self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """A module that has the module or one of its classes as an attribute is a user."""
        addModule(monkeypatch, "holds.module", anything=stock)
        addModule(monkeypatch, "holds.klass", anything=stock.Class)
        assert set(usersOfModule(stock)) == {"holds.module", "holds.klass"}

    def test_subclasses(self, stock: ModuleType) -> None:
        """A module that defines a direct or indirect subclass of the module's classes is a user."""
        child = type("Child", (stock.Class,), {"__module__": "some.child"})
        grandchild = type("Grandchild", (child,), {"__module__": "some.grandchild"})
        assert set(usersOfModule(stock)) == {"some.child", "some.grandchild"}
        assert grandchild.__base__ is child

    def test_ownSubclasses(self, stock: ModuleType) -> None:
        """The module's own subclasses do not count."""
        child = type("Child", (stock.Class,), {"__module__": stock.__name__})
        assert set(usersOfModule(stock)) == set()
        assert child.__base__ is stock.Class

    def test_metaclass(self, stock: ModuleType) -> None:
        """Subclasses of a metaclass count."""
        stock.Meta = type("Meta", (type,), {"__module__": stock.__name__})  # type: ignore[attr-defined]
        child = type("Child", (stock.Meta,), {"__module__": "some.module"})
        assert set(usersOfModule(stock)) == {"some.module"}
        assert child.__base__ is stock.Meta

    def test_noModule(self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """An object without C{__dict__} in C{sys.modules} is ignored."""
        monkeypatch.setitem(sys.modules, "odd", object())  # type: ignore[arg-type]
        assert set(usersOfModule(stock)) == set()


class TestUsersOfClasses:
    """
    Tests for L{usersOfClasses}, which returns the names of modules that use some classes of a
    module.
    """

    def test_users(self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Modules with one of the classes, or a subclass, are users.  Users of the module or of its
        other classes are not.
        """
        addModule(monkeypatch, "holds.klass", anything=stock.Class)
        addModule(monkeypatch, "holds.other", anything=stock.Other)
        addModule(monkeypatch, "holds.module", anything=stock)
        child = type("Child", (stock.Class,), {"__module__": "some.child"})
        assert set(usersOfClasses(stock, [stock.Class])) == {"holds.klass", "some.child"}
        assert child.__base__ is stock.Class
