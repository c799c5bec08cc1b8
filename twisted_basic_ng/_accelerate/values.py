"""
Pure functions over the values of a box: reading and writing them by the types of the arguments.

A type of argument has hooks that call each other: C{fromBox} calls C{retrieve} and
C{fromStringProto}, which calls C{fromString}; C{toBox} works likewise.  If an argument overrides
only the last hook, in its class or on itself, these functions call that hook alone.

If a hook raises, the exception gets a note that names the argument
(L{twisted_basic_ng._accelerate.steps}).  This costs nothing otherwise.

This file knows no command, no protocol and no class of arguments.  The optional extension compiles
the same functions; L{twisted_basic_ng._accelerate} chooses between the two builds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple

from .steps import noteStep

__all__ = ["Hooks", "areGiven", "areKnown", "readBox", "readBoxes", "writeBox"]

_readingOf: Final = attrgetter("fromBox.__func__", "retrieve.__func__", "fromStringProto.__func__")
_writingOf: Final = attrgetter("toBox.__func__", "retrieve.__func__", "toStringProto.__func__")


class Hooks(NamedTuple):
    """
    The hooks whose work these functions do, unless an argument overrides them.

    @ivar reading: C{fromBox}, C{retrieve} and C{fromStringProto} of the base class of all
        arguments.
    @ivar writing: C{toBox}, C{retrieve} and C{toStringProto} of that class.
    @ivar boxes: the types of boxes that behave as plain dictionaries.
    @ivar readers: the functions that read a string without running code of the application.
    @ivar plain: the argument type of byte strings, and its C{fromString} and C{toString}; then
        these two functions of the types of integers and of text, which call the former.
    """

    reading: tuple[Any, ...]
    writing: tuple[Any, ...]
    boxes: tuple[type, ...]
    readers: frozenset[Any]
    plain: tuple[Any, ...]


def areGiven(arglist: Iterable[tuple[bytes, Any]], objects: dict[str, Any], identifiers: Mapping[bytes, str]) -> bool:
    """Whether C{objects} has a value for each argument, optional ones included."""
    for name, _ in arglist:  # noqa: SIM110 - a generator takes twice as long
        if identifiers[name] not in objects:
            return False
    return True


def areKnown(arglist: Iterable[tuple[bytes, Any]], objects: Any, identifiers: Mapping[bytes, str]) -> bool:
    """Whether each name in C{objects} is the name of an argument."""
    known: set[Any] = set()
    for name, _ in arglist:
        known.add(identifiers[name])  # faster than a comprehension, for so few
    return known.issuperset(objects)


def readBox(
    strings: dict[bytes, bytes],
    arglist: Iterable[tuple[bytes, Any]],
    objects: dict[str, Any],
    proto: Any,
    identifiers: Mapping[bytes, str],
    hooks: Hooks,
) -> None:
    """
    Read the values of a box.

    @param strings: the box; it is not changed.
    @param arglist: the names and the types of the arguments.
    @param objects: receives the values, as far as they can be read.
    @param proto: the protocol to pass to C{fromBox} and the other hooks.
    @param identifiers: the names of the arguments in Python.
    @param hooks: the hooks to look for.
    @raise KeyError: a required argument is missing.
    """
    reading = hooks.reading
    remaining: Any = None if type(strings) in hooks.boxes else strings.copy()
    names: list[bytes] = []
    name: Any = None
    try:
        for name, argument in arglist:
            identifier = identifiers[name]
            if remaining is None:
                try:
                    isPlain = _readingOf(argument) == reading and identifier not in objects
                except AttributeError:  # the argument has a plain function as a hook
                    isPlain = False
                if isPlain:
                    if argument.optional and strings.get(name) is None:
                        objects[identifier] = None
                    else:
                        objects[identifier] = argument.fromString(strings[name])
                        names.append(name)
                    continue
                remaining = strings.copy()
                for each in names:
                    remaining.pop(each, None)
            argument.fromBox(name, remaining, objects, proto)
    except Exception as error:
        noteStep(error, name)
        raise


def readBoxes(
    boxes: Iterable[dict[bytes, bytes]],
    arglist: Iterable[tuple[bytes, Any]],
    rows: list[dict[str, Any]],
    proto: Any,
    identifiers: Mapping[bytes, str],
    hooks: Hooks,
) -> None:
    """
    Read many boxes, as L{readBox} does, each into a new dictionary that is appended to C{rows}.
    """
    plan = _plan(arglist, identifiers, hooks)
    for box in boxes:
        row: dict[str, Any] = {}
        rows.append(row)
        if plan is None or type(box) not in hooks.boxes:
            readBox(box, arglist, row, proto, identifiers, hooks)
            continue
        name: Any = None
        try:
            for name, identifier, optional, read in plan:
                if optional and box.get(name) is None:
                    row[identifier] = None
                else:
                    row[identifier] = read(box[name])
        except Exception as error:
            noteStep(error, name)
            raise


def _plan(
    arglist: Iterable[tuple[bytes, Any]], identifiers: Mapping[bytes, str], hooks: Hooks
) -> list[tuple[bytes, str, bool, Callable[[bytes], Any]]] | None:
    """Determine once how to read each argument; C{None} if that may change while boxes are read."""
    plan: list[tuple[bytes, str, bool, Callable[[bytes], Any]]] = []
    for name, argument in arglist:
        try:
            if _readingOf(argument) != hooks.reading:
                return None
        except AttributeError:
            return None
        read = argument.fromString
        if getattr(read, "__func__", read) not in hooks.readers:
            return None
        plan.append((name, identifiers[name], argument.optional, read))
    return plan if len({identifier for _, identifier, _, _ in plan}) == len(plan) else None


def writeBox(
    objects: Any,
    arglist: Iterable[tuple[bytes, Any]],
    strings: dict[bytes, bytes],
    proto: Any,
    identifiers: Mapping[bytes, str],
    hooks: Hooks,
) -> None:
    """
    Write the values of a box.

    @param objects: the values; they are not changed.
    @param arglist: the names and the types of the arguments.
    @param strings: receives the box.
    @param proto: the protocol to pass to C{toBox} and the other hooks.
    @param identifiers: the names of the arguments in Python.
    @param hooks: the hooks to look for.
    @raise KeyError: a required value is missing.
    """
    writing = hooks.writing
    remaining = objects.copy()
    name: Any = None
    try:
        for name, argument in arglist:
            try:
                isPlain = _writingOf(argument) == writing
            except AttributeError:  # the argument has a plain function as a hook
                isPlain = False
            if not isPlain:
                argument.toBox(name, strings, remaining, proto)
                continue
            identifier = identifiers[name]
            if argument.optional:
                value = remaining.get(identifier)
                if value is None:
                    continue
                del remaining[identifier]
            else:
                value = remaining.pop(identifier)
            strings[name] = argument.toString(value)
    except Exception as error:
        noteStep(error, name)
        raise
