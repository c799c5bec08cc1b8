"""
The ends of loopback connections that run on asyncio or uvloop: streams, grpc.aio and
MessagePack-RPC.

They talk to their parent as those in C{reactorends} do.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from .reactorends import say
from .receivers import readExactly, readLine
from .sides import checked

__all__ = ["Ask", "Connect", "Start", "ask", "client", "serve", "server", "sink", "windowed"]

#: Makes a call with a number and 2.
Ask = Callable[[int], Awaitable[int]]

#: Starts to listen, and returns the port.
Start = Callable[[], Awaitable[int]]

#: Connects to a port, and returns a function that makes a call.
Connect = Callable[[int], Awaitable[Ask]]

_READ = {"lines": readLine, "int32": readExactly}


def _newLoop(fast: bool) -> asyncio.AbstractEventLoop:
    if fast:
        import uvloop

        made: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return made
    return asyncio.new_event_loop()


def serve(start: Start, fast: bool = False) -> None:
    """
    Serve until standard input is closed.

    @param fast: whether to use uvloop.
    """
    loop = _newLoop(fast)
    asyncio.set_event_loop(loop)
    print(loop.run_until_complete(start()), flush=True)
    loop.add_reader(sys.stdin.fileno(), loop.stop)
    loop.run_forever()


def ask(connect: Connect, port: int) -> None:
    """Call until standard input is closed."""
    loop = _newLoop(False)
    asyncio.set_event_loop(loop)
    call = loop.run_until_complete(connect(port))
    for line in sys.stdin:
        count, window = map(int, line.split())
        say(loop.run_until_complete(windowed(call, count, window)))


async def windowed(call: Ask, count: int, window: int) -> float:
    """
    Make C{count} calls, C{window} of them in flight, and check that each was answered.

    @return: how many seconds it took.
    """
    numbers = iter(range(count))
    totals: list[int] = []

    async def lane() -> None:
        for number in numbers:
            total = await call(number)
            totals.append(total)

    began = perf_counter()
    await asyncio.gather(*(lane() for _ in range(window)))
    seconds = perf_counter() - began
    checked(sum(totals), sum(range(2, count + 2)))
    return seconds


def sink(work: str, count: int) -> Start:
    """
    Serve a coroutine that reads messages, and confirms every C{count} of them with one byte.

    @param work: C{"lines"} or C{"int32"}.
    """
    read = _READ[work]

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                for _ in range(count):
                    await read(reader)
                writer.write(b".")
        except asyncio.IncompleteReadError:
            writer.close()

    return lambda: _listen(connected)


async def _listen(connected: Any) -> int:
    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    return int(listening.sockets[0].getsockname()[1])


#: Keeps references to servers that would stop without any.
_serving: list[object] = []


async def _grpcServer() -> int:
    import grpc

    async def total(request: tuple[int, int], _: object) -> int:
        return sum(request)

    methods = {
        "Sum": grpc.unary_unary_rpc_method_handler(total, request_deserializer=_two, response_serializer=_packed)
    }
    serving = grpc.aio.server()
    serving.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Calls", methods),))
    port = serving.add_insecure_port("127.0.0.1:0")
    await serving.start()
    _serving.append(serving)
    return int(port)


def _packed(*numbers: int) -> bytes:
    """
    Serialise integers as simply as possible; no protobuf message is smaller, or quicker to make.
    """
    return b" ".join(b"%d" % each for each in numbers)


def _two(data: bytes) -> tuple[int, int]:
    one, other = data.split()
    return int(one), int(other)


async def _grpcClient(port: int) -> Ask:
    import grpc

    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    method = channel.unary_unary("/Calls/Sum", request_serializer=lambda two: _packed(*two), response_deserializer=int)
    return lambda number: method((number, 2))


class _Calls:
    """The methods of the MessagePack-RPC server."""

    def sum(self, a: int, b: int) -> int:
        """Return the sum."""
        return a + b


async def _msgpackServer() -> int:
    import aio_msgpack_rpc

    return await _listen(aio_msgpack_rpc.Server(_Calls()))


async def _msgpackClient(port: int) -> Ask:
    import aio_msgpack_rpc

    calling = aio_msgpack_rpc.Client(*await asyncio.open_connection("127.0.0.1", port))
    return lambda number: calling.call("sum", number, 2)


_CALLS: dict[str, tuple[Start, Connect]] = {
    "grpc.aio": (_grpcServer, _grpcClient),
    "aio-msgpack-rpc": (_msgpackServer, _msgpackClient),
}


def server(side: str) -> Start | None:
    """Return the server of C{side}; C{None} if it does not run on asyncio."""
    return _CALLS[side][0] if side in _CALLS else None


def client(side: str) -> Connect | None:
    """Return the client of C{side}; C{None} if it does not run on asyncio."""
    return _CALLS[side][1] if side in _CALLS else None
