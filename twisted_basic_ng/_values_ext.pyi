from ._values import countArguments, readBox, readBoxes, writeBox

__all__ = ["countArguments", "readBox", "readBoxes", "writeBox"]
