"""
Implements the part of JSON Schema that vectors.schema.json uses, so that the tests need no other
package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["errors"]

_TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}

#: The supported keywords.  Any other is an error in the schema.
_KNOWN = {
    *("$schema", "$defs", "$ref", "title", "type", "required", "properties", "additionalProperties", "items"),
    *("minItems", "maxItems", "minProperties", "pattern", "enum", "const", "anyOf", "allOf"),
}


def errors(schema: dict[str, Any], data: Any, root: dict[str, Any] | None = None, where: str = "") -> Iterator[str]:
    """
    Yield where C{data} does not match C{schema}.

    @raise ValueError: the schema has an unsupported keyword.
    """
    if not _KNOWN.issuperset(schema):
        raise ValueError(f"not understood: {sorted({*schema} - _KNOWN)}")
    root = schema if root is None else root
    if "$ref" in schema:
        yield from errors(root["$defs"][schema["$ref"].rpartition("/")[2]], data, root, where)
    for each in schema.get("allOf", ()):
        yield from errors(each, data, root, where)
    if "anyOf" in schema and all([*errors(each, data, root, where)] for each in schema["anyOf"]):
        yield f"{where}: none of the forms: {data!r:.80}"
    if "const" in schema and data != schema["const"]:
        yield f"{where}: not {schema['const']!r}: {data!r:.80}"
    if "enum" in schema and data not in schema["enum"]:
        yield f"{where}: none of the words: {data!r:.80}"
    kind = schema.get("type")
    if kind and (not isinstance(data, _TYPES[kind]) or (kind == "integer" and isinstance(data, bool))):
        yield f"{where}: no {kind}: {data!r:.80}"
    elif isinstance(data, dict):
        yield from _errorsOfObject(schema, data, root, where)
    elif isinstance(data, list):
        yield from _errorsOfArray(schema, data, root, where)
    elif isinstance(data, str) and not re.search(schema.get("pattern", ""), data):
        yield f"{where}: not of this form: {data!r:.80}"


def _errorsOfObject(schema: dict[str, Any], data: dict[str, Any], root: dict[str, Any], where: str) -> Iterator[str]:
    yield from (f"{where}: without {each}" for each in schema.get("required", ()) if each not in data)
    if len(data) < schema.get("minProperties", 0):
        yield f"{where}: empty"
    properties = schema.get("properties", {})
    for name, each in data.items():
        if name in properties:
            yield from errors(properties[name], each, root, f"{where}/{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{where}: {name} is unknown"


def _errorsOfArray(schema: dict[str, Any], data: list[Any], root: dict[str, Any], where: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(data) <= schema.get("maxItems", len(data)):
        yield f"{where}: {len(data)} items"
    for index, each in enumerate(data):
        yield from errors(schema.get("items", {}), each, root, f"{where}/{index}")
