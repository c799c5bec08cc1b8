"""
Where a public name says that it is.

A class is defined in a private file and is public elsewhere: as L{twisted_basic_ng.amp.AMP}, for example, and as
C{twisted.protocols.amp.AMP} under the swap.  Its name leaves the process: in pickles, in the errors that Perspective
Broker sends, in what is logged.  Others compare it with names of theirs.  So C{__module__} names the public place of
the moment, and both L{public} and L{changeOver} set it.

Python looks for the source and for the annotations of a class in the module that C{__module__} names.  L{Facade} leads
it to the one that defines the class.

This file knows no public name.  Every process that swaps imports it at its start, so it imports nothing but C{sys}.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as in typing, which is slow to import
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
    A thing that is public elsewhere than where it is defined.

    @ivar where: the last part of the name of the module where it is public; empty for the package itself.
    @ivar home: the name of the module that defines it.
    @ivar names: what it is called there, in ours and in Twisted's module.
    """

    __slots__ = ("home", "names", "thing", "where")

    def __init__(self, thing: Any, where: str, names: tuple[str, str]) -> None:
        self.thing = thing
        self.where = where
        self.home: str = thing.__module__
        self.names = names

    def move(self) -> None:
        """Have the thing say where it is public now."""
        module = _moduleOf(self.where)
        if isinstance(self.thing, type):
            _moveClass(self.thing, module)
        elif hasattr(self.thing, "__identifier__"):
            _moveInterface(self.thing, module)
        else:
            self.thing.__module__ = module
        if type(self.thing) is _Function:
            self.thing.__qualname__ = self.names[_isSwapped]


#: What is public elsewhere, by the identity of the thing: what an interface equals depends on where it is.
_published: Final[dict[int, _Publication]] = {}

_isSwapped = False


def _moduleOf(where: str) -> str:
    """Name the module where something is public now."""
    return f"{_TWISTED if _isSwapped else _OURS}.{where}" if where else _OURS


def public(where: str, name: str = "", inTwisted: str = "") -> Callable[[_Thing], _Thing]:
    """
    Say, as a decorator, where a class, an interface or a function is public.

    @param where: in which module: C{"amp"}, C{"basic"}, C{"ftp"}; empty for the package itself.
    @param name: a function's name there; that of its definition if it is not given.
    @param inTwisted: the same in Twisted's module.
    """

    def publish(thing: _Thing) -> _Thing:
        own = name or getattr(thing, "__qualname__", "")
        _published[id(thing)] = publication = _Publication(thing, where, (own, inTwisted or own))
        publication.move()
        return thing

    return publish


def publicMethods(where: str, name: str) -> Callable[[_Thing], _Thing]:
    """
    Say, as a decorator of a private base, that its methods are those of the public class C{name}.

    Their names leave the process, too: pickles of them are to be loaded with the class of Twisted's.
    """

    def publish(kind: Any) -> Any:
        for function in [*_functions(kind)]:
            if function.__module__ == kind.__module__:
                public(where, f"{name}.{function.__name__}")(function)
        return kind

    return publish


def homeOf(thing: Any) -> str:
    """Name the module that defines C{thing}, which may be somebody else's."""
    publication = _published.get(id(thing))
    module: str = thing.__module__ if publication is None else publication.home
    return module


def changeOver(isSwapped: bool) -> None:
    """Have everything say that it is in Twisted's modules, or in ours again."""
    global _isSwapped
    _isSwapped = isSwapped
    for publication in _published.values():
        publication.move()


def _moveClass(kind: Any, module: str) -> None:
    before = kind.__module__
    line = vars(kind).get("__firstlineno__")
    kind.__module__ = module
    if line is not None:
        kind.__firstlineno__ = line  # Python 3.13 forgets it when __module__ is set
    for function in _functions(kind):
        if function.__module__ == before:  # not one that the class has of another file
            function.__module__ = module
    declared = vars(kind).get("__implemented__")
    if declared is not None:
        declared.__name__ = f"{module}.{kind.__name__}"


def _functions(kind: type) -> Iterator[Any]:
    """Find the functions in a class body."""
    for each in vars(kind).values():
        parts = (each.fget, each.fset) if isinstance(each, property) else (getattr(each, "__func__", each),)
        yield from (part for part in parts if type(part) is _Function)


def _moveInterface(interface: Any, module: str) -> None:
    """
    Move an interface of C{zope.interface}.

    Its hash and its equality are those of its names, and the hash is kept once it is made.  It is made for Twisted's
    module, which an interface's body has to say.  So an interface is found in a dictionary at any time, and equals
    Twisted's own under the swap, with the same hash.
    """
    interface.__ibmodule__ = module
    interface.__identifier__ = f"{module}.{interface.__name__}"
    vars(interface).pop("_v_repr", None)  # which is kept, too


#: Who looks into the module that C{__module__} names for what is in the file that defines a class: C{inspect.getfile},
#: C{typing.get_type_hints}, C{inspect.get_annotations}; and the variable that each of them has the class in.
_SEEKERS: Final = {"getfile": "object", "get_type_hints": "base", "get_annotations": "obj"}
_SEEKING: Final = ("inspect", "typing", "annotationlib")

#: The names in a module, whatever its class says of them.
_namesIn: Final[Any] = vars(ModuleType)["__dict__"].__get__


def _soughtIn(asks: FrameType) -> ModuleType | None:
    """Find the module that defines the class whose source or annotations the code in C{asks} looks for, if it does."""
    variable = _SEEKERS.get(asks.f_code.co_name)
    if variable is None or asks.f_globals.get("__name__") not in _SEEKING:
        return None
    publication = _published.get(id(asks.f_locals.get(variable)))
    return None if publication is None else sys.modules.get(publication.home)


class Facade(ModuleType):
    """
    A module whose classes are defined in other files.

    Python looks for the source of a class in the C{__file__} of its module, and for the names in its annotations in the
    C{__dict__}; it has no way to be told of another file.  So whoever looks for these, and nobody else, is answered
    with those of the module that defines the class.  This changes nothing outside of the package, and costs nothing
    until somebody looks, but for 20 ns for each attribute that is read of such a module: the interpreter's shortcut is
    for plain modules.
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
        _namesIn(self)["__file__"] = file  # by importlib, when the module is loaded again

    def __reduce__(self) -> tuple[Any, ...]:
        package, _, where = self.__name__.rpartition(".")
        return __import__("importlib").import_module, (_moduleOf(where) if package == _OURS else self.__name__,)


def openFacade(name: str, isWhole: bool = True) -> None:
    """
    Make a module of the package a L{Facade}, and have it found where its classes say they are.

    @param isWhole: whether it stands for the whole of Twisted's module, and not for a part of it.
    """
    module = sys.modules[name]
    module.__class__ = Facade
    if _isSwapped and isWhole:
        place(_moduleOf(name.rpartition(".")[2]), module)


def place(name: str, module: ModuleType) -> None:
    """Make C{module} what C{name} means, as a module and as an attribute of its package."""
    package, _, attribute = name.rpartition(".")
    __import__(package)
    sys.modules[name] = module
    setattr(sys.modules[package], attribute, module)


sys.modules[_OURS].__class__ = Facade  # the package itself, some of whose names are defined in files like this one
