"""Tests for L{twisted_basic_ng_demo.bench.loopback}."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from socket import create_server
from threading import Thread

import pytest

from twisted_basic_ng_demo.bench import loopback as module
from twisted_basic_ng_demo.bench.children import Exchange
from twisted_basic_ng_demo.bench.loopback import calls, sending
from twisted_basic_ng_demo.bench.receivers import Delivery
from twisted_basic_ng_demo.bench.sides import WorkError


class TestCalls:
    """Tests for calls between two real processes."""

    @pytest.mark.parametrize("side", ["stock", "ours", "PB", "echo"])
    def test_side(self, side: str) -> None:
        """Each side makes calls, more than once."""
        with calls(side, 20, 1)() as run:
            assert run() > 0
            assert run() > 0

    @pytest.mark.parametrize(
        ("side", "package"),
        [("grpc.aio", "grpc"), ("aio-msgpack-rpc", "aio_msgpack_rpc"), ("ours on uvloop", "uvloop")],
    )
    def test_peer(self, side: str, package: str) -> None:
        """Each side that needs another package makes calls, too."""
        pytest.importorskip(package, reason=f"{package} is not installed")
        with calls(side, 20, 5)() as run:
            assert run() > 0

    def test_window(self) -> None:
        """Many calls may be in flight."""
        with calls("ours", 50, 10)() as run:
            assert run() > 0


class TestSending:
    """Tests for sending messages to a real process."""

    @pytest.mark.parametrize("side", ["stock", "ours", "asyncio"])
    def test_side(self, side: str) -> None:
        """Each side receives the messages, more than once."""
        with sending("lines", side, Delivery(b"line\r\n", 100, 64))() as run:
            assert run() > 0
            assert run() > 0

    def test_strings(self) -> None:
        """Strings are received, too."""
        for side in ("ours", "asyncio"):
            with sending("int32", side, Delivery(b"\0\0\0\2ab", 100, 64))() as run:
                assert run() > 0

    def test_uvloop(self) -> None:
        """Messages are received on uvloop, too."""
        pytest.importorskip("uvloop", reason="uvloop is not installed")
        for side in ("ours on uvloop", "asyncio on uvloop"):
            with sending("lines", side, Delivery(b"line\r\n", 100, 64))() as run:
                assert run() > 0

    def test_silent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that does not confirm the messages causes an error."""
        with create_server(("127.0.0.1", 0)) as server:

            def hangUp() -> None:
                server.accept()[0].close()

            hangsUp = Thread(target=hangUp)
            hangsUp.start()

            @contextmanager
            def pretended(*words: object) -> Iterator[Exchange]:
                yield lambda _: str(server.getsockname()[1])

            monkeypatch.setattr(module, "child", pretended)
            opened: Callable[[], AbstractContextManager[Callable[[], float]]] = sending(
                "lines", "x", Delivery(b"", 0, 1)
            )
            with opened() as run, pytest.raises(WorkError, match="x did not say that all is there"):
                run()
            hangsUp.join()
