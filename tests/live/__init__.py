"""This folder alone shows what takes real sockets, reactors and processes, beside Twisted or a stranger."""
