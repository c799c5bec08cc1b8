"""
Turns a docstring in epytext into reStructuredText.

pydoctor's parser reads the docstring.  This file knows nothing of Sphinx except the names of its
roles and fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import TYPE_CHECKING

from pydoctor.epydoc.markup.epytext import parse

if TYPE_CHECKING:
    from pydoctor.epydoc.markup import ParseError
    from pydoctor.epydoc.markup.epytext import Element

__all__ = ["Docstring", "EpytextError", "read"]

#: Sphinx's names for the fields of a function.
_FIELDS = {"param": "param", "return": "returns", "raise": "raises"}

#: The fields that document attributes.
_ATTRIBUTES = {"ivar", "cvar", "var"}

#: The characters that are reStructuredText markup inside a sentence.
_MARKUP = re.compile(r"([\\*`|_])")


class EpytextError(ValueError):
    """Raised for a docstring that is not valid epytext, or has an unknown tag."""


@dataclass
class Docstring:
    """
    A docstring as lines of reStructuredText.

    @ivar body: the text, without fields.
    @ivar fields: the fields of a function: parameters, return value, errors raised.
    @ivar attributes: the text of each attribute, by its name.
    """

    body: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    attributes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first paragraph, on one line."""
        lines = "\n".join(self.body).split("\n\n", 1)[0]
        return " ".join(lines.split())


def read(text: str | None) -> Docstring:
    """
    Read a docstring.

    @raise EpytextError: the docstring is not valid epytext.
    """
    found = Docstring()
    errors: list[ParseError] = []
    tree = parse(cleandoc(text or ""), errors)
    if errors or tree is None:
        raise EpytextError(f"{errors} in {text!r}")
    for block in _elements(tree):
        if block.tag != "fieldlist":
            found.body += _block(block)
            continue
        for each in _elements(block):
            _addField(found, each)
    return found


def _addField(found: Docstring, element: Element) -> None:
    """Add a field to C{found}."""
    tag, *rest = _elements(element)
    name = _text(tag)
    argument = ""
    if rest and rest[0].tag == "arg":
        argument = _text(rest.pop(0))
    lines = [line for block in rest for line in _block(block)]
    if name in _ATTRIBUTES:
        found.attributes[argument] = lines
    elif name in _FIELDS:
        head = f":{' '.join(filter(None, (_FIELDS[name], argument)))}:"
        found.fields += [f"{head} {lines[0]}".rstrip(), *(f"    {line}".rstrip() for line in lines[1:])]
    else:
        raise EpytextError(f"the tag @{name} is not known")


def _elements(element: Element) -> list[Element]:
    return [each for each in element.children if not isinstance(each, str)]


def _text(element: Element) -> str:
    """Return the text of an element, without markup."""
    return "".join(each if isinstance(each, str) else _text(each) for each in element.children)


def _block(element: Element) -> list[str]:
    """Write a paragraph, a list or a literal block, followed by an empty line."""
    if element.tag == "para":
        return ["".join(_inline(each) for each in element.children), ""]
    if element.tag in ("literalblock", "doctestblock"):
        return ["::", "", *(f"    {line}".rstrip() for line in _text(element).splitlines()), ""]
    if element.tag in ("ulist", "olist"):
        return [line for item in _elements(element) for line in _item(item, "-" if element.tag == "ulist" else "#.")]
    raise EpytextError(f"a {element.tag} is not known")


def _item(element: Element, bullet: str) -> list[str]:
    first, *rest = [line for block in _elements(element) for line in _block(block)]
    indent = " " * (len(bullet) + 1)
    return [f"{bullet} {first}", *(f"{indent}{line}".rstrip() for line in rest)]


def _inline(element: Element | str) -> str:
    """
    Write plain text or an inline element.  A backslash and a space separate a role from adjacent
    text.
    """
    if isinstance(element, str):
        return _MARKUP.sub(r"\\\1", element)
    if element.tag == "code":
        return rf"\ ``{_text(element)}``\ "
    if element.tag == "link":
        return rf"\ :py:obj:`~{_text(_elements(element)[1])}`\ "
    if element.tag == "uri":
        label, target = (_text(each) for each in _elements(element))
        return rf"\ `{label} <{target}>`__\ " if label != target else rf"\ {target}\ "
    mark = {"italic": "*", "bold": "**"}.get(element.tag)
    if mark is None:
        raise EpytextError(f"a {element.tag} is not known")
    return rf"\ {mark}{_text(element)}{mark}\ "
