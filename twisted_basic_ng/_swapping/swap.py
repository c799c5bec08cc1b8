"""
Answers imports of Twisted's modules with ours, in this process.

A finder at the front of C{sys.meta_path} knows which of our modules replaces which of Twisted's.
It imports nothing before a program asks for it.

This file knows what to swap, and nothing about its content.  It runs at every start of a child
process and of an enabled environment, so it imports next to nothing that a bare interpreter has not
already imported.
"""

from __future__ import annotations

import os
import sys

from .._defaults import extend
from .._places import Facade, changeOver, place, public
from . import inuse

TYPE_CHECKING = False  # like typing's, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Final
else:
    ModuleSpec = type(__spec__)  # importing importlib would take longer than the rest of a start

__all__ = [
    "PATCHES",
    "SWAPS",
    "WARNED",
    "AlreadyInUseError",
    "TwistedTooOldError",
    "install",
    "installIfPossible",
    "isInstalled",
    "uninstall",
    "warn",
]

#: Which of our modules replaces which of Twisted's.
SWAPS: Final = {
    "twisted.protocols.amp": "twisted_basic_ng.amp",
    "twisted.protocols.basic": "twisted_basic_ng.basic",
}

#: Which names in a module of Twisted's are replaced by which names of a module of ours.  The rest
#: of Twisted's module stays as it is.
PATCHES: Final = {
    "twisted.protocols.ftp": (
        "twisted_basic_ng.ftp",
        {
            "ASCIIConsumerWrapper": "ASCIIConsumerWrapper",
            "DTP": "DTP",
            "DTPFactory": "DTPFactory",
            "DataConnectionClosedError": "DataConnectionClosedError",
            "FileConsumer": "FileConsumer",
            "FTP._encodeName": "encodeName",
        },
    ),
}

#: The oldest Twisted that our modules can replace.
_OLDEST: Final = (22, 10)

#: The environment variable that a process sets after it has warned that it does not swap, so that
#: its children do not warn again.
WARNED: Final = "TWISTED_BASIC_NG_WARNED"


@public("")
class AlreadyInUseError(RuntimeError):
    """
    It is too late to swap: Twisted's own classes are in use.

    @ivar modules: the names of the modules that hold those classes, or have subclassed them.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        self.modules = tuple(sorted(modules))
        super().__init__(
            "too late to install twisted_basic_ng: Twisted's own classes are in use already, by "
            + ", ".join(self.modules)
            + ".  Install it before they are imported, or start the program with 'python -m twisted_basic_ng run'."
        )

    def __reduce__(self) -> tuple[type[AlreadyInUseError], tuple[tuple[str, ...]]]:
        return type(self), (self.modules,)


@public("")
class TwistedTooOldError(ImportError):
    """Twisted lacks features that our modules depend on."""


def _import(name: str) -> ModuleType:
    """Import the module C{name}, as C{importlib.import_module} does."""
    __import__(name)
    return sys.modules[name]


class _Loader:
    """Loads our module under Twisted's name; the module keeps its own name and spec."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        try:
            module = _import(SWAPS[spec.name])
        except Exception as error:
            _giveWay(error)
            return _becomeStock(spec)
        self._ours = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._ours


def _becomeStock(spec: ModuleSpec) -> ModuleType | None:
    """Turn C{spec} into the spec of Twisted's own module, and create that module."""
    from importlib.util import find_spec

    sys.modules.pop(spec.name, None)  # ours, if it is there already
    stock: Any = find_spec(spec.name)
    vars(spec).update(vars(stock))
    module: ModuleType | None = stock.loader.create_module(stock)
    return module


class _PatchingLoader:
    """Loads Twisted's own module, then puts our names into it."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        if isInstalled():  # the module may have imported another swapped one, which gave way
            try:
                _patch(module)
            except Exception as error:
                _giveWay(error)


class _Finder:
    """
    Finds our modules when a program imports Twisted's.

    @ivar isOptional: whether to find Twisted's own modules if ours cannot be used.  True in a
        process that inherits the swap, and has not asked for it itself.
    """

    isOptional = False

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in SWAPS and name not in PATCHES:
            return None
        try:
            _checkTwisted()
        except TwistedTooOldError as error:
            _giveWay(error)
            return self._findStock(name, path, target)
        if name in SWAPS:
            return ModuleSpec(name, _Loader())  # type: ignore[arg-type]
        spec = self._findStock(name, path, target)
        if spec is not None:
            spec.loader = _PatchingLoader(spec.loader)  # type: ignore[assignment]
        return spec

    def _findStock(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        """Find Twisted's own module, as the other finders do."""
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                return spec
        return None


def _checkTwisted() -> None:
    """
    Check Twisted's version, if Twisted is imported; it is before any module of it is looked for.

    @raise TwistedTooOldError: our modules cannot replace those of this version.
    """
    version: str = getattr(sys.modules.get("twisted"), "__version__", "")
    try:
        year, month = map(int, version.split(".")[:2])
    except ValueError:  # not the version of a release: assume that it is new enough
        return
    if (year, month) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise TwistedTooOldError(f"Twisted {version} is too old: twisted_basic_ng needs {oldest} or later")


def _giveWay(error: Exception) -> None:
    """Stop swapping and warn; if the swap is not optional, raise C{error}."""
    if not _finder.isOptional:
        raise error
    sys.meta_path.remove(_finder)
    changeOver(False)
    warn(error)


def warn(reason: object) -> None:
    """
    Warn on standard error that this process does not swap, unless a parent process has warned
    already.
    """
    if WARNED not in os.environ:
        os.environ[WARNED] = "1"
        line, _, _ = str(reason).partition("\n")
        try:
            sys.stderr.write(f"twisted_basic_ng: not swapped: {line}\n")
        except (AttributeError, OSError, ValueError):
            pass  # standard error is missing or closed


_finder: Final = _Finder()

#: Twisted's own modules that were already imported when L{install} replaced them.
_stock: Final[dict[str, ModuleType]] = {}

#: Marks a name that Twisted's module does not have.
_NOTHING: Final = object()

#: The original values of the names that were replaced, by the name of the module.
_replaced: Final[dict[str, dict[str, Any]]] = {}


def isInstalled() -> bool:
    """Whether imports are answered with our modules."""
    return _finder in sys.meta_path


def install(extended: bool = False) -> None:
    """
    Answer imports with our modules from now on.

    @param extended: whether to switch on the features of AMP that Twisted's has not.
    @raise AlreadyInUseError: it is too late; nothing is changed.
    @raise TwistedTooOldError: modules of a Twisted that is too old are already imported; nothing is
        changed.
    """
    if not isInstalled():
        _install()
    if extended:
        extend(True)


def _install() -> None:
    imported = {name: sys.modules[name] for name in SWAPS if name in sys.modules}
    patched = [sys.modules[name] for name in PATCHES if name in sys.modules]
    users = set().union(
        *map(inuse.usersOfModule, imported.values()),
        *(inuse.usersOfClasses(module, _replacedClasses(module)) for module in patched),
    )
    users -= imported.keys()  # the swapped modules may use each other
    if users:
        raise AlreadyInUseError(users)
    _checkTwisted()
    ours = {name: _import(ours) for name, ours in SWAPS.items() if name in imported or ours in sys.modules}
    for module in patched:
        _import(PATCHES[module.__name__][0])
    sys.meta_path.insert(0, _finder)
    _stock.update(imported)
    changeOver(True)
    for name, module in ours.items():
        place(name, module)
    for module in patched:
        _patch(module)


def installIfPossible() -> None:
    """
    Do what L{install} does, in a process that inherits the swap and has not asked for it itself.

    If this fails, now or at a later import, the process warns on standard error and continues with
    Twisted's own modules.
    """
    _finder.isOptional = True
    try:
        install()
    except AlreadyInUseError as error:
        some = [*error.modules[:3], "others"] if len(error.modules) > 3 else error.modules
        warn(f"Twisted's own classes are in use already, by {', '.join(some)}")
    except Exception as error:
        warn(error)


def uninstall() -> None:
    """Answer imports with Twisted's own modules again."""
    if not isInstalled():
        return
    sys.meta_path.remove(_finder)
    changeOver(False)
    extend(None)
    swapped = [name for name in SWAPS if name in sys.modules]
    for name in swapped:
        del sys.modules[name]
    for name in swapped:
        if name in _stock:
            place(name, _stock.pop(name))
    for name in swapped:  # again, because they import each other
        place(name, _import(name))
    for name, replaced in _replaced.items():
        if name in sys.modules:
            _unpatch(sys.modules[name], replaced)
    _replaced.clear()


def _replacedClasses(module: ModuleType) -> list[type]:
    """The classes in C{module} that C{_patch} replaces."""
    return [thing for name in PATCHES[module.__name__][1] if isinstance(thing := _get(module, name), type)]


def _patch(module: ModuleType) -> None:
    """Replace names in C{module} with ours."""
    ours, names = PATCHES[module.__name__]
    source = _import(ours)
    things = {target: getattr(source, name) for target, name in names.items()}
    _replaced[module.__name__] = {target: _get(module, target) for target in names}
    for target, thing in things.items():
        _put(module, target, thing)
    module.__class__ = Facade


def _unpatch(module: ModuleType, replaced: dict[str, Any]) -> None:
    """Restore the names that were replaced in C{module}."""
    for target, thing in replaced.items():
        _put(module, target, thing)
    module.__class__ = type(sys)


def _get(module: Any, target: str) -> Any:
    """
    Return the value of C{target}, C{"name"} or C{"Class.attribute"}, in C{module}; C{_NOTHING} if
    it has none.
    """
    owner, _, name = target.rpartition(".")
    return getattr(getattr(module, owner) if owner else module, name, _NOTHING)


def _put(module: Any, target: str, thing: Any) -> None:
    """Set C{target} in C{module} to C{thing}; delete it if C{thing} is C{_NOTHING}."""
    owner, _, name = target.rpartition(".")
    holder = _get(module, owner) if owner else module
    if thing is _NOTHING:
        delattr(holder, name)
    else:
        setattr(holder, name, thing)
