"""Tests for L{twisted_basic_ng.amp._errors}."""

from __future__ import annotations

import pickle
import re
import struct
from typing import Any

import pytest

from twisted.python.failure import Failure

from tests.helpers import loadStock
from twisted_basic_ng import amp
from twisted_basic_ng.amp import _errors


def failure() -> Failure:
    """Make a failure with a traceback."""
    try:
        raise ZeroDivisionError("by zero")
    except ZeroDivisionError:
        caught = Failure()
    vars(caught).pop("_twisted_raw_excinfo", None)  # pytest adds it if trial is imported
    return caught


class TestTooLong:
    """The error says what is too long, and by how much."""

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ((False, True, b"x" * 70000, b"k"), "local value b'k' too long: got 70000 bytes, at most 65535"),
            ((True, False, None, None), "remote key too long: at most 255 bytes"),
        ],
    )
    def test_str(self, arguments: tuple[bool, bool, bytes | None, bytes | None], text: str) -> None:
        """The text names the key, and both lengths if both are known."""
        assert str(amp.TooLong(*arguments)) == text

    def test_longKey(self) -> None:
        """For a too long key, the text has its beginning."""
        text = str(amp.TooLong(True, True, b"k" * 300))
        assert text.startswith("local key b'kkk")
        assert text.endswith("... too long: got 300 bytes, at most 255")
        assert len(text) < 350

    @pytest.mark.parametrize("arguments", [(True, True, b"x" * 256, None), (False, False, b"xyz", b"k")])
    def test_repr(self, arguments: tuple[bool, bool, bytes, bytes | None]) -> None:
        """The C{repr} is the same as Twisted's."""
        assert repr(amp.TooLong(*arguments)) == repr(loadStock("amp").TooLong(*arguments))

    def test_reprWithoutValue(self) -> None:
        """A key that was refused before it arrived has a C{repr}, too."""
        assert repr(amp.TooLong(True, False, None, None)) == "remote key too long: unknown length"

    def test_oldTypes(self) -> None:
        """Our errors also derive from the types that Twisted raises."""
        assert isinstance(amp.KeyTooLongError(True, False, None), AttributeError)
        assert isinstance(amp.ElementTooLongError(b""), struct.error)
        assert "local list element too long: got 65536 bytes" in str(amp.ElementTooLongError(b"x" * 65536))
        assert isinstance(amp.UnknownTagError(b"7"), KeyError)
        assert str(amp.UnknownTagError(b"7")) == "an answer to b'7', which waits for none"


class TestRemoteAmpError:
    """The text has the code, the description and the local failure."""

    @pytest.mark.parametrize(
        ("code", "description", "local"),
        [
            (b"CODE", "text", None),
            (b"C\xff\x80\n", "\N{SNOWMAN}", None),
            (b"CODE", "text", failure()),
            (b"CODE", "text", Failure(ValueError("never raised"))),
        ],
    )
    def test_str(self, code: bytes, description: str, local: Failure | None) -> None:
        """The text is the same as Twisted's."""
        theirs = loadStock("amp").RemoteAmpError(code, description, local=local)
        assert str(amp.RemoteAmpError(code, description, local=local)) == str(theirs)

    def test_attributes(self) -> None:
        """The error carries its arguments as attributes."""
        error = amp.RemoteAmpError(b"CODE", "text", True)
        assert (error.errorCode, error.description, error.fatal, error.local) == (b"CODE", "text", True, None)
        unknown = amp.UnknownRemoteError("text")
        assert (unknown.errorCode, unknown.fatal) == (amp.UNKNOWN_ERROR_CODE, False)


class TestBadLocalReturn:
    """The text says what was returned, and why it is wrong."""

    def test_str(self) -> None:
        """The text is the same as Twisted's."""
        why = failure()
        error = amp.BadLocalReturn("message", why)
        assert str(error) == repr(error) == repr(loadStock("amp").BadLocalReturn("message", why))
        assert (error.message, error.enclosed) == ("message", why)


class TestPickle:
    """Errors can be pickled, since worker processes report them."""

    @pytest.mark.parametrize(
        "error",
        [
            amp.AmpError("text"),
            amp.TooLong(False, True, b"xyz", b"k"),
            amp.RemoteAmpError(b"CODE", "text", True),
            amp.UnknownRemoteError("text"),
            amp.BadLocalReturn("message", failure()),
            amp.UnknownTagError(b"7"),
            amp.KeyTooLongError(True, False, None),
            amp.ElementTooLongError(b"x"),
            amp.TruncatedBoxError(3),
            amp.BoxTooLargeError(5, 4, "keys"),
            amp.TooManyDescriptorsError(64),
            amp.TooManyAnswersError(20, 10),
            amp.UnfinishedBoxError(1.5),
            amp.ForgedAnswerError(),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_all(self, error: amp.AmpError) -> None:
        """Type, text and attributes survive."""
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert (str(copy), copy.args) == (str(error), error.args)
        assert vars(copy).keys() == vars(error).keys()


class _Own(Exception):
    """An application's exception with its own text and pickling."""

    def __str__(self) -> str:
        return "own text"

    def __reduce__(self) -> tuple[Any, ...]:
        return str, ("own pickle",)


class TestBeside:
    """
    An exception that derives from one of ours and one of the application's keeps the latter's
    methods.
    """

    class Both(amp.TooLong, _Own):
        """Derives from both."""

    def test_text(self) -> None:
        """The text and the pickle are the application's."""
        both = self.Both(True, True, b"key")
        assert (str(both), pickle.loads(pickle.dumps(both))) == ("own text", "own pickle")


class TestStackless:
    """A failure that cannot be pickled directly is pickled without its stack."""

    def test_restored(self) -> None:
        """The restored failure has the same type and text."""
        stackless = pickle.dumps(_errors._Stackless(failure()))
        with pytest.MonkeyPatch.context() as patch:
            for name, each in list(vars(Failure).items()):
                if name == "__setstate__" or isinstance(each, property):  # not in Twisted 22.10
                    patch.delattr(Failure, name)
            restored = pickle.loads(stackless)
        assert isinstance(restored, Failure)
        assert (restored.type, restored.getErrorMessage()) == (ZeroDivisionError, "by zero")


class TestHierarchy:
    """The exceptions are those of the docstring's tree."""

    def test_tree(self) -> None:
        """Each exported error is in the tree, below its base."""
        ancestors: list[type] = []
        listed = []
        for stem, name in re.findall(
            r"^    ((?:[|] {3})*(?:[+]-- )?)([A-Z]\w+)\b", _errors.__doc__ or "", re.MULTILINE
        ):
            depth = len(stem) // 4
            kind = getattr(_errors, name)
            assert depth == 0 or issubclass(kind, ancestors[depth - 1])
            ancestors[depth:] = [kind]
            listed.append(name)
        assert sorted(listed) == sorted(set(_errors.__all__) - {"PROTOCOL_ERRORS"})
