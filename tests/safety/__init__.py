"""
This folder alone shows that our modules keep the promises of the page on safety, and that Twisted's
break them.

Each promise has at least one test.  Each test is a check that runs twice, on Twisted's modules and
on ours.  A check that Twisted's modules pass, too, shows nothing, so it fails
(L{tests.safety.promises}).  C{pytest -rP} prints how Twisted's modules break a promise.
"""
