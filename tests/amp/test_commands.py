"""Tests for L{twisted_basic_ng.amp._commands}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import loadStock
from twisted_basic_ng import amp


class Base(amp.Command):
    """A command with all attributes."""

    commandName = b"base"
    arguments = [(b"a-b", amp.Integer()), (b"c", amp.Unicode(optional=True))]
    response = [(b"d", amp.Integer())]
    errors = {ValueError: b"VALUE"}
    fatalErrors = {KeyError: b"KEY"}


class Derived(Base):
    """A derived command with another error."""

    errors = {TypeError: b"TYPE"}


class Sender:
    """A sender that records the call."""

    def __init__(self) -> None:
        self.sent: Any = None
        self.answer = Deferred[Any]()

    def _sendBoxCommand(self, command: bytes, box: amp.AmpBox, requiresAnswer: bool = True) -> Any:
        self.sent = command, box, requiresAnswer
        return self.answer if requiresAnswer else None


class DefinitionTests(SynchronousTestCase):
    """A class defines a command."""

    def test_name(self) -> None:
        """The default name of a command is that of its class."""
        self.assertEqual((Base.commandName, Derived.commandName), (b"base", b"Derived"))

    def test_errors(self) -> None:
        """Declared errors of both kinds are inherited."""
        self.assertEqual(Derived.allErrors, {ValueError: b"VALUE", TypeError: b"TYPE", KeyError: b"KEY"})
        self.assertEqual(Derived.reverseErrors, {b"VALUE": ValueError, b"TYPE": TypeError, b"KEY": KeyError})
        self.assertEqual(Derived.errors, {TypeError: b"TYPE"})

    def test_pairs(self) -> None:
        """Errors may be given as pairs."""

        class Pairs(amp.Command):
            errors = [(ValueError, b"VALUE")]
            fatalErrors = [(KeyError, b"KEY")]

        self.assertEqual((Pairs.errors, Pairs.fatalErrors), ({ValueError: b"VALUE"}, {KeyError: b"KEY"}))
        self.assertEqual(Pairs.allErrors, {ValueError: b"VALUE", KeyError: b"KEY"})

    def test_checks(self) -> None:
        """
        A name that is not bytes raises Twisted's error.  Its cause says what to write, and where.
        """
        cases: list[tuple[dict[str, Any], str]] = [
            ({"commandName": "text"}, "write b'text'"),
            ({"arguments": [("a", amp.Integer())]}, "write b'a'"),
            ({"response": [("a", amp.Integer())]}, "write b'a'"),
            ({"errors": {ValueError: "text"}}, "write b'text'"),
            ({"fatalErrors": {ValueError: 5}}, "a name is ASCII, in bytes"),
            ({"arguments": [("\xe4", amp.Integer())]}, "a name is ASCII, in bytes"),
        ]
        for attributes, fix in cases:
            error = self.assertRaises(TypeError, type(Base), "Wrong", (amp.Command,), dict(attributes))
            stock = loadStock("amp").Command
            theirs = self.assertRaises(TypeError, type(stock), "Wrong", (stock,), dict(attributes))
            self.assertEqual(str(error), str(theirs))
            self.assertEqual(str(error.__cause__), f"{fix} in Wrong: it goes over the wire as it is")


class BoxTests(SynchronousTestCase):
    """Arguments and responses are written and read."""

    def test_arguments(self) -> None:
        """Arguments are written and read back."""
        box = Base.makeArguments({"a_b": 1, "c": "x"}, None)
        self.assertEqual((type(box), box), (amp.Box, {b"a-b": b"1", b"c": b"x"}))
        self.assertEqual(Base.parseArguments(box, None), {"a_b": 1, "c": "x"})

    def test_response(self) -> None:
        """A response is written and read back."""
        box = Base.makeResponse({"d": 1}, None)
        self.assertEqual((type(box), box), (amp.Box, {b"d": b"1"}))
        self.assertEqual(Base.parseResponse(box, None), {"d": 1})

    def test_types(self) -> None:
        """A command may have its own box classes."""

        class Special(Base):
            commandType = amp.QuitBox
            responseType = amp.QuitBox

        self.assertIsInstance(Special.makeArguments({"a_b": 1}, None), amp.QuitBox)
        self.assertIsInstance(Special.makeResponse({"d": 1}, None), amp.QuitBox)

    def test_noResponseType(self) -> None:
        """A box that cannot be constructed gives a failed Deferred."""

        class Broken(Base):
            @staticmethod
            def responseType() -> Any:
                raise RuntimeError("no box")

        self.failureResultOf(Broken.makeResponse({}, None), RuntimeError)

    def test_signature(self) -> None:
        """Missing and unknown arguments are named as in Twisted, with the valid ones."""
        error = self.assertRaises(amp.InvalidSignature, Base)
        self.assertEqual(str(error), "forgot a_b for b'base'; Base takes a_b, c")
        error = self.assertRaises(amp.InvalidSignature, Base.makeArguments, {"a_b": 1, "x": 2}, None)
        self.assertEqual(str(error), "x is not a valid argument; Base takes a_b, c")
        error = self.assertRaises(amp.InvalidSignature, amp.Command.makeArguments, {"x": 2}, None)
        self.assertEqual(str(error), "x is not a valid argument; Command takes none")

    def test_aliases(self) -> None:
        """
        Two arguments with the same name in Python share one value, which the first one takes, as in
        Twisted.
        """
        for module in (loadStock("amp"), amp):

            class Aliases(module.Command):  # type: ignore[misc]
                arguments = [(b"a-b", module.Integer()), (b"a_b", module.Integer(optional=True))]

            self.assertEqual(Aliases.makeArguments({"a_b": 1}, None), {b"a-b": b"1"})
            self.assertEqual(Aliases.parseArguments({b"a-b": b"1", b"a_b": b"2"}, None), {"a_b": 2})
            error = self.assertRaises(module.InvalidSignature, Aliases.makeArguments, {"a_b": 1, "bogus": 2}, None)
            takes = "; Aliases takes a_b" if module is amp else ""
            self.assertEqual(str(error), "bogus is not a valid argument" + takes)
            self.assertEqual(Aliases(a_b=1).structured, {"a_b": 1})
            error = self.assertRaises(module.InvalidSignature, Aliases)
            self.assertEqual(str(error), "forgot a_b for b'Aliases'" + takes)

    def test_unwritable(self) -> None:
        """
        A value that cannot be written raises Twisted's error, with the argument and both types.
        """
        for make, place in ((Base.makeArguments, "argument a_b"), (Base.makeResponse, "response value d")):
            error = self.assertRaises(
                TypeError, make, {"a_b": "x", "d": "x"} if place[0] == "r" else {"a_b": "x"}, None
            )
            self.assertTrue(str(error).startswith("%d format: a real number is required, not str; "))
            self.assertTrue(str(error).endswith(f"{place} of Base is of type Integer, its value of type str"))
            self.assertEqual(vars(error), {})

    def test_missing(self) -> None:
        """A missing value raises a C{KeyError} that names it, on either side."""
        error = self.assertRaises(amp.MissingKeyError, Base.makeResponse, {}, None)
        self.assertEqual((error.args, str(error)), (("d",), "'d': there is no value for response value d of Base"))
        error = self.assertRaises(amp.MissingKeyError, Base.parseArguments, amp.AmpBox(), None)
        self.assertEqual((error.args, error.key), ((b"a-b",), b"a-b"))
        self.assertIn("the box lacks the key b'a-b', the argument a_b of Base", str(error))
        self.assertIsInstance(error, KeyError)

    def test_repr(self) -> None:
        """
        The C{repr} of a call shows its arguments, even if an application's C{__init__} sets none.
        """
        self.assertRegex(repr(Base(a_b=1)), "^<.*Base object at 0x[0-9a-f]+ a_b=1>$")
        self.assertRegex(repr(Base.__new__(Base)), "^<.*Base object at 0x[0-9a-f]+>$")


class CallTests(SynchronousTestCase):
    """An instance is a call."""

    def setUp(self) -> None:
        self.sender = Sender()

    def test_answered(self) -> None:
        """The response is read."""
        result = Base(a_b=1)._doCommand(self.sender)
        self.assertEqual(self.sender.sent, (b"base", {b"a-b": b"1"}, True))
        self.sender.answer.callback(amp.AmpBox(d=b"5"))
        self.assertEqual(self.successResultOf(result), {"d": 5})

    def test_errors(self) -> None:
        """A code becomes the error that is declared for it, or an unknown error."""
        for code, kind in ((b"VALUE", ValueError), (b"KEY", KeyError), (b"OTHER", amp.UnknownRemoteError)):
            self.sender.answer = Deferred()
            result = Derived(a_b=1)._doCommand(self.sender)
            self.sender.answer.errback(Failure(amp.RemoteAmpError(code, "text")))
            self.assertIn("text", str(self.failureResultOf(result, kind).value))

    def test_raisedByArgument(self) -> None:
        """A remote error that is raised while the response is read becomes the declared error."""

        class Refused(amp.Integer):
            def fromString(self, inString: bytes) -> Any:
                raise amp.RemoteAmpError(b"VALUE", "text")

        class Strict(Base):
            response = [(b"d", Refused())]

        result = Strict(a_b=1)._doCommand(self.sender)
        self.sender.answer.callback(amp.AmpBox(d=b"5"))
        self.failureResultOf(result, ValueError)

    def test_otherFailure(self) -> None:
        """Other failures are not changed."""
        result = Base(a_b=1)._doCommand(self.sender)
        self.sender.answer.errback(Failure(ZeroDivisionError()))
        self.failureResultOf(result, ZeroDivisionError)

    def test_gone(self) -> None:
        """
        If an argument finds the connection lost while it is written, the call fails, or is dropped
        if it needs no answer.
        """

        class Sending(amp.Integer):
            def toString(self, inObject: Any) -> bytes:
                raise ConnectionLost

        class Passing(amp.Command):
            arguments = [(b"a", Sending())]

        class Quiet(Passing):
            requiresAnswer = False

        self.failureResultOf(Passing(a=1)._doCommand(self.sender), ConnectionLost)
        self.assertIsNone(Quiet(a=1)._doCommand(self.sender))

    def test_unanswered(self) -> None:
        """A command without an answer returns C{None}."""

        class Quiet(Base):
            requiresAnswer = False

        self.assertIsNone(Quiet(a_b=1)._doCommand(self.sender))
        self.assertEqual(self.sender.sent[2], False)
