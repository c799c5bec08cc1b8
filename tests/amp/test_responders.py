"""Tests for L{twisted_basic_ng.amp._responders}."""

from __future__ import annotations

import warnings
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng import amp


class Double(amp.Command):
    """A command whose argument has the name of a parameter of C{maybeDeferred}."""

    arguments = [(b"f", amp.Integer())]
    response = [(b"f", amp.Integer())]
    errors = {ValueError: b"VALUE"}
    fatalErrors = {KeyError: b"KEY"}


class Plain(amp.CommandLocator):
    """Declares a responder."""

    @Double.responder
    def double(self, f: int) -> dict[str, Any]:
        return {"f": 2 * f}


class Overriding(Plain):
    """Overrides the method without declaring it."""

    def double(self, f: int) -> dict[str, Any]:
        return {"f": 200 * f}


class OptedIn(Overriding):
    """Sets C{overriddenResponders}."""

    overriddenResponders = True


class Coroutine(Plain):
    """Declares another method for the command."""

    @Double.responder
    async def asynchronous(self, f: int) -> dict[str, Any]:
        return {"f": await succeed(2 * f)}


class Failing(amp.CommandLocator):
    """Raises C{error}."""

    error: Exception

    @Double.responder
    def double(self, f: int) -> Any:
        if isinstance(self.error, TypeError):
            return {"f": "no number"}
        raise self.error


class CommandLocatorTests(SynchronousTestCase):
    """Declared methods are found and called with values."""

    def respond(self, locator: amp.CommandLocator) -> Any:
        """Let C{locator} respond to a box, and return the answer."""
        responder = locator.locateResponder(b"Double")
        assert responder is not None
        result: Any = responder(amp.AmpBox(f=b"21"))
        return self.successResultOf(result)

    def test_plain(self) -> None:
        """The result of a function is written."""
        self.assertEqual(self.respond(Plain()), {b"f": b"42"})

    def test_repr(self) -> None:
        """The C{repr} of a responder shows its command and method, but no private module."""
        responder = Plain().locateResponder(b"Double")
        self.assertIn(f"<responder to {Double!r}: <bound method Plain.", repr(responder))
        self.assertNotIn("twisted_basic_ng", repr(responder))

    def test_coroutine(self) -> None:
        """The result of a coroutine is written.  A subclass's declaration takes precedence."""
        self.assertEqual(self.respond(Coroutine()), {b"f": b"42"})

    def test_overriding(self) -> None:
        """An overriding method is used only if the class says so."""
        self.assertEqual(self.respond(Overriding()), {b"f": b"42"})
        self.assertEqual(self.respond(OptedIn()), {b"f": b"4200"})

    def test_unknown(self) -> None:
        """A command that was not declared has no responder."""
        self.assertIsNone(Plain().locateResponder(b"Other"))

    def fail_(self, error: Exception) -> Any:
        """Let a responder raise C{error}, and return the resulting error."""
        locator = Failing()
        locator.error = error
        responder = locator.locateResponder(b"Double")
        assert responder is not None
        result: Any = responder(amp.AmpBox(f=b"1"))
        return self.failureResultOf(result).value

    def test_declared(self) -> None:
        """A declared error becomes its code, and keeps whether it is fatal."""
        error = self.fail_(ValueError("text"))
        self.assertEqual((error.errorCode, error.description, error.fatal), (b"VALUE", "text", False))
        self.assertEqual(error.local.type, ValueError)
        error = self.fail_(KeyError("text"))
        self.assertEqual((error.errorCode, error.fatal), (b"KEY", True))

    def test_undeclared(self) -> None:
        """Any other error is not changed."""
        self.assertIsInstance(self.fail_(OSError()), OSError)

    def test_badReturn(self) -> None:
        """A return value that cannot be written gives an error that shows it."""
        error = self.fail_(TypeError())
        self.assertIsInstance(error, amp.BadLocalReturn)
        self.assertIn("returned {'f': 'no number'} and", str(error))

    def test_noBox(self) -> None:
        """If the answer's box cannot be constructed, the error is handled as the responder's."""

        def refuse() -> Any:
            raise ValueError("no box")

        class Boxless(Double):
            commandName = b"Double"
            responseType = staticmethod(refuse)

        class Locator(amp.CommandLocator):
            @Boxless.responder
            def double(self, f: int) -> dict[str, Any]:
                return {"f": 2 * f}

        responder: Any = Locator().locateResponder(b"Double")
        error = self.failureResultOf(responder(amp.AmpBox(f=b"21")), amp.RemoteAmpError).value
        self.assertEqual((error.errorCode, error.description), (b"VALUE", "no box"))

    def test_unwrittenLater(self) -> None:
        """A value of a coroutine that cannot be written gives the same error."""

        class Late(Plain):
            @Double.responder
            async def asynchronous(self, f: int) -> dict[str, Any]:
                return {"f": "no number"}

        responder = Late().locateResponder(b"Double")
        assert responder is not None
        self.failureResultOf(responder(amp.AmpBox(f=b"1")), amp.BadLocalReturn)  # type: ignore[arg-type]

    def test_badArguments(self) -> None:
        """Arguments that cannot be read raise an error before the method is called."""
        responder = Plain().locateResponder(b"Double")
        assert responder is not None
        self.assertRaises(KeyError, responder, amp.AmpBox())

    def test_deferred(self) -> None:
        """A C{Deferred} is waited for."""

        class Later(amp.CommandLocator):
            waiting = Deferred[Any]()

            @Double.responder
            def double(self, f: int) -> Deferred[Any]:
                return self.waiting

        responder = Later().locateResponder(b"Double")
        assert responder is not None
        result: Any = responder(amp.AmpBox(f=b"1"))
        self.assertNoResult(result)
        Later.waiting.callback({"f": 3})
        self.assertEqual(self.successResultOf(result), {b"f": b"3"})

    def test_tables(self) -> None:
        """Each class has its own table, including those of its bases."""
        self.assertEqual(Plain._commandDispatch, {b"Double": (Double, Plain.double)})
        self.assertEqual(Overriding._commandDispatch, Plain._commandDispatch)
        self.assertEqual(Coroutine._commandDispatch, {b"Double": (Double, Coroutine.asynchronous)})
        self.assertEqual(amp.CommandLocator._currentClassCommands, [])


class LookupFunctionTests(SynchronousTestCase):
    """The old name of C{locateResponder} still works, with a warning."""

    def test_call(self) -> None:
        """Calling it warns, and returns the responder."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.assertIsNotNone(Plain().lookupFunction(b"Double"))
        self.assertEqual([each.category for each in caught], [PendingDeprecationWarning])

    def test_override(self) -> None:
        """Overriding it warns, and the overriding method is used."""

        class Old(Plain):
            def lookupFunction(self, name: bytes) -> Any:
                return name, super().lookupFunction(name)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            name, responder = Old().locateResponder(b"Double")  # type: ignore[misc]
        self.assertEqual(name, b"Double")
        self.assertIsNotNone(responder)
        self.assertEqual([each.category for each in caught], [PendingDeprecationWarning])


class Named(amp.SimpleStringLocator):
    """Has a method that is named after a command."""

    def amp_COMMAND(self, box: amp.AmpBox) -> amp.AmpBox:
        return box


class SimpleStringLocatorTests(SynchronousTestCase):
    """Methods are found by their names."""

    def test_found(self) -> None:
        """The command's name is converted to capitals."""
        named = Named()
        self.assertEqual(named.locateResponder(b"command"), named.amp_COMMAND)

    def test_unknown(self) -> None:
        """A command without a method, or whose name is not ASCII, has no responder."""
        self.assertIsNone(Named().locateResponder(b"other"))
        self.assertIsNone(Named().locateResponder(b"\xff"))

    def test_prefix(self) -> None:
        """A subclass may use another prefix."""

        class Other(Named):
            baseDispatchPrefix = b"amp_COM"

        self.assertIsNotNone(Other().locateResponder(b"mand"))
