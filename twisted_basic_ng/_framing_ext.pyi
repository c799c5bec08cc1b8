from ._framing import formatBox, parseBox, splitLines, splitNetstrings, splitStrings

__all__ = ["formatBox", "parseBox", "splitLines", "splitNetstrings", "splitStrings"]
