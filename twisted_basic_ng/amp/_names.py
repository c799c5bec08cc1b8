"""
What an argument is called in Python whose name on the wire may be that of another language.
"""

from __future__ import annotations

from sys import intern
from typing import Any, Final

from twisted.python.compat import nativeString

from .._places import public

__all__ = ["IDENTIFIERS", "PYTHON_KEYWORDS", "_wireNameToPythonIdentifier"]

#: How many names are remembered: more than a program has; who makes them up without end pays for each.
_MOST_IDENTIFIERS: Final = 4096


class _Identifiers(dict[bytes, str]):
    """Names on the wire and in Python: each is made once."""

    def __missing__(self, key: bytes) -> str:
        name = nativeString(key.replace(b"-", b"_"))
        if name in PYTHON_KEYWORDS:
            name = name.title()
        name = intern(name)  # as the names of parameters are: they are found sooner
        if len(self) < _MOST_IDENTIFIERS:
            self[key] = name
        return name


#: L{_wireNameToPythonIdentifier} as a table.
IDENTIFIERS: Final = _Identifiers()


class _Keywords(list[str]):
    """A list of words; whoever changes it has names made anew."""

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)  # which says nothing of this class: a copy is a list as any other


def _clearingIdentifiers(method: Any) -> Any:
    """Make a method of lists one that forgets the names that were made before."""

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

#: Names on the wire that are capitalized in Python.  Adding one renames the arguments that are called so: this is
#: what the word has always meant, and so Python's newer keywords are not here.
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
    Name an argument in Python: dashes become underscores, and a keyword is capitalized.

    @param key: the argument's name on the wire, in ASCII.
    @raise UnicodeError: it is not.
    """
    return IDENTIFIERS[key]
