"""
What an argument is called in Python whose name on the wire may be that of another language.
"""

from __future__ import annotations

from twisted.python.compat import nativeString

__all__ = ["PYTHON_KEYWORDS", "_wireNameToPythonIdentifier"]

#: Names on the wire that are capitalized in Python.  Adding one renames the arguments that are called so: this is
#: what the word has always meant, and so Python's newer keywords are not here.
PYTHON_KEYWORDS = [
    *("and", "assert", "break", "class", "continue", "def", "del", "elif", "else", "except", "exec", "finally"),
    *("for", "from", "global", "if", "import", "in", "is", "lambda", "not", "or", "pass", "print", "raise"),
    *("return", "try", "while", "yield"),
]


def _wireNameToPythonIdentifier(key: bytes) -> str:
    """
    Name an argument in Python: dashes become underscores, and a keyword is capitalized.

    @param key: the argument's name on the wire, in ASCII.
    @raise UnicodeError: it is not.
    """
    name = nativeString(key.replace(b"-", b"_"))
    return name.title() if name in PYTHON_KEYWORDS else name
