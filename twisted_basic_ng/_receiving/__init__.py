"""
Bytes to callbacks: the receivers of lines, netstrings and strings with a length in front of them.

The map: C{receiver} (what all of them do alike: take bytes in, deliver, part with a peer), C{backlog} (the bytes
that are not delivered yet), C{pins} (attributes that are read after each frame), C{pausing} (the producer's side), then
a file for each kind: C{lines}, C{netstrings}, C{intstrings}, C{stateful}.
"""
