"""Ours and Twisted's, joined by real sockets."""
