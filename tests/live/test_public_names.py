"""
Objects that leave a process have Twisted's names: processes with and without the swap understand
each other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.processes import environment, python, running, waitFor, write
from twisted_basic_ng._swapping.children import ENVIRONMENT, STARTUP

NAMING = Path(__file__).parent / "naming.py"

#: How a program is started without the swap, and with it.
ENDS: dict[str, Sequence[str]] = {"stock": (), "swapped": ("-m", "twisted_basic_ng", "run")}
BOTH_WAYS = [("stock", "swapped"), ("swapped", "stock"), ("swapped", "swapped")]


def run(end: str, *arguments: object, directory: Path | None = None) -> str:
    """Run a program that must succeed, and return its output."""
    ended = python(*ENDS[end], *arguments, directory=directory)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout


class TestPickles:
    """Each end can load the other end's pickles, in any pickle protocol."""

    @pytest.mark.parametrize(("one", "other"), BOTH_WAYS)
    def test_loaded(self, tmp_path: Path, one: str, other: str) -> None:
        """
        Classes, interfaces and functions load as the end's own.  Errors and other objects have the
        same type and state.
        """
        run(one, NAMING, "dump", tmp_path / "dumped")
        assert run(other, NAMING, "load", tmp_path / "dumped") == ""


class TestNames:
    """Each object has the same names."""

    def test_equal(self, tmp_path: Path) -> None:
        """C{__module__}, C{__qualname__}, C{repr} and C{qual} are the same as Twisted's."""
        for end in ENDS:
            run(end, NAMING, "names", tmp_path / end)
        stock, swapped = (json.loads((tmp_path / end).read_text(encoding="utf-8")) for end in ENDS)
        assert {name: swapped[name] for name in stock} == stock
        assert "twisted_basic_ng" not in json.dumps(swapped)

    def test_child(self) -> None:
        """A child process that is swapped through its environment has the same names."""
        home = environment()["PYTHONPATH"]
        code = "from twisted.protocols import amp, basic, ftp; print(amp.AMP, basic.LineReceiver, ftp.DTP)"
        ended = python("-c", code, **{ENVIRONMENT: "1", "PYTHONPATH": os.pathsep.join([STARTUP, home])})  # type: ignore[arg-type]
        assert ended.stdout.split("'")[1::2] == [
            "twisted.protocols.amp.AMP",
            "twisted.protocols.basic.LineReceiver",
            "twisted.protocols.ftp.DTP",
        ]

    def test_installed(self) -> None:
        """
        The names change with C{install} and C{uninstall} in one process, and can be found under
        each.
        """
        assert python("-c", INSTALLING).stdout.split() == [
            *("twisted_basic_ng.basic", "twisted_basic_ng.amp", "True"),
            *("twisted.protocols.basic", "twisted.protocols.amp", "twisted.protocols.ftp", "True"),
            *("twisted_basic_ng.basic", "twisted_basic_ng.amp", "twisted_basic_ng.ftp", "True"),
        ]

    def test_new(self) -> None:
        """Our own additions can be found under the names they claim."""
        assert run("swapped", "-c", NEW) == "twisted.protocols.amp.BoxTooLargeError True\n" * 2 + (
            "twisted.protocols.ftp.DataConnectionClosedError True\n" * 2
        )


INSTALLING = """
import pickle, twisted_basic_ng
def say(*kinds):
    print(*(each.__module__ for each in kinds), all(pickle.loads(pickle.dumps(each)) is each for each in kinds))
from twisted_basic_ng.basic import LineReceiver
from twisted_basic_ng.amp import AMP
say(LineReceiver, AMP)
twisted_basic_ng.install()
from twisted.protocols.ftp import DTP
say(LineReceiver, AMP, DTP)
twisted_basic_ng.uninstall()
say(LineReceiver, AMP, DTP)
"""

NEW = """
import pickle
from twisted.python.reflect import namedAny, qual
from twisted.protocols import amp, ftp
for each in (amp.BoxTooLargeError, ftp.DataConnectionClosedError):
    print(qual(each), namedAny(qual(each)) is each)
    print(qual(each), pickle.loads(pickle.dumps(each)) is each)
"""


class TestFailures:
    """Failures are recognized by the names of their errors."""

    @pytest.mark.parametrize("end", ENDS)
    def test_check(self, end: str) -> None:
        """C{Failure.check} accepts the name of an error and of its bases."""
        assert run(end, "-c", CHECKING).split() == [
            "twisted.protocols.amp.UnhandledCommand",
            "twisted.protocols.amp.AmpError",
            "twisted.protocols.basic.NetstringParseError",
        ]

    @pytest.mark.parametrize(("server", "client"), BOTH_WAYS)
    def test_perspectiveBroker(self, tmp_path: Path, server: str, client: str) -> None:
        """A client recognizes an error that a server raises by its class."""
        serving = write(tmp_path / "server.py", SERVER)
        asking = write(tmp_path / "client.py", CLIENT)
        with running(*ENDS[server], serving) as process:
            port = waitFor(process, r"serving (\d+)")[1]
            assert run(client, asking, port).splitlines() == [
                "UnhandledCommand AmpError",
                "NetstringParseError ValueError",
                "BoxTooLargeError MalformedAmpBox" if server == "swapped" else "MalformedAmpBox MalformedAmpBox",
            ]


CHECKING = """
from twisted.protocols import amp, basic
from twisted.python.failure import Failure
failure = Failure(amp.UnhandledCommand())
print(failure.check("twisted.protocols.amp.UnhandledCommand"), failure.check("twisted.protocols.amp.AmpError"))
print(Failure(basic.NetstringParseError()).check("twisted.protocols.basic.NetstringParseError"))
"""

SERVER = """\
from twisted.internet import endpoints, reactor
from twisted.protocols import amp, basic
from twisted.python import log
from twisted.spread import pb
class Root(pb.Root):
    def remote_amp(self):
        raise amp.UnhandledCommand("no such command")
    def remote_basic(self):
        raise basic.NetstringParseError("no netstring")
    def remote_new(self):
        kind = getattr(amp, "BoxTooLargeError", None)
        raise amp.MalformedAmpBox("too large") if kind is None else kind(2, 1, "keys")
serving = endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(pb.PBServerFactory(Root()))
serving.addCallback(lambda port: print("serving", port.getHost().port, flush=True))
reactor.run()
"""

CLIENT = """\
import sys
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.protocols import amp, basic
from twisted.python.reflect import qual
from twisted.spread import pb
async def ask(factory):
    root = await factory.getRootObject()
    for name, kinds in (
        ("amp", (amp.UnhandledCommand, amp.AmpError)),
        ("basic", (basic.NetstringParseError, ValueError)),
        ("new", (amp.MalformedAmpBox,)),
    ):
        def say(failure):
            last = failure.type.rpartition(b".")[2] if isinstance(failure.type, bytes) else failure.type.__name__
            last = last.decode() if isinstance(last, bytes) else last
            print(last, failure.trap(*kinds[-1:]).__name__)
            assert failure.trap(*kinds) is kinds[0]
        await root.callRemote(name).addErrback(say)
factory = pb.PBClientFactory()
reactor.connectTCP("127.0.0.1", int(sys.argv[1]), factory)
asking = ensureDeferred(ask(factory))
asking.addErrback(lambda failure: print(failure.getTraceback(), file=sys.stderr))
asking.addBoth(lambda ignored: reactor.stop())
reactor.run()
"""


class TestLogs:
    """Log events have Twisted's namespaces."""

    @pytest.mark.parametrize("end", ENDS)
    def test_quiet(self, end: str) -> None:
        """
        A filter for Twisted's namespace also applies to our modules under the swap, and to nothing
        else.
        """
        program = LOGGING if end == "swapped" else LOGGING.replace("twisted.protocols", "twisted_basic_ng")
        assert run(end, "-c", program).split() == ["own"]


LOGGING = """
import sys
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import FilteringLogObserver, LogLevel, LogLevelFilterPredicate, Logger, globalLogBeginner
from twisted.protocols import amp
from twisted.python.failure import Failure
quiet = LogLevelFilterPredicate()
quiet.setLogLevelForNamespace("twisted", LogLevel.warn)
observer = FilteringLogObserver(lambda event: print(event["log_format"]), [quiet])
globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)
connection = amp.AMP()
connection.makeConnection(StringTransport())
connection.connectionLost(Failure(ConnectionDone()))
Logger("application").info("own")
"""
