from .values import areGiven, areKnown, readBox, readBoxes, writeBox

__all__ = ["areGiven", "areKnown", "readBox", "readBoxes", "writeBox"]
