"""
This folder alone tests with real sockets, reactors and processes, and with other implementations.
"""
