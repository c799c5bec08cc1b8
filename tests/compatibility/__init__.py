"""
Tests that application code, including its use of private names, works with our modules as with
Twisted's.

Each test is written once, and runs with Twisted's module and with ours.
"""
