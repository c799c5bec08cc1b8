"""
Runs Twisted's own test suites, with and without the swap, and compares them test by test.

Start it with C{python -m tests.upstream}.  C{_suites} lists the suites, C{record} runs one in a
separate process, C{_compare} and C{_judge} judge the results, and C{_report} prints them.
"""
