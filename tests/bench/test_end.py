"""
Tests for L{twisted_basic_ng_demo.bench.end}.

The tests of C{loopback} test that each end does its work.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from twisted_basic_ng_demo.bench import asyncioends, end, reactorends
from twisted_basic_ng_demo.bench.children import child
from twisted_basic_ng_demo.bench.sides import WorkError


class TestMain:
    """Tests for the command line."""

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("server calls ours", ["choose False", "serve"]),
            ("server calls PB", ["choose False", "serve"]),
            ("client calls stock 80", ["choose False", "ask"]),
            ("server lines ours 3", ["choose False", "serve"]),
            ("server int32 stock@uvloop 3", ["choose True", "serve"]),
            ("server calls grpc.aio", ["asyncio serve"]),
            ("client calls grpc.aio 80", ["asyncio ask 80"]),
            ("server lines asyncio 3", ["asyncio serve False"]),
            ("server int32 asyncio@uvloop 3", ["asyncio serve True"]),
        ],
    )
    def test_role(self, words: str, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Each role runs on the requested event loop."""
        said: list[str] = []

        def note(name: str) -> Callable[..., None]:
            return lambda *arguments: said.append(" ".join([name, *(str(each) for each in arguments)]))

        def plain(name: str) -> Callable[[Any], None]:
            return lambda _: said.append(name)

        def further(name: str) -> Callable[..., None]:
            return lambda _, *rest: note(name)(*rest)

        monkeypatch.setattr(reactorends, "choose", note("choose"))
        monkeypatch.setattr(reactorends, "serve", plain("serve"))
        monkeypatch.setattr(reactorends, "ask", plain("ask"))
        monkeypatch.setattr(asyncioends, "serve", further("asyncio serve"))
        monkeypatch.setattr(asyncioends, "ask", further("asyncio ask"))
        end.main([word.replace("@", " on ") for word in words.split()])
        assert said == expected


class TestRefused:
    """Tests for a client that cannot do its work."""

    def test_nobody(self) -> None:
        """If no server listens, the client ends, and its parent gets the reason."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        words = ("twisted_basic_ng_demo.bench.end", "client", "calls", "ours", port)
        with child(*words) as client, pytest.raises(WorkError, match="refused"):
            client("1 1")
