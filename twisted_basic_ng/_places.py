"""
Where a public name says that it is.

A class is defined in a private file and is public elsewhere: as L{twisted_basic_ng.amp.AMP}, for example, and as
C{twisted.protocols.amp.AMP} under the swap.  Its name leaves the process: in pickles, in the errors that Perspective
Broker sends, in what is logged.  Others compare it with names of theirs.  So C{__module__} names the public place of
the moment, and both L{public} and L{changeOver} set it.

C{inspect} looks for the source of a class in the file of the module that C{__module__} names.  L{Facade} leads it to
the file that the class is defined in.

This file knows no public name.  Every process that swaps imports it at its start, so it imports nothing but C{sys}.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType
    from typing import Any, Final, TypeVar

    _Thing = TypeVar("_Thing")
else:
    ModuleType = type(sys)

__all__ = ["Facade", "changeOver", "homeOf", "openFacade", "place", "public"]

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


#: What is public elsewhere; and by the identities of the things, for interfaces must not be hashed before they say
#: that they are Twisted's.
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
        if isinstance(thing, type):
            _evaluateAnnotations(thing)
        publication.move()
        return thing

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


def _evaluateAnnotations(kind: type) -> None:
    """
    Evaluate the annotations in a class body, where the names are that they use.

    C{typing.get_type_hints} would look for them in the module that C{__module__} names.  An annotation that cannot be
    evaluated yet is left to it.
    """
    annotations: dict[str, Any] = vars(kind).get("__annotations__", {})
    for name, annotation in annotations.items():
        annotations[name] = _evaluate(annotation, vars(sys.modules[kind.__module__]))


def _evaluate(annotation: str, names: dict[str, Any]) -> Any:
    try:
        return eval(annotation, names)
    except NameError:
        return annotation


class Facade(ModuleType):
    """
    A module whose classes are defined in other files.

    C{inspect.getfile} knows no other file of a class than the C{__file__} of its module, so that is what has to
    differ: C{inspect.getfile}, and nobody else, is answered with the file of the class that it is asked about.  This
    is the one way that changes nothing outside of the package.  It costs 20 ns for each attribute that is read of such
    a module, for the interpreter's shortcut is for plain modules.
    """

    @property
    def __file__(self) -> str | None:
        asks = sys._getframe(1)
        if asks.f_code.co_name == "getfile" and asks.f_globals.get("__name__") == "inspect":
            publication = _published.get(id(asks.f_locals.get("object")))
            if publication is not None and publication.home in sys.modules:
                return sys.modules[publication.home].__file__
        try:
            file: str | None = vars(self)["__file__"]
        except KeyError:
            raise AttributeError("__file__") from None
        return file

    @__file__.setter
    def __file__(self, file: str | None) -> None:
        vars(self)["__file__"] = file  # by importlib, when the module is loaded again

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


sys.modules[_OURS].__class__ = Facade
