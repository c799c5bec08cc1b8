"""
Conformance vectors for AMP version 1 on the wire, and the programs that test implementations with
them.
"""
