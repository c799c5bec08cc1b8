"""
Runs an implementation for the vectors: any module with the names of C{twisted.protocols.amp}, such
as Twisted's own and ours.

    python -m tests.vectors.adapter twisted_basic_ng.amp
    TWISTED_BASIC_NG_PURE=1 python -m tests.vectors.adapter twisted_basic_ng.amp
    python -m tests.vectors.adapter twisted.protocols.amp

It answers the requests of L{tests.vectors.runner}, which README.rst describes.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure

from .adapter_calls import Conversation
from .adapter_transport import Transport
from .adapter_values import Values, argumentOf

__all__ = ["Adapter", "lacking", "main"]


class _Boxes:
    """Collects boxes, and the reason for the end of the connection."""

    def __init__(self) -> None:
        self.boxes: list[list[list[str]]] = []
        self.reason: BaseException | None = None

    def startReceivingBoxes(self, sender: object) -> None:
        """Do nothing."""

    def ampBoxReceived(self, box: dict[bytes, bytes]) -> None:
        """Collect C{box}."""
        self.boxes.append([[key.hex(), value.hex()] for key, value in box.items()])

    def stopReceivingBoxes(self, reason: Failure) -> None:
        """Keep the reason."""
        self.reason = reason.value


class Adapter:
    """
    Answers requests by calling a module.

    @ivar amp: the module.
    """

    def __init__(self, amp: ModuleType) -> None:
        self.amp: Any = amp
        self._values = Values(amp)
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "boxes.read": self._readBoxes,
            "boxes.write": self._writeBoxes,
            "value.read": self._readValue,
            "value.write": self._writeValue,
            "arguments.read": self._readArguments,
            "arguments.write": self._writeArguments,
            "conversation": self._converse,
        }

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request."""
        why = lacking(request) or self._lacking(request)
        answer = {"unsupported": why} if why else self._operations[request["do"]](request)
        return {"id": request["id"], **answer}

    def _lacking(self, request: dict[str, Any]) -> str:
        """Return which feature that C{request} needs the module lacks, or an empty string."""
        isBeyond = not {"extended", "keepalive"}.isdisjoint(request)
        return "it has no features beyond Twisted's AMP" if isBeyond and not hasattr(self.amp, "DeadlineError") else ""

    # Operations on boxes.

    def _readBoxes(self, request: dict[str, Any]) -> dict[str, Any]:
        receiver = _Boxes()
        protocol = self.amp.BinaryBoxProtocol(receiver)
        limit(protocol, request.get("limits", {}))
        transport = Transport()
        transport.connect(protocol)
        for chunk in request["chunks"]:
            transport.protocol.dataReceived(bytes.fromhex(chunk))
        if not transport.disconnecting:
            return {"boxes": receiver.boxes}
        protocol.connectionLost(Failure(ConnectionDone()))
        return {"boxes": receiver.boxes, "violation": self._violation(receiver.reason)}

    def _writeBoxes(self, request: dict[str, Any]) -> dict[str, Any]:
        boxes = [{bytes.fromhex(key): bytes.fromhex(value) for key, value in box} for box in request["boxes"]]
        try:
            return {"bytes": b"".join(self.amp.AmpBox(box).serialize() for box in boxes).hex()}
        except self.amp.TooLong as error:
            return {"violation": self._violation(error)}

    def _violation(self, error: BaseException | None) -> str:
        if isinstance(error, self.amp.TooLong):
            return "key-too-long" if error.isKey else "value-too-long"
        return "box-too-large" if type(error).__name__ == "BoxTooLargeError" else repr(error)

    # Operations on values and arguments.

    def _readValue(self, request: dict[str, Any]) -> dict[str, Any]:
        kind = request["type"]
        with self._values.carrier(request.get("descriptors", ())) as carrier:
            try:
                value = argumentOf(self.amp, kind).fromStringProto(bytes.fromhex(request["bytes"]), carrier.protocol)
                return {"value": self._values.toPlain(kind, value, carrier)}
            except Exception:  # each type raises its own errors
                return {"violation": "bad-value"}

    def _writeValue(self, request: dict[str, Any]) -> dict[str, Any]:
        kind = request["type"]
        with self._values.carrier() as carrier:
            value = self._values.fromPlain(kind, request["value"], carrier)
            try:
                data = argumentOf(self.amp, kind).toStringProto(value, carrier.protocol)
                self.amp.AmpBox({b"v": data}).serialize()
            except Exception as error:
                return {"violation": self._whyUnwritten(error)}
            sent = {"descriptors": carrier.sent()} if "descriptors" in request or carrier.sent() else {}
            return {"bytes": data.hex(), **sent}

    def _whyUnwritten(self, error: Exception) -> str:
        isTooLong = isinstance(error, self.amp.TooLong) or type(error).__name__ == "error"  # struct.error is Twisted's
        return "value-too-long" if isTooLong else "bad-value"

    def _command(self, fields: list[Any]) -> Any:
        arguments = [(name.encode("ascii"), argumentOf(self.amp, kind)) for name, kind in fields]
        return type("Any", (self.amp.Command,), {"arguments": arguments})

    def _readArguments(self, request: dict[str, Any]) -> dict[str, Any]:
        fields = request["fields"]
        (box,) = self.amp.parseString(bytes.fromhex(request["bytes"]))
        try:
            objects = self._command(fields).parseArguments(box, self.amp.AMP())
        except KeyError:
            return {"violation": "missing-key"}
        except Exception:
            return {"violation": "bad-value"}
        return {"values": self._values.toPlainFields(fields, objects, None)}

    def _writeArguments(self, request: dict[str, Any]) -> dict[str, Any]:
        fields = request["fields"]
        objects = self._values.fromPlainFields(fields, request["values"], None)
        try:
            return {"bytes": self._command(fields)(**objects).makeArguments(objects, self.amp.AMP()).serialize().hex()}
        except self.amp.InvalidSignature:
            return {"violation": "missing-argument"}
        except Exception as error:
            return {"violation": self._whyUnwritten(error)}

    # Operations on conversations.

    def _converse(self, request: dict[str, Any]) -> dict[str, Any]:
        conversation = Conversation(
            self.amp, request["side"] == "client", request.get("extended", False), request.get("keepalive")
        )
        limit(conversation.peer, request.get("limits", {}))
        for step in request["steps"]:
            conversation.step(step)
        return {"events": conversation.end()}


def lacking(request: dict[str, Any]) -> str:
    """Return which feature that C{request} needs this machine lacks, or an empty string."""
    if request.get("type") == "Path" and os.sep != "/":
        return "paths have another form here"
    steps = request.get("steps", ())
    data = bytes.fromhex("".join(step.get("receive", "") for step in steps))
    if b"StartTLS" in data or any(step.get("command") == "StartTLS" for step in steps):
        try:
            importlib.import_module("twisted.internet.ssl")
        except ImportError as error:
            return f"there is no TLS here: {error}"
    return ""


def limit(protocol: Any, limits: dict[str, int]) -> None:
    """Set the limits on a box.  A module without limits ignores them."""
    for name, value in limits.items():
        setattr(protocol, {"keys": "MAX_BOX_KEYS", "bytes": "MAX_BOX_LENGTH"}[name], value)


def main() -> None:
    """Run the program."""
    globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False, discardBuffer=True)
    module = importlib.import_module(sys.argv[1])
    home = module.AMP.makeConnection.__globals__["__name__"]  # a class of a swapped module claims to be Twisted's
    if sys.argv[1].startswith("twisted.") and home.startswith("twisted_basic_ng"):
        sys.exit(f"{sys.argv[1]} is not Twisted's own in this environment")
    adapter = Adapter(module)
    for line in sys.stdin:
        print(json.dumps(adapter.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
