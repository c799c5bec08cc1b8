"""
The optional extensions, and nothing else: everything static is in setup.cfg.

Without a compiler, or without Cython, the pure build is installed; and on 32-bit machines, whose sizes cannot hold
every length that a peer may announce.  TWISTED_BASIC_NG_PURE=1 asks for that;
TWISTED_BASIC_NG_REQUIRE_EXTENSION=1 makes a failed build an error.
"""

import os
import platform
import shutil
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


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
        ],
        # Each Python has C of its own: tox installs for several at once.
        build_dir=f"build/{sys.implementation.cache_tag}",
    )
    for extension in found:
        # Set here, since cythonize makes an Extension of its own that does not keep it.
        extension.optional = not required
    return found


class BuildExtensions(build_ext):
    """Compiles, but for an editable installation takes what an earlier one has compiled, if the source is older."""

    def build_extension(self, ext):
        compiled = Path(self.get_ext_filename(ext.name))
        sources = [Path(*ext.name.split(".")).with_suffix(".pyx"), Path(__file__)]
        if not self.editable_mode or not compiled.exists() or any(isNewer(each, compiled) for each in sources):
            super().build_extension(ext)
            return
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(compiled, target)


def isNewer(one, other):
    return one.stat().st_mtime > other.stat().st_mtime


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildExtensions})
