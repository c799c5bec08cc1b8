"""
This folder alone shows that random scripts give the same events with Twisted's classes and with ours.

Each deliberate difference is an entry with a test of its own; from there on a script may differ.
"""
