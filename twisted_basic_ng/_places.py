"""
Sets the module name that a public class, interface or function reports.

A class is defined in a private file and is public elsewhere: as L{twisted_basic_ng.amp.AMP}, for
example, and as C{twisted.protocols.amp.AMP} under the swap.  Its name leaves the process: in
pickles, in the errors that Perspective Broker sends, in logs.  Other programs compare it with names
that they know.  So C{__module__} names the current public module.  L{public} and L{changeOver} set
it.

Python looks for the source and for the annotations of a class in the module that C{__module__}
names.  L{Facade} redirects it to the module that defines the class.

This file knows no public name.  Every process that swaps imports it at its start, so it imports
nothing but C{sys}.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # like typing's, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, ModuleType
    from typing import Any, Final, TypeVar

    _Thing = TypeVar("_Thing")
else:
    ModuleType = type(sys)

__all__ = ["Facade", "changeOver", "homeOf", "openFacade", "place", "public", "publicMethods"]

_OURS: Final = __name__.rpartition(".")[0]
_TWISTED: Final = "twisted.protocols"

_Function: Final = type(lambda: None)


class _Publication:
    """
    An object that is public in another module than the one that defines it.

    @ivar where: the last part of the public module's name; empty for the package itself.
    @ivar home: the name of the module that defines it.
    @ivar names: its public name in our module, and its name in Twisted's.
    """

    __slots__ = ("home", "names", "thing", "where")

    def __init__(self, thing: Any, where: str, names: tuple[str, str]) -> None:
        self.thing = thing
        self.where = where
        self.home: str = thing.__module__
        self.names = names

    def move(self) -> None:
        """Set the name of the current public module on the object."""
        module = _moduleOf(self.where)
        if isinstance(self.thing, type):
            _moveClass(self.thing, module)
        elif hasattr(self.thing, "__identifier__"):
            _moveInterface(self.thing, module)
        else:
            self.thing.__module__ = module
        if type(self.thing) is _Function:
            self.thing.__qualname__ = self.names[_isSwapped]


#: The published objects by their identity.  An interface's equality depends on its module, so it
#: cannot be the key itself.
_published: Final[dict[int, _Publication]] = {}

_isSwapped = False


def _moduleOf(where: str) -> str:
    """The name of the current public module."""
    return f"{_TWISTED if _isSwapped else _OURS}.{where}" if where else _OURS


def public(where: str, name: str = "", inTwisted: str = "") -> Callable[[_Thing], _Thing]:
    """
    A decorator that declares where a class, an interface or a function is public.

    @param where: the module: C{"amp"}, C{"basic"} or C{"ftp"}; empty for the package itself.
    @param name: a function's public name; the default is the name in its definition.
    @param inTwisted: its name in Twisted's module; the default is the public name in ours.
    """

    def publish(thing: _Thing) -> _Thing:
        own = name or getattr(thing, "__qualname__", "")
        _published[id(thing)] = publication = _Publication(thing, where, (own, inTwisted or own))
        publication.move()
        return thing

    return publish


def publicMethods(where: str, name: str) -> Callable[[_Thing], _Thing]:
    """
    A decorator for a private base class: its methods report the public class C{name} as theirs.

    Their names leave the process, too: Twisted's class must be able to load pickles of them.
    """

    def publish(kind: Any) -> Any:
        for function in [*_functions(kind)]:
            if function.__module__ == kind.__module__:
                public(where, f"{name}.{function.__name__}")(function)
        return kind

    return publish


def homeOf(thing: Any) -> str:
    """The name of the module that defines C{thing}, which need not be one of ours."""
    publication = _published.get(id(thing))
    module: str = thing.__module__ if publication is None else publication.home
    return module


def changeOver(isSwapped: bool) -> None:
    """Make all published objects report Twisted's modules, or ours again."""
    global _isSwapped
    _isSwapped = isSwapped
    for publication in _published.values():
        publication.move()


def _moveClass(kind: Any, module: str) -> None:
    oldModule = kind.__module__
    line = vars(kind).get("__firstlineno__")
    kind.__module__ = module
    if line is not None:
        kind.__firstlineno__ = line  # Python 3.13 removes it when __module__ is set
    for function in _functions(kind):
        if function.__module__ == oldModule:  # not a function from another file
            function.__module__ = module
    declared = vars(kind).get("__implemented__")
    if declared is not None:
        declared.__name__ = f"{module}.{kind.__name__}"


def _functions(kind: type) -> Iterator[Any]:
    """Yield the functions of a class body, including those of its properties and class methods."""
    for each in vars(kind).values():
        parts = (each.fget, each.fset) if isinstance(each, property) else (getattr(each, "__func__", each),)
        yield from (part for part in parts if type(part) is _Function)


def _moveInterface(interface: Any, module: str) -> None:
    """
    Move an interface of C{zope.interface}.

    Its hash and its equality depend on its names, and the hash is cached when it is first computed.
    It is computed for Twisted's module, which the interface's body must name.  So a dictionary
    finds an interface at any time, and under the swap it equals Twisted's own, with the same hash.
    """
    interface.__ibmodule__ = module
    interface.__identifier__ = f"{module}.{interface.__name__}"
    vars(interface).pop("_v_repr", None)  # also cached


#: The functions that look in the module that C{__module__} names for something in the file that
#: defines a class: C{inspect.getfile}, C{typing.get_type_hints} and C{inspect.get_annotations}.
#: The value is the local variable that holds the class.
_SEEKERS: Final = {"getfile": "object", "get_type_hints": "base", "get_annotations": "obj"}
_SEEKING: Final = ("inspect", "typing", "annotationlib")

#: Returns the names in a module, whatever its class's C{__dict__} returns.
_namesIn: Final[Any] = vars(ModuleType)["__dict__"].__get__


def _soughtIn(asks: FrameType) -> ModuleType | None:
    """
    If the code in C{asks} looks for the source or the annotations of a published class, return the
    module that defines it.
    """
    variable = _SEEKERS.get(asks.f_code.co_name)
    if variable is None or asks.f_globals.get("__name__") not in _SEEKING:
        return None
    publication = _published.get(id(asks.f_locals.get(variable)))
    return None if publication is None else sys.modules.get(publication.home)


class Facade(ModuleType):
    """
    A module that re-exports classes from other files.

    Python looks for the source of a class in the C{__file__} of its module, and for the names in
    its annotations in the C{__dict__}.  There is no way to direct it to another file.  So the
    functions that look for these, and only they, receive those of the module that defines the
    class.  This changes nothing outside of the package.  It costs 20 ns for each attribute that is
    read from such a module, because the interpreter's fast path is for plain modules.
    """

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        names: dict[str, Any] = _namesIn(_soughtIn(sys._getframe(1)) or self)
        return names

    @property
    def __file__(self) -> str | None:
        try:
            file: str | None = _namesIn(_soughtIn(sys._getframe(1)) or self)["__file__"]
        except KeyError:
            raise AttributeError("__file__") from None
        return file

    @__file__.setter
    def __file__(self, file: str | None) -> None:
        _namesIn(self)["__file__"] = file  # importlib sets it when it reloads the module

    def __reduce__(self) -> tuple[Any, ...]:
        package, _, where = self.__name__.rpartition(".")
        return __import__("importlib").import_module, (_moduleOf(where) if package == _OURS else self.__name__,)


def openFacade(name: str, isWhole: bool = True) -> None:
    """
    Make a module of the package a L{Facade}, and register it under the name that its classes
    report.

    @param isWhole: whether it replaces the whole of Twisted's module, rather than a part of it.
    """
    module = sys.modules[name]
    module.__class__ = Facade
    if _isSwapped and isWhole:
        place(_moduleOf(name.rpartition(".")[2]), module)


def place(name: str, module: ModuleType) -> None:
    """Register C{module} as C{name} in C{sys.modules} and as an attribute of its package."""
    package, _, attribute = name.rpartition(".")
    __import__(package)
    sys.modules[name] = module
    setattr(sys.modules[package], attribute, module)


sys.modules[_OURS].__class__ = Facade  # the package itself re-exports names, too
