"""
Tests that no name of Twisted's modules is missing from ours.

They compare names, signatures, values, bases, interfaces, copies and cooperation of classes.  No
bytes are parsed.
"""
