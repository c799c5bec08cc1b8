"""
C{twisted-basic-ng demo}: the same work on Twisted's modules and on ours, over real sockets, side by side.

The map: C{_jobs} (what is done), C{_child} (one end of it, in a process of its own), C{_pair} (starts the two
ends and collects what they say), C{_result} (compares), C{_table} (draws), C{_command} (the command line).
"""
