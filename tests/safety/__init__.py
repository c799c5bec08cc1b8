"""
This folder alone shows that ours keep the promises of the page on safety, and that Twisted's break them.

Each promise has one test or more. Each is a check that runs twice, on Twisted's modules and on ours.
A check that Twisted's pass as well would show nothing, so it fails (L{tests.safety.promises}).
C{pytest -rP} prints how Twisted's break a promise.
"""
