"""
Puts our modules in the place of Twisted's: in a process, in its child processes, or in a whole
environment.

The map: C{swap} (answers imports), C{children} and C{startup} (pass the swap on to child
processes), C{run} (the launcher), C{enable}, C{enabled} and C{probe} (a whole environment),
C{status} (what is swapped).  Nothing here knows a protocol.

An enabled environment imports this package at each start, so this file imports nothing.
"""
