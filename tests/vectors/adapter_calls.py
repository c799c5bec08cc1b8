"""Runs the conversations of the vectors: their commands, and a peer that records the events."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from .adapter_transport import Transport
from .adapter_values import Values

__all__ = ["Conversation"]


class KnownError(Exception):
    """An error that the command C{Fail} declares."""


class FatalError(Exception):
    """An error that C{Fail} declares to be fatal."""


class _Credentials:
    """Credentials for TLS, which the transport ignores."""

    def options(self, *authorities: object) -> object:
        """Return something for the transport."""
        return authorities


#: The arguments and responses of the commands, as README.rst describes them.
_FIELDS: dict[str, tuple[list[Any], list[Any]]] = {
    "Sum": ([("a", "Integer"), ("b", "Integer")], [("total", "Integer")]),
    "Fail": ([("how", "String")], []),
    "Note": ([("text", "Unicode")], []),
    "Later": ([("number", "Integer")], [("number", "Integer")]),
    "Big": ([("size", "Integer")], [("data", "String")]),
    "Switch": ([], []),
    "Upload": ([], [("size", "Integer")]),
    "Download": ([("size", "Integer")], []),
}


def _commands(amp: Any) -> Any:
    """Make the commands from the classes of C{amp}."""
    made: dict[str, Any] = {}
    for name, fields in _FIELDS.items():
        if name in ("Upload", "Download") and not hasattr(amp, "Stream"):
            continue
        base = amp.ProtocolSwitchCommand if name == "Switch" else amp.Command
        arguments, response = ([(key.encode(), getattr(amp, kind)()) for key, kind in each] for each in fields)
        inside: dict[str, Any] = {"arguments": arguments, "response": response}
        if name == "Fail":
            inside |= {"errors": {KnownError: b"KNOWN"}, "fatalErrors": {FatalError: b"FATAL"}}
        if name == "Note":
            inside["requiresAnswer"] = False
        if name == "Upload":
            inside |= {"arguments": [(b"data", amp.Stream())], "errors": {KnownError: b"KNOWN"}}
        if name == "Download":
            inside["response"] = [(b"data", amp.Stream())]
        made[name] = type(name, (base,), inside)
    return SimpleNamespace(**made)


class _Inner(Protocol):
    """The protocol to switch to."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self._events = events

    def connectionMade(self) -> None:
        """Record that the protocol has switched."""
        self._events.append({"switched": True})

    def dataReceived(self, data: bytes) -> None:
        """Record C{data}."""
        self._events.append({"inner": data.hex()})


class _InnerFactory(ClientFactory):
    def __init__(self, events: list[dict[str, Any]]) -> None:
        self._events = events

    def buildProtocol(self, address: object) -> _Inner:
        return _Inner(self._events)


def _peer(amp: Any, commands: Any, events: list[dict[str, Any]], values: Values) -> Any:
    """Make the peer of a conversation."""

    def note(command: str, **arguments: Any) -> None:
        fields = _FIELDS[command][0]
        events.append({"command": command, "arguments": values.toPlainFields(fields, arguments, None)})

    class Peer(amp.AMP):  # type: ignore[misc] # either module's
        logConnections = False
        noPeerCertificate = True  # the transport has no certificate

        def __init__(self) -> None:
            super().__init__()
            self.later: list[tuple[int, Deferred[Any]]] = []

        @commands.Sum.responder
        def sum(self, a: int, b: int) -> dict[str, int]:
            note("Sum", a=a, b=b)
            return {"total": a + b}

        @commands.Fail.responder
        def fail(self, how: bytes) -> dict[str, Any]:
            note("Fail", how=how)
            if how == b"nothing":
                return {}
            raise {b"known": KnownError, b"fatal": FatalError}.get(how, ValueError)("what happened")

        @commands.Note.responder
        def note(self, text: str) -> dict[str, Any]:
            note("Note", text=text)
            return {}

        @commands.Later.responder
        def respondLater(self, number: int) -> Deferred[Any]:
            note("Later", number=number)
            self.later.append((number, Deferred()))
            return self.later[-1][1]

        @commands.Big.responder
        def big(self, size: int) -> dict[str, bytes]:
            note("Big", size=size)
            return {"data": b"x" * size}

        @commands.Switch.responder
        def switch(self) -> Protocol:
            note("Switch")
            return _Inner(events)

        if hasattr(amp, "Stream"):

            @commands.Upload.responder
            def upload(self, data: Any) -> Deferred[Any]:
                note("Upload")
                return data.collect(2**30).addCallback(lambda each: {"size": len(each)})  # type: ignore[no-any-return]

            @commands.Download.responder
            def download(self, size: int) -> dict[str, bytes]:
                note("Download", size=size)
                return {"data": b"x" * size}

        @amp.StartTLS.responder
        def secure(self) -> dict[str, Any]:
            return {"tls_localCertificate": _Credentials()}

    return Peer()


class Conversation:
    """
    One end of a connection, with its events.

    @ivar peer: the protocol.
    """

    def __init__(
        self, amp: ModuleType, isClient: bool, isExtended: bool = False, keepalive: dict[str, int] | None = None
    ) -> None:
        self._amp: Any = amp
        self._values = Values(amp)
        self._commands = _commands(amp)
        self._transport = Transport(isClient)
        self._events = self._transport.events
        self._isLost = False
        self._calls: dict[str, Any] = {}
        self.peer = _peer(amp, self._commands, self._events, self._values)
        self._clock = self.peer._ampClock = Clock()
        self.peer.extended = isExtended
        if keepalive is not None:
            self.peer.KEEPALIVE_INTERVAL = keepalive["interval"] / 1000
            self.peer.KEEPALIVE_TIME = keepalive["time"] / 1000
        self._transport.connect(self.peer)

    def step(self, step: dict[str, Any]) -> None:
        """Execute one step of a vector."""
        if "receive" in step:
            self._receive(self._transport.protocol, bytes.fromhex(step["receive"]))
            self._transport.drain()
        elif "decrypted" in step:
            self._receive(self.peer, bytes.fromhex(step["decrypted"]))
        elif "call" in step:
            self._call(step["call"], step["command"], step.get("arguments", {}), step.get("within"))
        elif "cancel" in step:
            self._calls[step["cancel"]].cancel()
        elif "advance" in step:
            self._advance(int(step["advance"]))
        elif "leave" in step:
            self.peer.leave().addCallback(lambda result: self._events.append({"left": step["leave"]}))
        elif "finish" in step:
            self._finish(int(step["finish"]))
        elif not self._isLost:
            self._lose()

    def _receive(self, protocol: Any, data: bytes) -> None:
        """Deliver C{data} as a transport does, which closes the connection after an exception."""
        if self._isLost:
            return
        try:
            protocol.dataReceived(data)
        except self._amp.NoEmptyBoxes:
            self._break("not-a-message")
        except KeyError:
            self._break("unknown-tag")
        except Exception as error:  # Twisted raises some of its own
            self._break(type(error).__name__)

    def _break(self, violation: str) -> None:
        self._events.append({"violation": violation})
        self._transport.loseConnection()
        self._lose()

    def _lose(self) -> None:
        self._isLost = True
        self.peer.connectionLost(Failure(ConnectionDone()))

    def _finish(self, number: int) -> None:
        (deferred,) = (each for late, each in self.peer.later if late == number)
        deferred.callback({"number": number})

    def _advance(self, milliseconds: int) -> None:
        self._clock.advance(milliseconds / 1000)
        if self._transport.disconnecting and not self._isLost:
            self._lose()

    def _call(self, name: str, command: str, arguments: dict[str, Any], within: str | None) -> None:
        try:
            if command == "StartTLS":
                calling = self.peer.callRemote(self._amp.StartTLS, tls_localCertificate=_Credentials())
            elif command == "Switch":
                calling = self.peer.callRemote(self._commands.Switch, _InnerFactory(self._events))
            else:
                objects = self._values.fromPlainFields(_FIELDS[command][0], arguments, None)
                called = getattr(self._commands, command)
                if within is None:
                    calling = self.peer.callRemote(called, **objects)
                else:
                    calling = self.peer.callRemoteWithin(int(within) / 1000, called, **objects)
        except self._amp.ProtocolSwitched:
            self._events.append({"failed": name, "error": "switched"})
            return
        except self._amp.OnlyOneTLS:
            self._events.append({"failed": name, "error": "tls"})
            return
        if calling is not None:
            self._calls[name] = calling
            calling.addCallbacks(self._succeeded, self._failed, (name, command), None, (name,), None)

    def _succeeded(self, response: dict[str, Any], name: str, command: str) -> None:
        fields = _FIELDS.get(command, ([], []))[1]
        self._events.append({"answered": name, "values": self._values.toPlainFields(fields, response, None)})

    def _failed(self, failure: Failure, name: str) -> None:
        self._events.append({"failed": name, **self._describe(failure.value)})

    def _describe(self, error: Any) -> dict[str, str]:
        if isinstance(error, self._amp.UnknownRemoteError):
            return {"error": "UNKNOWN"}
        if isinstance(error, self._amp.UnhandledCommand):
            return {"error": "UNHANDLED"}
        if isinstance(error, (KnownError, FatalError)):
            return {"error": "KNOWN" if isinstance(error, KnownError) else "FATAL", "text": str(error)}
        if type(error).__name__ == "CancelledError":
            return {"error": "cancelled"}
        beyond = {"DeadlineError": "deadline", "LeavingError": "leaving"}.get(type(error).__name__)
        return {"error": beyond or ("lost" if self._isLost else "bad-answer")}

    def end(self) -> list[dict[str, Any]]:
        """End the connection if it was closed, and return the events."""
        if self._transport.disconnecting and not self._isLost:
            self._lose()
        return self._events
