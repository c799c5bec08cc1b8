"""
Bytes to callbacks: the receivers of lines, of netstrings and of strings with a length prefix.

C{receiver} is what all receivers share; its first page says which states there are and what a
callback may change.  It keeps C{connection} (the transport, TLS, limits, time), which keeps
C{backlog} (the bytes that are not delivered yet, some of them in C{pieces}), which keeps C{batch}
(the frames that were found ahead).  C{shown} and C{recvd} show the undelivered bytes as attributes,
C{copies} copies and pickles them, C{pins} caches the attributes that are read after each frame, and
C{pausing} is the producer interface.  Then there is a file for each kind of receiver: C{lines},
C{lineonly}, C{netstrings}, C{intstrings}, C{stateful}.
"""
