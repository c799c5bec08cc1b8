"""
Bytes to callbacks: the receivers of lines, of netstrings and of strings with a length prefix.

The files: C{receiver} (what all receivers share: they take bytes in, deliver frames, and drop
peers), C{backlog} (the bytes that are not delivered yet), C{pins} (attributes that are read after
each frame), C{pausing} (the producer interface), then a file for each kind: C{lines},
C{lineonly}, C{netstrings}, C{intstrings}, C{stateful}.
"""
