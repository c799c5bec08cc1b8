"""Tests that the package logs under Twisted's namespaces, swapped or not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .sources import PACKAGE, sources

FILES = [each for each in sources() if each.suffix == ".py"]


def namespace(source: Path) -> str:
    """Return the namespace for a file: the Twisted module of which it implements a part."""
    room = source.parts[0].removesuffix(".py").strip("_")
    return f"twisted.protocols.{room if room in ('amp', 'ftp') else 'basic'}"


def loggers(text: str) -> Iterator[str]:
    """
    Return the namespaces of the loggers in a file's source.  A logger without one has its own
    module's.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Logger":
            said = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "namespace")]
            yield str(ast.literal_eval(said[0])) if said else "its own"


class TestNamespaces:
    """
    C{LogLevelFilterPredicate.setLogLevelForNamespace("twisted", ...)} applies to our messages, too.
    """

    @pytest.mark.parametrize("source", FILES, ids=str)
    def test_each(self, source: Path) -> None:
        """Each logger has Twisted's namespace."""
        text = (PACKAGE / source).read_text(encoding="utf-8")
        assert {*loggers(text)} <= {namespace(source)}

    def test_legacy(self) -> None:
        """Messages that Twisted logs with the legacy API are logged with it, and no others."""
        old = {str(each) for each in FILES if "log.msg(" in (PACKAGE / each).read_text(encoding="utf-8")}
        assert {each for each in old if namespace(Path(each)).endswith("basic")} == {"_receiving/stateful.py"}
        assert {namespace(Path(each)) for each in old} == {"twisted.protocols.basic", "twisted.protocols.ftp"}

    def test_found(self) -> None:
        """Loggers are found anywhere in a file, and both namespaces occur."""
        text = "class A:\n    log = logger.Logger()\n_log = Logger('a')\ndef f(): Logger(namespace='b')"
        assert sorted(loggers(text)) == ["a", "b", "its own"]
        found = {name for each in FILES for name in loggers((PACKAGE / each).read_text(encoding="utf-8"))}
        assert found >= {"twisted.protocols.amp", "twisted.protocols.basic"}
