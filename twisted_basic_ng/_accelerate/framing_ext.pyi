from .framing import formatBox, parseBox, splitBoxes, splitLines, splitNetstrings, splitStrings

__all__ = ["formatBox", "parseBox", "splitBoxes", "splitLines", "splitNetstrings", "splitStrings"]
