"""
The short form of the stress test, with some runs of each kind, and tests that it finds known
defects.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from tests.processes import python
from twisted_basic_ng import amp
from twisted_basic_ng.amp._descriptors import _DescriptorExchanger
from twisted_basic_ng.amp._line import Line, Window
from twisted_basic_ng.amp._overload import Overload

from .__main__ import parse, shares
from .memory import runInMemory
from .scenario import draw

pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
if not hasattr(socket, "SCM_RIGHTS"):
    pytest.skip("no descriptors can be sent here", allow_module_level=True)


class TestShortly:
    """Tests for C{python -m tests.stress} with a few dozen runs."""

    def test_nothingWrong(self) -> None:
        """Runs over all links find no errors."""
        ended = python("-m", "tests.stress", "--runs", "96", "--seed", "3")
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
        assert " (48 memory, 16 tcp, 16 unix, 16 tls): 0 wrong\n" in ended.stdout

    def test_only(self) -> None:
        """A single run can be repeated."""
        ended = python("-m", "tests.stress", "--seed", "3", "--only", "7", "--links", "memory")
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
        assert "1 runs in " in ended.stdout

    def test_shares(self) -> None:
        """Half of the runs are in memory, unless it is the only link or is not wanted."""
        assert shares(parse(["--runs", "60"])) == {"memory": 30, "tcp": 10, "unix": 10, "tls": 10}
        assert shares(parse(["--runs", "60", "--links", "memory"])) == {"memory": 60}
        assert shares(parse(["--runs", "60", "--links", "tcp,unix"])) == {"memory": 0, "tcp": 30, "unix": 30}


def countsNothing(window: Window, tag: bytes, box: amp.AmpBox, asksAnyway: bool) -> None:
    """Count only calls that expect an answer."""
    if b"_ask" in box:
        _ADD(window, tag, box, asksAnyway)


def sendsAtOnce(line: Line, descriptor: int) -> int:
    """Send a descriptor before its box."""
    return _DescriptorExchanger._sendFileDescriptor(line._sender, descriptor)


def waitsForNothing(overload: Overload) -> None:
    """Let a call overtake those that wait."""
    overload.line.isUrgent, overload.line._callBeingWritten = True, None


_ADD = Window.add


def never(window: Window, box: amp.AmpBox) -> bool:
    """Request no answer for calls without one."""
    return False


#: Defects, with the numbers of runs that find them.
DEFECTS: dict[str, tuple[type, dict[str, Callable[..., Any]], list[int]]] = {
    "there is no room": (Overload, {"_hasRoom": lambda overload: False}, [4, 32, 50]),
    "unsent bytes hold while TLS starts": (Overload, {"_isChanging": lambda overload: False}, [32, 50, 119]),
    "calls without answers do not count": (Window, {"add": countsNothing, "needsAnswer": never}, [414, 584]),
    "nothing asks nevertheless": (Window, {"needsAnswer": never}, [121, 127, 149]),
    "kept calls are forgotten": (Overload, {"respondToKept": lambda overload: None}, [36, 193, 322]),
    "a change overtakes the line": (Overload, {"beginChange": waitsForNothing}, [2, 6, 8]),
    "descriptors go before their boxes": (Line, {"postpone": sendsAtOnce}, [19, 26, 65]),
}


class TestFound:
    """Tests that the stress test finds defects."""

    @pytest.mark.parametrize("defect", DEFECTS)
    def test_found(self, defect: str) -> None:
        """The runs fail with the defect, and succeed without it."""
        where, wrong, numbers = DEFECTS[defect]
        for number in numbers:
            scenario = draw(1, number, "memory")
            with patch.multiple(where, **wrong):
                assert runInMemory(scenario) != []
            assert runInMemory(scenario) == []
