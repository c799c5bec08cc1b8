"""
The directive that builds the pages of the API reference.

::

    .. reference:: twisted_basic_ng.amp

       AMP
       BinaryBoxProtocol

documents these names of the module.  The signatures and types come from the code, the rest from the
docstrings.  A class shows its own members and those of its private bases.  Members of public bases
are listed with links.  Without names, the directive documents all names in the module's C{__all__}.
"""

from __future__ import annotations

import ast
import builtins
import collections.abc
import inspect
import re
import sys
import typing
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import epytext
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import safe_getattr
from zope.interface import implementedBy
from zope.interface.interface import InterfaceClass, Method

import twisted_basic_ng

__all__ = ["setup"]

_PACKAGE = twisted_basic_ng.__name__
_SOURCES = [each for each in Path(twisted_basic_ng.__file__).parent.rglob("*.py") if each.parent.name != "startup"]

#: Where Twisted documents its names.
_TWISTED = "https://docs.twisted.org/en/stable/api/"

#: Types whose values are shown.
_PLAIN = (bool, bytes, int, float, str, type(None))


def _trees() -> list[ast.Module]:
    return [ast.parse(each.read_text(encoding="utf-8")) for each in _SOURCES]


@cache
def _imported() -> dict[str, str]:
    """Return the full name of each name that a file of the package imports from another package."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level
        for alias in node.names
    }


@cache
def _aliases() -> dict[str, str]:
    """Return the types that the package's private type aliases stand for."""
    found = {}
    for tree in _trees():
        for node in tree.body:
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias" and node.value:
                value = node.value
                text = value.value if isinstance(value, ast.Constant) else ast.unparse(value)
                found[ast.unparse(node.target)] = str(text)
    return {name: text.replace("ArgumentType", "IArgumentType") for name, text in found.items()}


@cache
def _ownClasses() -> set[str]:
    """Return the names of all classes that the package defines."""
    return {node.name for tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _readable(annotation: str) -> str:
    """Write a type without private names."""
    for name, text in _aliases().items():
        annotation = re.sub(rf"(?<![\w.]){name}\b", lambda _, text=text: text, annotation)
    return annotation


def _modules() -> list[ModuleType]:
    """Return the loaded modules of the package."""
    return [each for name, each in sorted(sys.modules.items()) if name.partition(".")[0] == _PACKAGE and each]


@cache
def _comments(name: str) -> dict[tuple[str, str], list[str]]:
    """Return the comments beginning with C{#:} on the variables of a module and of its classes."""
    try:
        return dict(ModuleAnalyzer.for_module(name).find_attr_docs())
    except Exception:
        return {}


def _comment(owner: str, name: str, value: object) -> list[str]:
    """Find the comment on a variable, in any file of the package."""
    for module in _modules():
        lines = _comments(module.__name__).get((owner, name))
        if lines and (owner or vars(module).get(name) is value):
            return epytext.read("\n".join(lines)).body
    return []


class _Writer:
    """
    Writes the reStructuredText that documents public names of a module.

    @ivar lines: the lines written so far.
    """

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.lines: list[str] = [f".. py:currentmodule:: {module.__name__}", ""]

    def write(self, name: str) -> None:
        """Document a name."""
        thing = getattr(self.module, name)
        if isinstance(thing, InterfaceClass) and thing.__module__ == self.module.__name__:
            self._interface(name, thing)
        elif isinstance(thing, type) and thing.__module__.startswith(_PACKAGE):
            self._class(name, thing)
        elif callable(thing) and getattr(thing, "__module__", "").startswith(_PACKAGE):
            self._callable("function", name, thing)
        else:
            self._data(name, thing)

    def _put(self, head: str, *blocks: list[str], depth: int = 0) -> None:
        indent = "   " * depth
        self.lines += [indent + head, *("   " + indent + line for block in blocks for line in ["", *block]), ""]

    def _data(self, name: str, thing: object) -> None:
        options = []
        if isinstance(thing, _PLAIN) and name != "__version__":
            options = [f":type: {type(thing).__name__}", f":value: {thing!r}"]
        text = _comment("", name, thing)
        if not text:
            text = [f"The same as in Twisted: {_origin(thing)}."] if name in dir(self._twisted()) else []
        self.lines += [f".. py:data:: {name}", *(f"   {each}" for each in options), ""]
        self.lines += [*(f"   {line}" for line in text), ""]

    def _twisted(self) -> ModuleType:
        """Return Twisted's counterpart of this module, or an empty module if there is none."""
        name = self.module.__name__.rpartition(".")[2]
        if name not in ("amp", "basic", "ftp"):
            return ModuleType(name)
        return import_module(f"twisted.protocols.{name}")

    def _callable(
        self, kind: str, name: str, thing: Any, depth: int = 0, option: str = "", instead: Sequence[str] = ()
    ) -> None:
        found = epytext.read(thing.__doc__)
        try:
            arguments = _arguments(thing, isBound=kind == "method" and not option)
        except (TypeError, ValueError):
            arguments = "()"
        indent = "   " * depth
        self.lines.append(f"{indent}.. py:{kind}:: {name}{_readable(arguments)}")
        if option:
            self.lines.append(f"{indent}   :{option}:")
        self.lines += ["", *(f"{indent}   {line}" for line in [*(found.body or instead), *found.fields]), ""]

    def _interface(self, name: str, interface: Any) -> None:
        self._put(f".. py:class:: {name}", ["An interface.", "", *epytext.read(interface.__doc__).body])
        for each, method in interface.namesAndDescriptions():
            found = epytext.read(method.__doc__)
            if isinstance(method, Method):
                parameters = _methodSignature(interface, each)
                self._put(f".. py:method:: {each}{_readable(parameters)}", found.body, found.fields, depth=1)

    def _class(self, name: str, kind: type) -> None:
        documentation = epytext.read(kind.__dict__.get("__doc__"))
        directive = "exception" if issubclass(kind, BaseException) else "class"
        body = [*_bases(kind), *documentation.body]
        arguments, fields = self._constructor(kind)
        self._put(f".. py:{directive}:: {name}{arguments}", body, fields)
        self._attributes(kind)
        for each, found in _members(kind):
            self._member(kind, each, found)
        inherited = _inherited(kind)
        if inherited:
            self.lines += [f"   {line}" for line in inherited]
            self.lines.append("")

    def _constructor(self, kind: type) -> tuple[str, list[str]]:
        """
        Return the parameters of a class's constructor, and their descriptions from its docstring.
        """
        for base in kind.__mro__:
            made = base.__dict__.get("__init__")
            if inspect.isfunction(made) and _isOurs(base):
                arguments = _arguments(made, isBound=True, returns=False)
                return _readable(arguments), epytext.read(made.__doc__).fields
            if made is not None and base.__module__ != "zope.interface":
                break
        return "", []

    def _attributes(self, kind: type) -> None:
        for name, text in _documented(kind).items():
            options = [f":type: {_readable(found)}"] if (found := _typeOf(kind, name)) else []
            value = inspect.getattr_static(kind, name, ...)
            if isinstance(value, _PLAIN) and len(repr(value)) < 60:
                options.append(f":value: {value!r}")
            self.lines += [f"   .. py:attribute:: {name}", *(f"      {each}" for each in options), ""]
            self.lines += [*(f"      {line}" for line in _sentence(text)), ""]

    def _member(self, kind: type, name: str, found: Any) -> None:
        if isinstance(found, property):
            annotation = getattr(found.fget, "__annotations__", {}).get("return", "")
            option = [f"      :type: {_readable(str(annotation))}"] if annotation else []
            text = epytext.read(found.__doc__)
            self.lines += [f"   .. py:property:: {name}", *option, ""]
            self.lines += [*(f"      {line}" for line in text.body), ""]
        elif isinstance(found, (classmethod, staticmethod)):
            option = type(found).__name__
            self._callable("method", name, found.__get__(None, object), depth=1, option=option)
        else:
            self._callable("method", name, found, depth=1, instead=_overridden(kind, name))


class _Text:
    """Stands for a type or a default value.  Its C{repr} is the text itself."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _arguments(function: Any, isBound: bool, returns: bool = True) -> str:
    """Write a function's parameters as in its source.  C{self} is left out for a method."""
    found = inspect.signature(function)
    parameters = [
        each.replace(annotation=_annotation(each.annotation), default=_default(each.default))
        for each in found.parameters.values()
    ]
    returned = _annotation(found.return_annotation) if returns else found.empty
    return str(found.replace(parameters=parameters[isBound:], return_annotation=returned))


def _annotation(annotation: Any) -> Any:
    return _Text(annotation) if isinstance(annotation, str) else annotation


def _default(value: Any) -> Any:
    """Return a short default value as it is, and dots for any other."""
    return value if value is inspect.Parameter.empty or isinstance(value, _PLAIN) else _Text("...")


def _sentence(lines: list[str]) -> list[str]:
    """Capitalize the first letter."""
    return [lines[0][:1].upper() + lines[0][1:], *lines[1:]] if lines else lines


def _origin(thing: object) -> str:
    """Say what an object of another package is."""
    if isinstance(thing, ModuleType):
        return f"the module ``{thing.__name__}``"
    kind = thing if isinstance(thing, type) or callable(thing) else type(thing)
    name = f"{kind.__module__.lstrip('_')}.{kind.__name__}"  # type: ignore[attr-defined]
    return f"``{name}``" if kind is thing else f"a ``{name}``"


def _methodSignature(interface: Any, name: str) -> str:
    """
    Return the parameters and types of an interface's method, as they are written in the source.
    """
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name == interface.__name__:
                for each in node.body:
                    if isinstance(each, ast.FunctionDef) and each.name == name:
                        returned = f" -> {ast.unparse(each.returns)}" if each.returns else ""
                        return f"({ast.unparse(each.args)}){returned}"
    raise LookupError(f"{interface.__name__}.{name}")


def _isOurs(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == _PACKAGE


def _isPublic(kind: type) -> bool:
    """Whether a class has its own entry in the reference."""
    module = sys.modules.get(kind.__module__)
    return _isOurs(kind) and kind.__name__ in getattr(module, "__all__", ()) and "._" not in kind.__module__


def _bases(kind: type) -> list[str]:
    """Name the nearest public bases of a class, and the interfaces that it declares."""
    found: list[type] = []
    for base in kind.__bases__:
        shown = next(each for each in base.__mro__ if _isPublic(each) or not _isOurs(each))
        if shown is not object and shown not in found:
            found.append(shown)
    links = ", ".join(f":py:class:`~{each.__module__}.{each.__qualname__}`" for each in found)
    provided = [each for base in _ownRow(kind) for each in implementedBy(base).declared]
    interfaces = ", ".join(f":py:class:`~{each.__module__}.{each.__name__}`" for each in provided)
    lines = {"Bases": links, "Provides": interfaces}
    return [line for label, text in lines.items() if text for line in (f"{label}: {text}", "")]


def _ownRow(kind: type) -> list[type]:
    """
    Return the class and its private bases.  Members of private bases are documented as the class's
    own.
    """
    public = {inner for each in kind.__mro__[1:] if _isPublic(each) for inner in each.__mro__}
    return [each for each in kind.__mro__ if each is kind or (_isOurs(each) and each not in public)]


def _documented(kind: type) -> dict[str, list[str]]:
    """Return the documentation of a class's public attributes, from docstrings and comments."""
    found: dict[str, list[str]] = {}
    for each in reversed(_ownRow(kind)):
        found |= epytext.read(each.__dict__.get("__doc__")).attributes
        for name in each.__dict__:
            text = [] if name.startswith("_") or name in found else _comment(each.__name__, name, None)
            if not text and name not in found and isinstance(each.__dict__[name], _PLAIN):
                text = _overriddenAttribute(kind, name)
            if text:
                found[name] = text
    return {name: text for name, text in found.items() if not name.startswith("_")}


def _overriddenAttribute(kind: type, name: str) -> list[str]:
    """Name the documented attribute that a class overrides with another value."""
    for each in kind.__mro__[1:]:
        if _isPublic(each) and name in epytext.read(each.__dict__.get("__doc__")).attributes:
            return [f"Overrides :py:attr:`{each.__name__}.{name} <{each.__module__}.{each.__name__}.{name}>`."]
    return []


def _members(kind: type) -> list[tuple[str, Any]]:
    """Return a class's public methods and properties, in source order."""
    found: dict[str, Any] = {}
    for each in _ownRow(kind):
        for name, value in each.__dict__.items():
            isMember = inspect.isfunction(value) or isinstance(value, (property, classmethod, staticmethod))
            if isMember and not name.startswith("_") and name not in found:
                found[name] = value
    return list(found.items())


def _inherited(kind: type) -> list[str]:
    """List the members that a class inherits from its public bases."""
    lines: list[str] = []
    seen = {*_documented(kind), *(name for name, _ in _members(kind))}
    for base in kind.__mro__[1:]:
        if not _isPublic(base) or base in _ownRow(kind):
            continue
        names = [*sorted(_documented(base)), *(name for name, _ in _members(base))]
        place = f"{base.__module__}.{base.__name__}"
        links = ", ".join(f":py:obj:`~{place}.{name}`" for name in names if name not in seen)
        seen |= set(names)
        if links:
            lines.append(f":of {base.__name__}: {links}")
    return [".. rubric:: Inherited", "", *lines] if lines else []


def _overridden(kind: type, name: str) -> list[str]:
    """Name the documented method that a class overrides with a method without a docstring."""
    for each in kind.__mro__[1:]:
        if _isPublic(each) and getattr(each.__dict__.get(name), "__doc__", None):
            return [f"Overrides :py:meth:`{each.__name__}.{name} <{each.__module__}.{each.__name__}.{name}>`."]
    return []


def _typeOf(kind: type, name: str) -> str:
    """
    Return the type of an attribute, from its annotation, its value, or the constructor's parameter
    of that name.
    """
    for each in kind.__mro__:
        annotation = inspect.get_annotations(each).get(name)
        if annotation:
            text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
            return re.sub(r"^(ClassVar|Final)(\[(.*)\])?$", r"\3", text.strip("'"))
    value = safe_getattr(kind, name, None)
    if isinstance(value, _PLAIN) and value is not None:
        return type(value).__name__
    for each in kind.__mro__:
        made = each.__dict__.get("__init__")
        if inspect.isfunction(made) and _isOurs(each):
            annotation = made.__annotations__.get(name)
            return annotation if isinstance(annotation, str) else ""
    return ""


class Reference(SphinxDirective):
    """Documents names of a module."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Write the documentation of the names, and parse it."""
        module = import_module(self.arguments[0])
        twisted_basic_ng.uninstall()  # importing the pytest plugin installs the swap
        writer = _Writer(module)
        for name in [each.strip() for each in self.content if each.strip()] or sorted(module.__all__):
            writer.write(name)
        source = f"<{module.__name__}>"
        parent = nodes.container()
        content = StringList([line.rstrip() for line in writer.lines], source)
        self.state.nested_parse(content, self.content_offset, parent, match_titles=True)
        return parent.children


def _findElsewhere(_app: Sphinx, _env: Any, node: nodes.Element, text: nodes.Node) -> nodes.Node | None:
    """
    Resolve a name that the reference does not have: link Twisted's names, and show other foreign
    names as plain text.
    """
    target = str(node.get("reftarget", ""))
    if node.get("refdomain") != "py":
        return None
    place = target if "." in target else _imported().get(target, target)
    module, _, name = place.rpartition(".")
    if module.startswith("twisted."):
        return nodes.reference("", "", text, internal=False, refuri=f"{_TWISTED}{place}.html")
    isKnown = bool(module) or any(hasattr(each, target) for each in (builtins, typing, collections.abc))
    isPrivate = name.startswith("_") or "._" in place or target in _ownClasses()
    return text if (isKnown and not module.startswith(_PACKAGE)) or isPrivate else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive with Sphinx."""
    app.add_directive("reference", Reference)
    app.connect("missing-reference", _findElsewhere)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
