"""
Tests that both builds handle unusual arguments, boxes and values as Twisted does.

An application may pass objects that do not derive from our classes, and mappings that are not exact
dictionaries.  An argument may define C{optional} on its class, in a property or in a slot.  A box
or a response may be a dictionary with overridden methods.
"""

from __future__ import annotations

import enum
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tests.fuzz.builds import Build, builds
from tests.helpers import examples

from .amp_calls import withoutAdvice
from .test_amp import stock


class Truth:
    """An object with its own truth value."""

    def __init__(self, value: bool) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return self.value


class Untold:
    """An object whose truth value raises an error."""

    def __bool__(self) -> bool:
        raise ZeroDivisionError("untold")


#: Values for C{optional}.
FLAGS: list[Any] = [True, False, None, 0, 1, "", "yes", [], Truth(True), Truth(False), Untold()]


class Proxy:
    """Delegates everything to an argument."""

    def __init__(self, wrapped: Any) -> None:
        self.__dict__["wrapped"] = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)


class Claiming(Proxy):
    """A proxy that also claims the class of the wrapped argument."""

    __class__ = property(lambda self: type(self.wrapped))  # type: ignore[assignment]


def onInstance(kind: Any, flag: Any) -> Any:
    """Define C{optional} in the instance's own dictionary."""
    return kind(flag)


def onClass(kind: Any, flag: Any) -> Any:
    """Define C{optional} on the class.  The instance has another attribute."""
    return type("OnClass", (kind,), {"optional": flag, "__init__": lambda self: setattr(self, "other", 1)})()


def bare(kind: Any, flag: Any) -> Any:
    """Define C{optional} on the class.  The instance has no attributes."""
    return type("Bare", (kind,), {"optional": flag, "__init__": lambda self: None})()


def inherited(kind: Any, flag: Any) -> Any:
    """Inherit C{optional} from the base class."""
    return type("Inherited", (kind,), {"__init__": lambda self: None})()


def inProperty(kind: Any, flag: Any) -> Any:
    """Define C{optional} in a property that contradicts the instance's dictionary."""
    made = type("InProperty", (kind,), {"optional": property(lambda self: flag), "__init__": lambda self: None})()
    made.__dict__["optional"] = not isinstance(flag, bool) or not flag
    return made


def inSlot(kind: Any, flag: Any) -> Any:
    """Define C{optional} in a slot."""
    return type("InSlot", (kind,), {"__slots__": ("optional",)})(flag)


def inMixin(kind: Any, flag: Any) -> Any:
    """Define C{optional} in a mixin class that comes first."""
    mixin = type("Mixin", (), {"optional": flag})
    return type("Mixed", (mixin, kind), {"__init__": lambda self: None})()


def looked(kind: Any, flag: Any) -> Any:
    """Return C{optional} from C{__getattribute__}."""

    def look(self: Any, name: str) -> Any:
        return flag if name == "optional" else kind.__getattribute__(self, name)

    return type("Looked", (kind,), {"__getattribute__": look})()


def proxied(kind: Any, flag: Any) -> Any:
    return Proxy(kind(flag))


def claimed(kind: Any, flag: Any) -> Any:
    return Claiming(kind(flag))


def ofAClass(kind: Any, flag: Any) -> Any:
    """Return a class with static methods in place of an instance."""
    made = kind(flag)
    hooks = ("fromBox", "toBox", "retrieve", "fromStringProto", "toStringProto", "fromString", "toString")
    return type("OfAClass", (), {"optional": flag, **{name: staticmethod(getattr(made, name)) for name in hooks}})


PLACES = [onInstance, onClass, bare, inherited, inProperty, inSlot, inMixin, looked, proxied, claimed, ofAClass]


class Number(int):
    """An integer with its own C{__str__} and C{__index__}."""

    def __str__(self) -> str:
        return "another"

    def __index__(self) -> int:
        return 99


class Colour(enum.IntEnum):
    """An enum member that is an integer."""

    RED = 3


class Word(str):
    """A string with its own C{encode}."""

    def encode(self, *args: Any, **kw: Any) -> bytes:
        return b"another"


class Raw(bytes):
    """A subclass of bytes."""


class Key:
    """An object that is equal to a name but is not a string."""

    def __init__(self, name: Any) -> None:
        self.name = name

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return self.name == (other.name if isinstance(other, Key) else other)

    def __lt__(self, other: Any) -> bool:
        return self.name < (other.name if isinstance(other, Key) else other)

    def __repr__(self) -> str:
        return f"Key({self.name!r})"


class Text(str):
    """A subclass of str with its own C{__eq__}."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)  # type: ignore[arg-type,return-value]


class Asked(dict[Any, Any]):
    """A dictionary with its own C{get}, C{pop} and C{copy}."""

    def get(self, name: Any, default: Any = None) -> Any:
        return dict.get(self, name, default)

    def pop(self, name: Any, *default: Any) -> Any:
        value = dict.pop(self, name, *default)
        return b"7" if isinstance(value, bytes) else 7

    def copy(self) -> Any:
        return Asked(self)


class Missing(dict[Any, Any]):
    """A dictionary that returns a value for any name in brackets.  Its copies do so, too."""

    def __missing__(self, name: Any) -> Any:
        return 7

    def copy(self) -> Any:
        return Missing(self)


class Held:
    """The minimum that a response needs.  It has no length."""

    def __init__(self, values: Any) -> None:
        self.values = dict(values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def copy(self) -> Any:
        return dict(self.values)


class Hidden(dict[Any, Any]):
    """A dictionary whose C{in} operator denies all of its contents."""

    def __contains__(self, name: object) -> bool:
        return False

    def __len__(self) -> int:
        return 0


class Listed:
    """A schema that can only be iterated over."""

    def __init__(self, pairs: list[Any]) -> None:
        self.pairs = pairs

    def __iter__(self) -> Iterator[Any]:
        return iter(self.pairs)


BOXES: list[Callable[[Any], Any]] = [
    dict,
    OrderedDict,
    Asked,
    Missing,
    Hidden,
    lambda content: defaultdict(lambda: b"9", content),
    UserDict,
    ChainMap,
    MappingProxyType,
    Counter,
    Held,
]

OBJECTS: list[Callable[[Any], Any]] = [*BOXES, lambda content: defaultdict(lambda: 9, content)]

KINDS = ["Integer", "String", "Unicode", "Boolean", "Float", "Decimal", "ListOf"]
NAMES: list[Any] = [b"a", b"b", b"a-b", b"a_b", b"class", Raw(b"b")]
STRINGS: list[Any] = [b"1", b"-12", b"", b"x", None, Raw(b"5"), bytearray(b"6"), memoryview(b"7"), "8", 9]
VALUES: list[Any] = [
    *(0, 7, -7, 2**70, True, False, None, 1.5, b"x", "x", Number(5), Colour.RED),
    *(Word("w"), Raw(b"r"), bytearray(b"y"), [1, True], object),
]


def made(amp: Any, name: str, place: Callable[[Any, Any], Any], flag: Any) -> Any:
    """Make an argument of one of the types of the module C{amp}."""
    kind = getattr(amp, name)
    if name == "ListOf":

        class OfIntegers(kind):  # type: ignore[misc]
            elementType = amp.Integer()

            def __init__(self, optional: bool = False) -> None:
                amp.Argument.__init__(self, optional)

        kind = OfIntegers
    return place(kind, flag)


def described(value: Any) -> Any:
    """Return a value in a comparable form, with the types of its contents."""
    if isinstance(value, dict):
        return type(value).__name__, [(described(name), described(each)) for name, each in value.items()]
    if isinstance(value, (memoryview, bytearray)):
        return type(value).__name__, bytes(value)
    if isinstance(value, list):
        return [described(each) for each in value]
    return type(value).__name__, repr(value)


def outcome(run: Callable[[], Any]) -> Any:
    """Run a function, and return its result, or its error with details."""
    try:
        return described(run())
    except Exception as error:
        name, text = withoutAdvice(error)
        return "raises", name, text if name in ("KeyError", "InvalidSignature") else ""


def alike(act: Callable[[Any], Any]) -> None:
    """
    Run C{act} with Twisted's module and with ours on each build, and assert that the outcomes are
    the same.
    """
    expected = outcome(lambda: act(stock))
    for build in builds():
        assert outcome(lambda build=build: act(build.amp)) == expected, build.name


@pytest.fixture(params=builds(), ids=lambda build: str(build.name))
def build(request: pytest.FixtureRequest) -> Build:
    """Each build."""
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: type(flag).__name__ + str(getattr(flag, "value", "")))
@pytest.mark.parametrize("place", PLACES, ids=lambda place: str(place.__name__))
class TestOptional:
    """An argument may define C{optional} in any place and with any value."""

    def test_reading(self, place: Any, flag: Any) -> None:
        """A box is parsed as Twisted parses it."""
        for content in ({}, {b"a": b"5"}, {b"a": None}):
            alike(
                lambda amp, content=content: amp._stringsToObjects(
                    amp.AmpBox(content), [(b"a", made(amp, "Integer", place, flag))], None
                )
            )

    def test_rows(self, place: Any, flag: Any) -> None:
        """Rows are parsed as Twisted parses them."""
        for content in ({}, {b"a": b"5"}):
            alike(
                lambda amp, content=content: amp.AmpList([(b"a", made(amp, "Integer", place, flag))]).fromStringProto(
                    amp.AmpBox(content).serialize() * 2, None
                )
            )

    def test_writing(self, place: Any, flag: Any) -> None:
        """A box is written as Twisted writes it."""
        for content in ({}, {"a": 5}, {"a": None}):
            alike(
                lambda amp, content=content: amp._objectsToStrings(
                    dict(content), [(b"a", made(amp, "Integer", place, flag))], amp.AmpBox(), None
                )
            )

    def test_calling(self, place: Any, flag: Any) -> None:
        """A call that omits the argument does the same as in Twisted."""
        alike(
            lambda amp: (
                type(amp.Command)(
                    "Called", (amp.Command,), {"arguments": [(b"a", made(amp, "Integer", place, flag))]}
                )().structured
            )
        )


schemas = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(KINDS), st.sampled_from(PLACES), st.sampled_from(FLAGS[:-1])),
    max_size=4,
)


def schema(amp: Any, drawn: list[Any]) -> list[Any]:
    """Build the drawn schema from the types of the module C{amp}."""
    return [(name, made(amp, kind, place, flag)) for name, kind, place, flag in drawn]


class TestAny:
    """Tests for any schema with any box and any values."""

    @settings(max_examples=examples(400))
    @given(
        schemas,
        st.dictionaries(st.sampled_from([*NAMES, Key(b"a"), Key(b"b"), "a"]), st.sampled_from(STRINGS), max_size=5),
        st.sampled_from([None, *BOXES]),
    )
    def test_reading(self, drawn: Any, content: Any, kind: Any) -> None:
        """A box of any type is parsed as Twisted parses it."""
        alike(lambda amp: amp._stringsToObjects((kind or amp.AmpBox)(content), schema(amp, drawn), None))

    @settings(max_examples=examples(400))
    @given(
        schemas,
        st.dictionaries(
            st.sampled_from(["a", "b", "a_b", "Class", "other", Text("a"), Key("b")]),
            st.sampled_from(VALUES),
            max_size=5,
        ),
        st.sampled_from(OBJECTS),
        st.sampled_from([None, dict, OrderedDict]),
    )
    def test_writing(self, drawn: Any, content: Any, kind: Any, box: Any) -> None:
        """Any mapping is written to a box of any type as Twisted writes it."""
        alike(lambda amp: amp._objectsToStrings(kind(content), schema(amp, drawn), (box or amp.AmpBox)(), None))

    @settings(max_examples=examples(400))
    @given(
        schemas,
        st.dictionaries(st.sampled_from(["a", "b", "a_b", "Class", "other"]), st.sampled_from([1, "x", None])),
        st.sampled_from([list, tuple, Listed]),
        st.sampled_from(OBJECTS),
    )
    def test_commands(self, drawn: Any, content: Any, kind: Any, mapping: Any) -> None:
        """Calls with missing or unknown arguments do the same as in Twisted."""

        def command(amp: Any) -> Any:
            return type(amp.Command)("Any", (amp.Command,), {"arguments": kind(schema(amp, drawn))})

        alike(lambda amp: command(amp)(**content).structured)
        alike(lambda amp: command(amp).makeArguments(mapping(content), None))


def overriding(amp: Any, **overridden: Any) -> Any:
    """Make a box class with overridden methods."""
    return type("Overriding", (amp.AmpBox,), overridden)


class TestBoxes:
    """A box with unusual methods or contents is serialised as Twisted serialises it."""

    @pytest.mark.parametrize(
        "overridden",
        [
            {},
            {"items": lambda self: [(b"x", b"y"), (b"a", b"b")]},
            {"items": lambda self: [(b"x", "text")]},
            {"__iter__": lambda self: iter([b"x"])},
            {"__getitem__": lambda self, name: b"another"},
            {"__len__": lambda self: 0},
            {"get": lambda self, name, default=None: b"another"},
            {"keys": lambda self: [b"x"]},
        ],
        ids=lambda overridden: "".join(overridden) or "nothing",
    )
    def test_written(self, overridden: dict[str, Any]) -> None:
        """A box with an overridden method is serialised as in Twisted."""
        alike(lambda amp: overriding(amp, **overridden)({b"b": b"1", b"a": b"2"}).serialize())

    @pytest.mark.parametrize(
        "content",
        [{b"a": Raw(b"1")}, {Raw(b"a"): b"1", b"b": b"2"}, {b"a": bytearray(b"1")}, {b"a": None}, {b"a": [1, 2]}],
        ids=repr,
    )
    def test_content(self, content: dict[Any, Any]) -> None:
        """A box with unusual keys or values is serialised as in Twisted."""
        alike(lambda amp: amp.AmpBox(content).serialize())

    def test_emptied(self, build: Build) -> None:
        """A key that empties the box while the keys are sorted does no harm."""

        class Emptying(bytes):
            def __lt__(self, other: Any) -> bool:
                box.clear()
                return True

        box = build.amp.AmpBox({Emptying(b"a"): b"1", Emptying(b"b"): b"2", b"c": b"3"})
        outcome(box.serialize)
        assert box == {}
