"""
This folder alone shows that code as applications have it, with private names and all, does the same with ours.

Each test is written once and runs with Twisted's module and with ours.
"""
