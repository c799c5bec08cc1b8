"""
The Python names of arguments, whose names on the wire may come from another language.
"""

from __future__ import annotations

from sys import intern
from typing import Any, Final

from twisted.python.compat import nativeString

from .._places import public

__all__ = ["IDENTIFIERS", "PYTHON_KEYWORDS", "_wireNameToPythonIdentifier"]

#: How many names are remembered: more than a program has.  Names beyond that are made anew each
#: time.
_MOST_IDENTIFIERS: Final = 4096


class _Identifiers(dict[bytes, str]):
    """Python names by their names on the wire, each made once."""

    def __missing__(self, key: bytes) -> str:
        name = nativeString(key.replace(b"-", b"_"))
        if name in PYTHON_KEYWORDS:
            name = name.title()
        name = intern(name)  # like the names of parameters, so that they are found sooner
        if len(self) < _MOST_IDENTIFIERS:
            self[key] = name
        return name


#: The results of L{_wireNameToPythonIdentifier}, as a table.
IDENTIFIERS: Final = _Identifiers()


class _Keywords(list[str]):
    """A list of words.  Changing it discards the names made so far."""

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)  # without this class: a copy is a plain list


def _clearingIdentifiers(method: Any) -> Any:
    """Wrap a method of C{list}, so that it discards the names made so far."""

    def change(self: _Keywords, *args: Any, **kw: Any) -> Any:
        IDENTIFIERS.clear()
        return method(self, *args, **kw)

    return change


for _name in (
    "append",
    "clear",
    "extend",
    "insert",
    "pop",
    "remove",
    "__delitem__",
    "__iadd__",
    "__imul__",
    "__setitem__",
):
    setattr(_Keywords, _name, _clearingIdentifiers(getattr(list, _name)))

#: Names on the wire that are capitalized in Python.  Adding one renames the arguments with that
#: name.  Python's newer keywords are therefore not in the list.
PYTHON_KEYWORDS: list[str] = _Keywords(
    [
        *("and", "assert", "break", "class", "continue", "def", "del", "elif", "else", "except", "exec", "finally"),
        *("for", "from", "global", "if", "import", "in", "is", "lambda", "not", "or", "pass", "print", "raise"),
        *("return", "try", "while", "yield"),
    ]
)


@public("amp")
def _wireNameToPythonIdentifier(key: bytes) -> str:
    """
    Make the Python name of an argument: dashes become underscores, and a keyword is capitalized.

    @param key: the argument's name on the wire, in ASCII.
    @raise UnicodeError: the name is not ASCII.
    """
    return IDENTIFIERS[key]
