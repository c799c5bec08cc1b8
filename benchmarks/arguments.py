"""Measures AMP's lists of arguments, decoded with pyperf; C{--help} tells the options."""

from __future__ import annotations

from _runner import main

if __name__ == "__main__":
    main("arguments")
