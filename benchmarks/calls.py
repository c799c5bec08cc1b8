"""Measures AMP's calls, in memory and over loopback with pyperf; C{--help} tells the options."""

from __future__ import annotations

from _runner import main

if __name__ == "__main__":
    main("calls")
