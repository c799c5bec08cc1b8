"""
The optional extensions, and nothing else: everything static is in setup.cfg.

Without a compiler, or without Cython, the pure build is installed; and on 32-bit machines, whose sizes cannot hold
every length that a peer may announce.  TWISTED_BASIC_NG_PURE=1 asks for that;
TWISTED_BASIC_NG_REQUIRE_EXTENSION=1 makes a failed build an error.
"""

import os
import platform
import sys

from setuptools import Extension, setup


def isSet(name):
    return os.environ.get(name, "") not in ("", "0")


required = isSet("TWISTED_BASIC_NG_REQUIRE_EXTENSION")


def extensions():
    if isSet("TWISTED_BASIC_NG_PURE") or platform.python_implementation() != "CPython" or sys.maxsize < 2**32:
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        if required:
            raise
        return []
    room = "twisted_basic_ng/_accelerate"
    found = cythonize(
        [
            Extension(f"{room}/{name}".replace("/", "."), [f"{room}/{name}.pyx"])
            for name in ("framing_ext", "values_ext")
        ]
    )
    for extension in found:
        # Set here, since cythonize makes an Extension of its own that does not keep it.
        extension.optional = not required
    return found


setup(ext_modules=extensions())
