"""
The directive C{two-builds}: shows the Python and the Cython source of each function that has two
builds.

The list of functions comes from the Cython sources, so the page is complete.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from twisted_basic_ng import _accelerate

__all__ = ["TwoBuilds", "compiled", "setup"]

_FOLDER = Path(_accelerate.__file__).parent


def compiled(module: str) -> dict[str, str]:
    """
    Return the compiled functions of C{module}, for example C{framing}: the source of each, by its
    name.
    """
    source = (_FOLDER / f"{module}_ext.pyx").read_text(encoding="utf-8")
    blocks = re.split(r"\n\n\n", source)
    return {block.split("(")[0].removeprefix("def "): block.rstrip() for block in blocks if block.startswith("def ")}


class TwoBuilds(SphinxDirective):
    """Shows the functions of the modules that are given as the directive's argument."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return a section for each function."""
        return [
            self._section(module, name, source)
            for module in self.arguments[0].split()
            for name, source in compiled(module).items()
        ]

    def _section(self, module: str, name: str, source: str) -> nodes.Node:
        pure = inspect.getsource(getattr(import_module(f"twisted_basic_ng._accelerate.{module}"), name))
        section = nodes.section("", nodes.title(name, name), ids=[nodes.make_id(name)])
        section += nodes.literal_block(pure, pure.rstrip(), language="python")
        section += nodes.literal_block(source, source, language="cython")
        return section


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("two-builds", TwoBuilds)
    return {"parallel_read_safe": True}
