"""Tests for both builds of L{twisted_basic_ng._accelerate.values}."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, strategies as st

from twisted_basic_ng import amp
from twisted_basic_ng._accelerate import values as pure
from twisted_basic_ng.amp._names import IDENTIFIERS
from twisted_basic_ng.amp._schema import HOOKS

try:
    from twisted_basic_ng._accelerate import values_ext
except ImportError:
    values_ext = pure  # type: ignore[assignment]

BUILDS: list[Any] = [pure, values_ext]


def byHooks(strings: Any, arglist: Any, objects: dict[str, Any], proto: Any) -> None:
    """Read a box hook by hook, as the interface specifies."""
    remaining = strings.copy()
    for name, argument in arglist:
        argument.fromBox(name, remaining, objects, proto)


def writtenByHooks(objects: Any, arglist: Any, strings: Any, proto: Any) -> None:
    """Write a box hook by hook, as the interface specifies."""
    remaining = objects.copy()
    for name, argument in arglist:
        argument.toBox(name, strings, remaining, proto)


class Hooked(amp.Integer):
    """Overrides C{fromString} and C{toString}, which are called last."""

    def fromString(self, inString: bytes) -> Any:
        return ("hooked", inString)

    def toString(self, inObject: Any) -> bytes:
        return b"hooked %r" % (inObject,)


class Retrieving(amp.String):
    """Overrides C{retrieve}."""

    def retrieve(self, d: Any, name: Any, proto: Any) -> Any:
        return b"%d left for %s" % (len(d), proto)


class Boxed(amp.String):
    """Overrides C{fromBox} and C{toBox}, which are called first, and uses the remaining values."""

    def fromBox(self, name: bytes, strings: Any, objects: dict[str, Any], proto: Any) -> None:
        objects["boxed"] = sorted(strings.items())

    def toBox(self, name: bytes, strings: Any, objects: dict[str, Any], proto: Any) -> None:
        strings[b"boxed"] = repr(sorted(objects)).encode()


class WithProto(amp.Argument):
    """Overrides the hooks that get the protocol."""

    def fromStringProto(self, inString: bytes, proto: Any) -> Any:
        return (inString, proto)

    def toStringProto(self, inObject: Any, proto: Any) -> bytes:
        return b"%r with %s" % (inObject, proto)


class Searching(amp.String):
    """Overrides C{__getattribute__}."""

    def __getattribute__(self, name: str) -> Any:
        if name == "fromString":
            return lambda string: ("searched", string)
        if name == "toString":
            return lambda value: b"searched"
        return super().__getattribute__(name)


class OptionalByClass(amp.Integer):
    """Defines C{optional} on its class only."""

    optional = True

    def __init__(self) -> None:
        pass


class OptionalByProperty(amp.Integer):
    """Defines C{optional} in a property that contradicts its dictionary."""

    optional = property(lambda self: True)  # type: ignore[assignment]

    def __init__(self) -> None:
        self.__dict__["optional"] = False


class OptionalBySlot(amp.Integer):
    """Defines C{optional} in a slot."""

    __slots__ = ("optional",)


class Slotted:
    """An argument type without a base class or dictionary."""

    __slots__ = ()
    optional = False

    def fromBox(self, name: bytes, strings: Any, objects: dict[str, Any], proto: Any) -> None:
        objects["slotted"] = strings.pop(name, None)

    def toBox(self, name: bytes, strings: Any, objects: dict[str, Any], proto: Any) -> None:
        strings[name] = b"slotted"


class SubclassedBox(amp.AmpBox):
    """An application's subclass of a box."""


def onInstance(name: str, function: Callable[..., Any]) -> Any:
    """Return an argument with a hook on the instance."""
    argument = amp.Integer()
    setattr(argument, name, function)
    return argument


def noOptional() -> Any:
    """Return an argument whose C{optional} is that of the class."""
    argument = amp.String()
    del argument.optional
    return argument


ARGUMENTS: list[Any] = [
    *(
        kind(optional)
        for kind in (amp.Integer, amp.String, amp.Unicode, amp.Boolean, amp.Float)
        for optional in (False, True)
    ),
    *(
        Hooked(),
        Hooked(True),
        Retrieving(),
        Boxed(),
        WithProto(),
        WithProto(True),
        Searching(),
        Slotted(),
        noOptional(),
        OptionalByClass(),
        OptionalByProperty(),
        OptionalBySlot(True),
    ),
    onInstance("fromString", lambda string: ("own", string)),
    onInstance("toString", lambda value: b"own"),
    onInstance("retrieve", lambda d, name, proto: d.pop(name)),
    onInstance("fromStringProto", lambda string, proto: ("own", string, proto)),
    onInstance("toStringProto", lambda value, proto: b"own with proto"),
    onInstance("optional", 1),
    onInstance("note", "nothing to do with it"),
]
NAMES = [b"a", b"b", b"a-b", b"a_b", b"class", b"c"]
STRINGS = [
    b"1",
    b"-12",
    b"",
    b"-",
    b"007",
    b" 5 ",
    b"1_0",
    b"9" * 18,
    b"9" * 30,
    b"True",
    b"x",
    b"1.5",
    "é".encode(),
    b"\xff",
]
VALUES: list[Any] = [
    0,
    7,
    -7,
    2**62,
    -(2**63),
    2**63,
    2**70,
    True,
    None,
    b"x",
    "é",
    "\ud800",
    1.5,
    bytearray(b"y"),
    object,
]


def outcome(run: Callable[[], Any]) -> Any:
    """Return the result of a function, or its error."""
    try:
        return run()
    except Exception as error:
        return type(error), str(error)


schemas = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(ARGUMENTS)), max_size=5)


class TestAlike:
    """Both builds return the same as the hooks, for any schema and values."""

    @given(
        schemas,
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from([*STRINGS, None, "text", bytearray(b"1")]), max_size=6),
        st.sampled_from([amp.AmpBox, dict, SubclassedBox]),
    )
    def test_read(self, arglist: Any, content: dict[bytes, Any], kind: Any) -> None:
        """Reading a box gives the same result."""

        def by(read: Callable[..., Any]) -> tuple[Any, Any, Any]:
            box, objects = kind(content), {}  # type: ignore[var-annotated]
            return outcome(lambda: read(box, arglist, objects, b"proto")), objects, box

        expected = by(byHooks)
        for each in BUILDS:
            found = by(lambda *args, each=each: each.readBox(*args, IDENTIFIERS, HOOKS))
            assert found == expected
            assert [type(value) for value in found[1].values()] == [type(value) for value in expected[1].values()]

    @given(
        schemas,
        st.dictionaries(st.sampled_from(["a", "b", "a_b", "Class", "c", "other"]), st.sampled_from(VALUES), max_size=6),
        st.sampled_from([amp.AmpBox, dict, SubclassedBox]),
    )
    def test_written(self, arglist: Any, objects: dict[str, Any], kind: Any) -> None:
        """Writing a box gives the same result."""

        def by(write: Callable[..., Any]) -> tuple[Any, Any, Any]:
            box, given = kind(), dict(objects)
            return outcome(lambda: write(given, arglist, box, b"proto")), box, given

        expected = by(writtenByHooks)
        for each in BUILDS:
            assert by(lambda *args, each=each: each.writeBox(*args, IDENTIFIERS, HOOKS)) == expected

    @given(schemas, st.lists(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(STRINGS), max_size=6), max_size=3))
    def test_rows(self, arglist: Any, boxes: list[dict[bytes, bytes]]) -> None:
        """Reading many boxes gives the same result."""

        def byHand(rows: list[Any]) -> None:
            for box in boxes:
                rows.append({})
                byHooks(box, arglist, rows[-1], b"proto")

        expected: list[Any] = []
        result = outcome(lambda: byHand(expected))
        for each in BUILDS:
            rows: list[Any] = []
            read = each.readBoxes
            assert outcome(lambda: read(boxes, arglist, rows, b"proto", IDENTIFIERS, HOOKS)) == result  # noqa: B023
            assert rows == expected

    @given(schemas, st.sets(st.sampled_from(["a", "b", "a_b", "Class", "c", "other"])))
    def test_compared(self, arglist: Any, names: set[str]) -> None:
        """C{areGiven} and C{areKnown} detect missing and unknown arguments."""
        objects = dict.fromkeys(names)
        expected = {IDENTIFIERS[name] for name, _ in arglist}
        for each in BUILDS:
            assert each.areGiven(arglist, objects, IDENTIFIERS) is (expected <= names)
            assert each.areKnown(arglist, objects, IDENTIFIERS) is (names <= expected)


@pytest.fixture(params=BUILDS, ids=["pure", "ext"])
def values(request: pytest.FixtureRequest) -> Any:
    """Return each build."""
    if request.param is pure and request.param_index == 1:
        pytest.skip("the extension is not built")
    return request.param


class TestPatched:
    """Hooks that are patched into our classes later are called."""

    @pytest.mark.parametrize("kind", [amp.Argument, amp.Integer, amp.String, amp.Unicode])
    @pytest.mark.parametrize("name", ["fromBox", "retrieve", "fromStringProto", "fromString"])
    def test_read(self, values: ModuleType, monkeypatch: pytest.MonkeyPatch, kind: Any, name: str) -> None:
        """Patched hooks are called for reading."""
        called: list[str] = []
        original = getattr(kind, name)

        def hook(self: Any, *args: Any) -> Any:
            called.append(name)
            return original(*args) if original is int else original(self, *args)

        monkeypatch.setattr(kind, name, hook)
        arglist = [(b"a", amp.Unicode()), (b"b", amp.Integer())]
        expected: dict[str, Any] = {}
        byHooks(amp.AmpBox(a=b"x", b=b"2"), arglist, expected, None)
        count = len(called)
        objects: dict[str, Any] = {}
        values.readBox(amp.AmpBox(a=b"x", b=b"2"), arglist, objects, None, IDENTIFIERS, HOOKS)
        assert (objects, len(called)) == (expected, 2 * count)
        rows: list[Any] = []
        values.readBoxes([amp.AmpBox(a=b"x", b=b"2")], arglist, rows, None, IDENTIFIERS, HOOKS)
        assert (rows, len(called)) == ([expected], 3 * count)

    @pytest.mark.parametrize("kind", [amp.Argument, amp.Integer, amp.String, amp.Unicode])
    @pytest.mark.parametrize("name", ["toBox", "retrieve", "toStringProto", "toString"])
    def test_written(self, values: ModuleType, monkeypatch: pytest.MonkeyPatch, kind: Any, name: str) -> None:
        """Patched hooks are called for writing."""
        called: list[str] = []
        original = getattr(kind, name)

        def hook(self: Any, *args: Any) -> Any:
            called.append(name)
            return original(self, *args)

        monkeypatch.setattr(kind, name, hook)
        arglist = [(b"a", amp.Unicode()), (b"b", amp.Integer())]
        expected: dict[bytes, bytes] = {}
        writtenByHooks({"a": "x", "b": 2}, arglist, expected, None)
        count = len(called)
        strings: dict[bytes, bytes] = {}
        values.writeBox({"a": "x", "b": 2}, arglist, strings, None, IDENTIFIERS, HOOKS)
        assert (strings, len(called)) == (expected, 2 * count)


class TestMany:
    """Tests for schemas of any size, and for other mappings."""

    def test_both(self, values: ModuleType) -> None:
        """
        A hundred arguments are written and read again.  A second argument of the same name has no
        value.
        """
        arglist: list[tuple[bytes, Any]] = [(b"n%d" % number, amp.Integer()) for number in range(100)]
        objects = {f"n{number}": number for number in range(100)}
        strings: dict[bytes, bytes] = {}
        values.writeBox(objects, arglist, strings, None, IDENTIFIERS, HOOKS)
        again: dict[str, Any] = {}
        values.readBox(strings, arglist, again, None, IDENTIFIERS, HOOKS)
        assert (again, len(objects), len(strings)) == (objects, 100, 100)
        for twice in (arglist[0], arglist[99]):
            with pytest.raises(KeyError):
                values.writeBox(objects, [*arglist, twice], {}, None, IDENTIFIERS, HOOKS)
            with pytest.raises(KeyError):
                values.readBox(strings, [*arglist, twice], {}, None, IDENTIFIERS, HOOKS)

    def test_mapping(self, values: ModuleType) -> None:
        """Values can come from any mapping."""

        class Values(dict[str, Any]):
            pass

        strings: dict[bytes, bytes] = {}
        values.writeBox(Values(a=1, b=2), [(b"a", amp.Integer()), (b"b", Boxed())], strings, None, IDENTIFIERS, HOOKS)
        assert strings == {b"a": b"1", b"boxed": b"['b']"}

    @pytest.mark.skipif(values_ext is pure, reason="the extension is not built")
    def test_refused(self) -> None:
        """The compiled build checks its arguments."""
        wrong: Any
        for wrong in (None, (), [1, 2, 3, 4, 5]):
            with pytest.raises(TypeError):
                values_ext.readBox(amp.AmpBox(), [], {}, None, IDENTIFIERS, wrong)
            with pytest.raises(TypeError):
                values_ext.writeBox({}, [], amp.AmpBox(), None, IDENTIFIERS, wrong)
        for wrong in (None, [], 1):
            with pytest.raises(TypeError):
                values_ext.readBoxes([], [], [], None, wrong, HOOKS)
