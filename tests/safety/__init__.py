"""
The promises of the documentation's page on safety, one test or more for each.

Each is a check that is run twice, on Twisted's modules and on ours.  Ours have to keep the promise, and Twisted's have
to break it: a check that Twisted's pass as well would show nothing (L{tests.safety.promises}).  How Twisted's break it
is what such a test prints (C{pytest -rP}).
"""
