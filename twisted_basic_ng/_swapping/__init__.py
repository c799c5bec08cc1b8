"""
Puts our modules in the place of Twisted's: in a process, in the processes that it starts, in a whole environment.

The map: C{swap} (answers imports), C{children} and C{startup} (carry that to child processes), C{run} (the launcher),
C{enable}, C{enabled} and C{probe} (a whole environment), C{status} (what is swapped).  Nothing here knows a protocol.

An enabled environment imports this package at each start, so this file imports nothing.
"""
