"""
Twisted's own test suites, stock and under the swap, compared test by test.

C{python -m tests.upstream} runs them; C{_suites} says which, C{record} runs one in a process of its own,
C{_compare} and C{_judge} judge, C{_report} tells.
"""
