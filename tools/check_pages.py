"""
Sees whether each public class has its page in the API reference, under the name that it is imported by.

usage: python -m tools.check_pages DIRECTORY      (where the documentation was built)
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import twisted_basic_ng
from twisted_basic_ng import amp, basic, ftp

__all__ = ["main"]


def main(directory: Path) -> str | None:
    """Name the classes that have no page."""
    classes = [
        f"{each.__module__}.{name}"
        for module in (twisted_basic_ng, amp, basic, ftp)
        for name, each in inspect.getmembers(module, inspect.isclass)
        if name in module.__all__ and (each.__module__, each.__name__) == (module.__name__, name)
    ]
    missing = [each for each in classes if not (directory / "api" / f"{each}.html").exists()]
    return f"no pages for {', '.join(missing)}" if missing or not classes else None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
