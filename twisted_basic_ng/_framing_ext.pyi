from ._framing import splitLines, splitNetstrings, splitStrings

__all__ = ["splitLines", "splitNetstrings", "splitStrings"]
