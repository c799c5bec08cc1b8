"""
Tests a server whose peers are slow, silent, hostile or disconnecting: no messages are lost, and
nothing leaks.
"""
