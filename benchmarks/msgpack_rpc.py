"""
Compares the calls of msgpack-rpc-python with those of AMP, over loopback.

The other scripts do not measure msgpack-rpc-python, because it needs old versions of msgpack and
Tornado that conflict with everything else.  Install it into a separate environment::

    python -m venv elder && elder/bin/pip install . msgpack-rpc-python
    elder/bin/python benchmarks/msgpack_rpc.py [ROUNDS]

Each round makes the same calls on Twisted's AMP, on ours and on msgpack-rpc-python, one after the
other.  The script prints the median number of calls per second, and the median ratio to Twisted's.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from time import perf_counter, sleep
from typing import Any

from twisted_basic_ng_demo.bench.loopback import calls

COUNTS = {1: 500, 100: 2000}


class Calls:
    """The functions that the server offers."""

    def sum(self, a: int, b: int) -> int:
        """Return the sum."""
        return a + b


def serve(port: int) -> None:
    """Run the server until standard input is closed."""
    import msgpackrpc

    def leave() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=leave, daemon=True).start()
    server = msgpackrpc.Server(Calls())
    server.listen(msgpackrpc.Address("127.0.0.1", port))
    server.start()


@contextmanager
def elder(count: int, window: int) -> Iterator[Callable[[], float]]:
    """Start a server process, and yield a function that calls it with C{window} calls in flight."""
    import msgpackrpc

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, __file__, "--serve", str(port)], stdin=subprocess.PIPE) as process:
        try:
            wait(port)
            client = msgpackrpc.Client(msgpackrpc.Address("127.0.0.1", port))
            yield lambda: windowed(client, count, window)
        finally:
            process.kill()


def wait(port: int) -> None:
    """Wait until the server listens on C{port}."""
    for _ in range(100):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.1)
    raise SystemExit("the server did not start")


def windowed(client: Any, count: int, window: int) -> float:
    """Make all calls and check their results.  Return how many seconds that took."""
    flying: deque[Any] = deque()
    total = 0
    began = perf_counter()
    for number in range(count):
        if len(flying) == window:
            total += flying.popleft().get()
        flying.append(client.call_async("sum", number, 2))
    total += sum(each.get() for each in flying)
    seconds = perf_counter() - began
    assert total == sum(range(2, count + 2))
    return seconds


def main(rounds: str = "15") -> None:
    try:
        import msgpackrpc  # noqa: F401 -- to test whether it is installed
    except ImportError as error:
        print(f"msgpack-rpc-python is absent: {error}")
        return
    for window, count in COUNTS.items():
        sides = {"Twisted": calls("stock", count, window)(), "ours": calls("ours", count, window)()}
        with ExitStack() as stack:
            runs = {name: stack.enter_context(side) for name, side in sides.items()}
            runs["msgpack-rpc-python"] = stack.enter_context(elder(count, window))
            found = [{name: run() for name, run in runs.items()} for _ in range(int(rounds) + 1)][1:]
        for name in runs:
            rate = count / median(each[name] for each in found)
            ratio = median(each["Twisted"] / each[name] for each in found)
            print(f"{window:3} in flight  {name:18} {rate:8,.0f} calls/s  {ratio:5.2f} of Twisted")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
    else:
        main(*sys.argv[1:])
