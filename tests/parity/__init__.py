"""
This folder alone shows that nothing is missing: it compares all names of Twisted's modules with ours, one by one.

That is names, signatures, values, bases, interfaces, copies and places in a chain of classes; no bytes pass.
"""
