"""
One end of an exchange of names, with or without the swap: the other end loads its pickles.

C{naming.py dump FILE}, C{naming.py load FILE}, C{naming.py names FILE}; errors are printed.
"""

from __future__ import annotations

import inspect
import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zope.interface.declarations import Implements, implementedBy
from zope.interface.interface import InterfaceClass

from twisted.protocols import amp, basic, ftp
from twisted.python.failure import Failure
from twisted.python.reflect import qual

MODULES: tuple[Any, ...] = (amp, basic, ftp)
DATA_CONNECTIONS = ("ASCIIConsumerWrapper", "DTP", "DTPFactory", "FileConsumer")
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def named(module: Any, where: str) -> Iterator[tuple[str, Any]]:
    """The objects that Twisted's module defines and the swap replaces."""
    for name in DATA_CONNECTIONS if where == "ftp" else dir(module):
        thing = getattr(module, name)
        isDefined = inspect.isclass(thing) or inspect.isroutine(thing) or isinstance(thing, InterfaceClass)
        if isDefined and thing.__module__ == f"twisted.protocols.{where}":
            yield f"{where}.{name}", thing


def things() -> dict[str, Any]:
    """Classes, interfaces and functions, by name."""
    found = {
        name: thing
        for module, where in zip(MODULES, ("amp", "basic", "ftp"), strict=True)
        for name, thing in named(module, where)
    }
    methods = amp.AmpBox.serialize, amp.AMP.callRemote, amp.Command.makeArguments, basic.LineReceiver.sendLine
    return {**found, **{each.__qualname__: each for each in (*methods, ftp.FTP._encodeName)}}


def errors() -> dict[str, Any]:
    """Errors of all kinds."""
    kinds = ("AmpError", "InvalidSignature", "MalformedAmpBox", "NoEmptyBoxes", "OnlyOneTLS", "ProtocolSwitched")
    found = {name: getattr(amp, name)("why", 1) for name in (*kinds, "IncompatibleVersions", "UnhandledCommand")}
    found["ofNetstrings"] = basic.NetstringParseError("why")
    found["incomplete"] = basic.IncompleteNetstring("why")
    found["ofLength"] = basic.StringTooLongError("why")
    found["failure"] = Failure(amp.UnhandledCommand("why"))
    return found


def errorsOfOurs() -> dict[str, Any]:
    """Errors whose pickles can be loaded from ours, but not from Twisted's own classes."""
    return {
        "long": amp.TooLong(True, True, b"k" * 300, b"name"),
        "remote": amp.RemoteAmpError(b"CODE", "why", local=Failure(ZeroDivisionError("why"))),
        "unknown": amp.UnknownRemoteError("why"),
        "return": amp.BadLocalReturn("what", Failure(ZeroDivisionError("why"))),
    }


def instances() -> dict[str, Any]:
    """Objects of all kinds."""
    types = ("Boolean", "DateTime", "Decimal", "Descriptor", "Float", "Integer", "Path", "String", "Unicode")
    receivers = ("Int16StringReceiver", "LineOnlyReceiver", "LineReceiver", "NetstringReceiver", "FileSender")
    return {
        **{name: getattr(amp, name)(optional=True) for name in types},
        **{name: getattr(basic, name)() for name in receivers},
        "list": amp.ListOf(amp.Integer()),
        "rows": amp.AmpList([(b"a", amp.Integer())]),
        # As in Twisted, it has an itertools.count, which later Pythons do not pickle.
        **({"amp": amp.AMP()} if sys.version_info < (3, 12) else {}),
        "box": amp.AmpBox(a=b"1"),
        "last box": amp.QuitBox(a=b"1"),
        "switch": amp._SwitchBox("inner", a=b"1"),
        "command": amp.Command(),
        "dtp": ftp.DTP(),
        "keywords": amp.PYTHON_KEYWORDS,
        "errors": amp.PROTOCOL_ERRORS,
        "declaration": implementedBy(amp.AMP),  # type: ignore[no-untyped-call]
    }


def state(thing: Any) -> Any:
    """Return an object's state, for a comparison with the other end's."""
    if isinstance(thing, Failure):
        return thing.type, thing.getErrorMessage(), thing.check("twisted.protocols.amp.UnhandledCommand")
    if isinstance(thing, BaseException):
        return thing.args, sorted(vars(thing)), str(thing)
    return sorted(getattr(thing, "__dict__", ())), {**thing} if isinstance(thing, dict) else None


def dump(isOurs: bool) -> dict[str, dict[str, list[bytes]]]:
    """Pickle everything with every pickle protocol."""
    groups = {
        "things": things(),
        "errors": errors(),
        "instances": instances(),
        **({"own": errorsOfOurs()} if isOurs else {}),
    }
    return {
        group: {name: [pickle.dumps(each, protocol) for protocol in PROTOCOLS] for name, each in found.items()}
        for group, found in groups.items()
    }


def load(dumped: dict[str, dict[str, list[bytes]]]) -> Iterator[str]:
    """Load everything, and report the differences."""
    groups = {"things": things(), "errors": errors(), "instances": instances(), "own": errorsOfOurs()}
    for group, found in dumped.items():
        for name, pickles in found.items():
            own = groups[group].get(name)
            if own is None:
                continue  # Twisted has no such thing
            for protocol, pickled in enumerate(pickles):
                thing = pickle.loads(pickled)
                if b"twisted_basic_ng" in pickled:
                    yield f"{name} tells of us, in protocol {protocol}"
                if not isAlike(thing, own):
                    yield f"{name} is {thing!r} and not {own!r}, in protocol {protocol}"


def isAlike(thing: Any, own: Any) -> bool:
    """Whether a loaded object is this end's object, or has the same type and state."""
    if inspect.isclass(own) or inspect.isroutine(own) or isinstance(own, (InterfaceClass, Implements)):
        return bool(thing == own)
    if isinstance(own, list):
        return sorted(thing) == sorted(own)
    return (qual(type(thing)), state(thing)) == (qual(type(own)), state(own))


def names() -> dict[str, Any]:
    """The names that each object claims."""
    found = {
        name: (each.__module__, getattr(each, "__qualname__", ""), repr(each).split(" at 0x")[0])
        for name, each in things().items()
    }
    classes = {f"{name} qual": qual(each) for name, each in things().items() if inspect.isclass(each)}
    declared: Any = implementedBy(amp.AMP)  # type: ignore[no-untyped-call]
    return {**found, **classes, "sender": amp.IBoxSender.__identifier__, "declared": declared.__name__}


def main(mode: str, path: Path) -> None:
    """Run the command."""
    isOurs = basic.__name__.startswith("twisted_basic_ng")
    if mode == "dump":
        path.write_bytes(pickle.dumps(dump(isOurs)))
    elif mode == "names":
        path.write_text(json.dumps(names(), indent=1, sort_keys=True), encoding="utf-8")
    else:
        print("\n".join(load(pickle.loads(path.read_bytes()))), end="")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
