"""
Draws the structure of the package: the imports between its folders, the purpose of each file, and
the call trees for bytes and AMP calls.

usage: python -m tools.architecture      (writes docs/architecture; run it after files were moved or
renamed)

This file reads the imports from the source code and does not execute it.  C{tools/travels.py}
executes the traced calls.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

from tests.project.sources import PACKAGE, ROOT, imports, moduleName, sources

__all__ = ["main", "texts"]

TARGET = ROOT / "docs" / "architecture"

#: A folder with fewer files than this gets no picture.
_FEW = 3

#: The sizes in a picture, in SVG units.
_LETTER, _HEIGHT, _GAP, _ROW, _MARGIN = 7.3, 30, 18, 76, 16

Graph = dict[str, set[str]]


def _rooms() -> dict[str, list[Path]]:
    """
    Return the source files of each folder of the package, by the folder's path.  The top-level
    files have the path C{""}.
    """
    found: dict[str, list[Path]] = {"": []}
    for source in sources():
        room = "/".join(source.parts[:-1])
        if source.suffix == ".py":
            found.setdefault(room, []).append(source)
    return found


def _childOf(room: str, module: str) -> str | None:
    """
    Return the name of the box for C{module} in the picture of C{room}: the file, or the folder that
    contains it.
    """
    prefix = room.replace("/", ".") + "." if room else ""
    if not module.startswith(prefix) or module in ("", prefix[:-1]):
        return None
    child = module[len(prefix) :].partition(".")[0]
    if child == "__main__":
        return None
    return f"{child}/" if (PACKAGE / room / child).is_dir() else child


def _imports(source: Path) -> set[str]:
    """
    Return the modules that a file imports, including lazy imports that it names in a string, such
    as C{"._receiving.lines:LineReceiver"}.
    """
    late = re.findall(r'"\.([\w.]+):\w+"', (PACKAGE / source).read_text(encoding="utf-8"))
    return imports(source) | {".".join([*source.parts[:-1], each]) for each in late}


def _graph(room: str) -> Graph:
    """Return the imports between the files and folders of C{room}."""
    graph: Graph = {}
    modules = {moduleName(each): each for each in sources() if each.suffix == ".py"}
    for module, source in modules.items():
        child = _childOf(room, module)
        if child is None:
            continue
        found = {_childOf(room, each) for each in _imports(source) & modules.keys()}
        graph.setdefault(child, set()).update(each for each in found if each not in (None, child))
    return graph


def _heights(graph: Graph) -> dict[str, int]:
    """Return the row of each box.  A box is above everything that it imports from."""
    heights: dict[str, int] = {}

    def height(name: str, above: tuple[str, ...] = ()) -> int:
        if name not in heights:
            below = [height(each, (*above, name)) for each in graph[name] if each not in above]
            heights[name] = 1 + max(below, default=-1)
        return heights[name]

    for name in sorted(graph):
        height(name)
    return heights


def _below(graph: Graph, name: str) -> set[str]:
    """Return everything that C{name} imports from, directly or indirectly."""
    found: set[str] = set()
    waiting = [*graph[name]]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += graph[each]
    return found


def _arrows(graph: Graph) -> list[tuple[str, str]]:
    """Return the imports that are not implied by a chain of other imports."""
    return [
        (name, each)
        for name in sorted(graph)
        for each in sorted(graph[name])
        if not any(each in _below(graph, other) for other in graph[name] - {each})
    ]


def _places(graph: Graph) -> dict[str, tuple[float, float, float]]:
    """Return the position of each box: its left edge, its top edge and its width."""
    heights = _heights(graph)
    rows = [sorted(name for name in graph if heights[name] == each) for each in range(max(heights.values()) + 1)]
    widths = {name: len(_label(name)) * _LETTER + 22 for name in graph}
    total = max(sum(widths[name] + _GAP for name in row) for row in rows)
    found: dict[str, tuple[float, float, float]] = {}
    for number, row in enumerate(rows):
        row.sort(key=lambda name: (_middle(found, graph[name]), name))
        left = _MARGIN + (total - sum(widths[name] + _GAP for name in row)) / 2
        for name in row:
            found[name] = (left, _MARGIN + (len(rows) - 1 - number) * _ROW, widths[name])
            left += widths[name] + _GAP
    return found


def _middle(places: Mapping[str, tuple[float, float, float]], names: Iterable[str]) -> float:
    """Return the mean horizontal center of these boxes."""
    found = [places[each][0] + places[each][2] / 2 for each in names if each in places]
    return sum(found) / len(found) if found else 0.0


def _label(name: str) -> str:
    return name.strip("_")


def _draw(graph: Graph, title: str, isPublic: bool) -> str:
    """
    Draw each box above the boxes that it imports from.  In a public room, public boxes have another
    colour.
    """
    places = _places(graph)
    width = max(left + size for left, _, size in places.values()) + _MARGIN
    height = max(top for _, top, _ in places.values()) + _HEIGHT + _MARGIN
    extent = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {extent} font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
    ]
    for upper, lower in _arrows(graph):
        (left, top, size), (left2, top2, size2) = places[upper], places[lower]
        x, y, x2, y2 = left + size / 2, top + _HEIGHT, left2 + size2 / 2, top2
        bend = (y2 - y) / 2
        lines.append(
            f'<path d="M{x:.1f} {y:.1f} C{x:.1f} {y + bend:.1f} {x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"'
            ' fill="none" stroke="#9aa5b1" stroke-width="1.2"/>'
        )
    for name, (left, top, size) in sorted(places.items()):
        fill = "#dcecff" if isPublic and not name.startswith("_") else "#f1f3f5"
        box = f'x="{left:.1f}" y="{top:.1f}" width="{size:.1f}" height="{_HEIGHT}" rx="5"'
        text = f'x="{left + size / 2:.1f}" y="{top + 20:.1f}" text-anchor="middle"'
        lines.append(f'<rect {box} fill="{fill}" stroke="#52606d"/>')
        lines.append(f'<text {text} fill="#1f2933">{escape(_label(name))}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _summary(source: Path) -> str:
    """Return the first sentence of a file's docstring, as reStructuredText."""
    text = ast.get_docstring(ast.parse((PACKAGE / source).read_text(encoding="utf-8"))) or ""
    first = " ".join(text.partition("\n\n")[0].split())
    sentence = re.split(r"(?<=\.) +(?=[A-Z])", first)[0]
    return re.sub(r"[A-Z]\{([^}]*)\}", r"``\1``", sentence)


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    lines = [".. list-table::", "   :widths: 26 74", ""]
    for name, text in rows:
        lines += [f"   * - ``{name}``", f"     - {text}"]
    return [*lines, ""]


def _map(rooms: Mapping[str, list[Path]], drawn: Mapping[str, str]) -> str:
    """Write the purpose of each folder and file, with the pictures."""
    lines: list[str] = []
    for room, files in sorted(rooms.items()):
        title = f"``{room}/``" if room else "The rooms"
        lines += [title, "~" * len(title), ""]
        if room:
            own = next((each for each in files if each.name == "__init__.py"), None)
            lines += [_summary(own), ""] if own else []
        if room in drawn:
            lines += [
                f".. image:: architecture/{drawn[room]}",
                f"   :alt: Which files in {room or 'the package'} import from which.",
                "",
            ]
        folders = [each for each in rooms if each and "/".join(each.split("/")[:-1]) == room]
        own = [(f"{each.split('/')[-1]}/", _summary(Path(each, "__init__.py"))) for each in folders if _isPackage(each)]
        rows = own + [(each.name, _summary(each)) for each in files if each.name != "__init__.py"]
        lines += _table(sorted(rows, key=lambda row: row[0].lstrip("_"))) if rows else []
    return "\n".join(lines).rstrip() + "\n"


def _isPackage(room: str) -> bool:
    return (PACKAGE / room / "__init__.py").exists()


def _travel(name: str) -> str:
    """Return the call tree of one scenario, recorded on the pure build in a separate process."""
    environment = {**os.environ, "TWISTED_BASIC_NG_PURE": "1", "TWISTED_BASIC_NG_SWAP": "0"}
    command = [sys.executable, "-m", "tools.travels", name]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def texts() -> dict[Path, str]:
    """Return the text of each generated file, by its path."""
    found: dict[Path, str] = {}
    drawn: dict[str, str] = {}
    rooms = _rooms()
    for room in rooms:
        graph = _graph(room)
        if len(graph) >= _FEW:
            drawn[room] = f"{room.replace('/', '-').replace('_', '') or 'rooms'}.svg"
            found[TARGET / drawn[room]] = _draw(graph, f"Imports in twisted_basic_ng/{room}", not room.startswith("_"))
    found[TARGET / "map.txt"] = _map(rooms, drawn)
    for name in ("lines", "call", "answering", "answered"):
        found[TARGET / f"{name}.txt"] = _travel(name)
    return found


def main() -> None:
    """Write all files, and delete files that are no longer generated."""
    found = texts()
    TARGET.mkdir(exist_ok=True)
    for each in set(TARGET.iterdir()) - found.keys():
        each.unlink()
    for path, text in found.items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
