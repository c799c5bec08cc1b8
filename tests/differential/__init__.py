"""
Tests that random scripts cause the same events with Twisted's classes as with ours.

Each deliberate difference has an entry and a test.  After a deliberate difference, the events of a
script may differ.
"""
