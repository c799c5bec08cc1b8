"""
Tests that each deliberate difference that is tagged in the code has a row in the documentation's
tables.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from .sources import PACKAGE, ROOT, sources

PAGE = ROOT / "docs" / "differences.rst"
TAG = "Differs from Twisted:"

#: The tagged places in the code, with a quotation from the row about each.  A new or renamed place
#: needs a line here.
ROWS = {
    "ASCIIConsumerWrapper.__init__": "Text mode raises",
    "AmpError.__reduce__": "cannot be pickled",
    "Argument._ampDiscard": "A descriptor whose box cannot be read stays open",
    "BinaryBoxProtocol.__repr__": "have the ``repr`` of any object",
    "BinaryBoxProtocol._ampAbandonTLS": "After a refused or a second ``StartTLS``",
    "BoxWriter._ampDeliver": "that answers a call that still waits for TLS",
    "BinaryBoxProtocol._ampHandOverDescriptors": "Descriptors that arrive ahead of the box that changes the protocol",
    "BinaryBoxProtocol._ampHasTLS": "is TLS from its first byte asks for TLS inside TLS",
    "BinaryBoxProtocol._ampStopReceiving": "or in ``stopReceivingBoxes``, calls wait forever",
    "BoxWriter._sendFileDescriptor": "its box cannot be sent",
    "BinaryBoxProtocol._startTLS": "Plaintext that follows the box that starts TLS",
    "BoxDispatcher._ampEmitAnswer": "If an answer cannot be written",
    "Caller.__repr__": "have the ``repr`` of any object",
    "Caller._ampWhyNotCalled": "the very error of its end",
    "Caller._ampForget": "A cancelled call is kept",
    "Caller.failAllOutgoing": "If one call cannot be failed",
    "Command.__repr__": "have the ``repr`` of any object",
    "DTP._dtpSendOnly": "during a listing or a download is kept",
    "DTP.sendLine": "Line breaks in names",
    "DTPFactory.buildProtocol": "If the application's class raises",
    "DateTime.toString": "drops the seconds of an offset",
    "FileSender": "the ``Deferred`` of ``FileSender`` never fires",
    "FileSender.beginFileTransfer": "refuses to register a ``FileSender``",
    "LineOnlyReceiver._receiverCheckLastLine": "counts the first bytes of the delimiter",
    "ListOf.fromStringProto": "``ListOf(AmpList(…))``",
    "ProtocolSwitchCommand._doCommand.changeOver": "If a factory builds no protocol",
    "ProtocolSwitchCommand._doCommand.stay": "A cancelled protocol switch",
    "Receiver._receiverDrop": "A peer that the receiver has dropped",
    "Receiver._receiverLeavePlaintext": "a callback called ``startTLS``",
    "SimpleStringLocator.locateResponder": "A command name that is not ASCII",
    "StartTLS._ampCertificateFor": "when the side that accepted the connection calls it",
    "TooLong.__repr__": "``str`` of ``TooLong`` is empty",
    "_DescriptorExchanger._ampCloseDescriptors": "File descriptors that no box claims",
    "_DescriptorExchanger._sendFileDescriptor": "A call with a descriptor raises",
    "_LastLine": "``del receiver._buffer``",
    "_TLSBox._sendTo": "A second ``StartTLS`` may fail",
    "amendUnsent": "The errors of ``sendLine(",
    "notOverridden": "The errors of ``sendLine(",
    "errorOf": "An error without a code or a text",
    "errorBox": "The text is cut",
    "UploadConnection._dtpFinish": "An upload that is cut off",
    "UploadConnection._dtpGiveUp": "Data that arrives after an upload was cancelled",
    "UploadConnection._dtpKeep": "Data that arrives before there is a consumer",
}


def _statements(tree: ast.AST, line: int) -> Iterator[ast.AST]:
    """
    Return the classes and functions around C{line}, the outermost first, or the next one after it.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if first <= line <= (node.end_lineno or 0):
                yield node
                yield from _statements(node, line)
                return
            if first > line and not isinstance(tree, ast.FunctionDef):
                yield node
                return


def places() -> list[str]:
    """Return the tagged places in the code."""
    found = []
    for source in sources():
        text = (PACKAGE / source).read_text(encoding="utf-8")
        lines = [number for number, line in enumerate(text.splitlines(), 1) if TAG in line]
        if source.suffix == ".py" and lines:
            tree = ast.parse(text)
            found += [".".join(getattr(each, "name", "") for each in _statements(tree, line)) for line in lines]
        else:
            found += [f"{source}:{line}" for line in lines]
    return found


def rows() -> list[tuple[str, str]]:
    """
    Return the rows of all tables, without line breaks: what Twisted does, and what our package
    does.
    """
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^   \* - ((?:.|\n(?=       ))+)\n     - ((?:.|\n(?=       ))+)", text, re.MULTILINE)
    both = [(" ".join(first.split()), " ".join(second.split())) for first, second in found]
    return [each for each in both if each != ("In Twisted", "Here")]


class TestRows:
    """Tests for the tables."""

    @pytest.mark.parametrize("place", sorted(set(places())))
    def test_tag(self, place: str) -> None:
        """A tagged difference has a row."""
        assert place in ROWS, f"{place} is tagged {TAG!r}: give it a row in {PAGE.name}, and a line in ROWS"
        assert [first for first, second in rows() if ROWS[place] in f"{first} | {second}"] != []

    def test_noneLeft(self) -> None:
        """Every entry of L{ROWS} belongs to a tagged place."""
        assert ROWS.keys() - set(places()) == set()

    def test_once(self) -> None:
        """Rows are unique and not empty."""
        found = rows()
        assert len(found) > 50
        assert len({first for first, _ in found}) == len(found)
        assert all(first and second for first, second in found)
