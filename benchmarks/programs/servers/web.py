"""
A small page on twisted.web.
"""

from __future__ import annotations

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site


class Page(Resource):
    """Some 300 bytes, made anew for each request."""

    isLeaf = True

    def render_GET(self, request: object) -> bytes:
        """Answer."""
        return b"<!doctype html><title>A page</title><p>" + b"A small page. " * 18


port = reactor.listenTCP(0, Site(Page()), interface="127.0.0.1")
print("serving", port.getHost().port, flush=True)
reactor.run()
