"""
The data connection of Twisted's FTP server.

The map: C{dtp} (the connection, and what it sends), C{upload} (receives an upload), C{dtpfactory}
(waits for the connection), C{listing} (the rows of a directory), C{consumers} (the consumers of an
upload), C{hangup} (whether a peer is gone while nobody reads from it).
"""
