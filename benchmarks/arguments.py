"""Measures with pyperf the decoding of AMP's argument lists.  For the options, see C{--help}."""

from __future__ import annotations

from _runner import main

if __name__ == "__main__":
    main("arguments")
