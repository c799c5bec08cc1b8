"""
What the commands of this package share when they read their options.
"""

from __future__ import annotations

import argparse
from typing import NoReturn

__all__ = ["Parser", "numberOfRounds"]


class Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        """Print C{message}, and exit with status 2."""
        self.exit(2, f"{self.prog}: {message}; see '{self.prog} --help'\n")


def numberOfRounds(text: str) -> int:
    """
    Read a number of rounds.

    @raise ValueError: it is not a positive integer.
    """
    number = int(text)
    if number < 1:
        raise ValueError
    return number


numberOfRounds.__name__ = "number of rounds"  # its name in messages of argparse
