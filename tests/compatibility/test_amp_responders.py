"""
Tests for applications' own responder decorators, for proxies that use the tables of responders, and
for other locators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from tests.compatibility.words import Words
from tests.helpers import connectInMemory

case = SynchronousTestCase()


def call(responder: Any, box: Any) -> Any:
    """Call a responder of boxes.  Its result is available at once."""
    return case.successResultOf(responder(box))


class TestTables:
    """Tests for the tables of responders."""

    def test_ownDecorator(self, amp: Any, words: Words) -> None:
        """
        An application's decorator can append to C{CommandLocator._currentClassCommands} itself.
        """

        def responds(*commands: Any) -> Callable[[Any], Any]:
            def decorate(function: Any) -> Any:
                def logged(self: Any, **arguments: Any) -> Any:
                    self.log.append(arguments)
                    return function(self, **arguments)

                for command in commands:
                    amp.CommandLocator._currentClassCommands.append((command, logged))
                return function

            return decorate

        class Server(amp.CommandLocator):
            @responds(words.Add, words.More)
            def add(self, a: int, b_c: int | None) -> Any:
                return {"total": a}

        assert amp.CommandLocator._currentClassCommands == []
        server = Server()
        server.log = []
        for name in (b"Add", b"more"):
            assert dict(call(server.locateResponder(name), amp.Box(a=b"1"))) == {b"total": b"1"}
        assert server.log == [{"a": 1, "b_c": None}] * 2

    def test_inherited(self, amp: Any, words: Words) -> None:
        """
        C{_commandDispatch} belongs to the class, and includes the bases' responders, the nearest
        first.
        """

        class Base(amp.CommandLocator):
            def add(self) -> None: ...

            words.Add.responder(add)

        class Other(amp.CommandLocator):
            def add(self) -> None: ...

            words.Add.responder(add)

            @words.More.responder
            def more(self) -> None: ...

        class Derived(Base, Other):
            pass

        assert {name: pair for name, pair in Derived._commandDispatch.items() if name != b"StartTLS"} == {
            b"Add": (words.Add, Base.add),
            b"more": (words.More, Other.more),
        }
        assert Base._commandDispatch == {b"Add": (words.Add, Base.add)}
        assert amp.CommandLocator._commandDispatch == {}
        assert set(amp.AMP._commandDispatch) == {b"StartTLS"}

    def test_proxy(self, amp: Any, words: Words) -> None:
        """
        A process pool's proxy can find a child's commands in its table, and wrap its own function
        for each.
        """

        class Child(amp.AMP):
            @words.Add.responder
            def add(self, a: int, b_c: int | None) -> Any:
                return {"total": a}

        class Proxy(amp.AMP):
            def __init__(self, work: Any, child: Any) -> None:
                amp.AMP.__init__(self)
                self.work, self.child = work, child

            def locateResponder(self, name: bytes) -> Any:
                if name == b"StartTLS" or name not in self.child._commandDispatch:
                    return amp.AMP.locateResponder(self, name)
                command, _ = self.child._commandDispatch[name]
                return self._wrapWithSerialization(lambda **arguments: self.work(command, **arguments), command)

        done: list[Any] = []
        proxy = Proxy(lambda command, **arguments: (done.append((command, arguments)), succeed({"total": 9}))[1], Child)
        client = amp.AMP()
        connection = connectInMemory(client, proxy)
        outcomes: list[Any] = []
        for command in (words.Add, words.More):
            client.callRemote(command, a=1).addBoth(outcomes.append)
        connection.flush()
        assert (outcomes[0], outcomes[1].type) == ({"total": 9}, amp.UnhandledCommand)
        assert done == [(words.Add, {"a": 1, "b_c": None})]

    def test_tableOfInstance(self, amp: Any, words: Words) -> None:
        """An instance can have its own table, and a class's table can be changed later."""

        def add(self: Any, a: int, b_c: int | None) -> Any:
            return {"total": -a}

        locator = amp.CommandLocator()
        locator._commandDispatch = {b"Add": (words.Add, add)}
        assert dict(call(locator.locateResponder(b"Add"), amp.Box(a=b"1"))) == {b"total": b"-1"}

        class Server(amp.AMP):
            pass

        Server._commandDispatch[b"Add"] = (words.Add, add)
        assert dict(call(Server().locateResponder(b"Add"), amp.Box(a=b"1"))) == {b"total": b"-1"}
        assert amp.AMP().locateResponder(b"Add") is None

    def test_redefined(self, amp: Any, words: Words) -> None:
        """A method that overrides a responder without the decorator is not the responder."""

        class Base(amp.AMP):
            @words.Add.responder
            def add(self, a: int, b_c: int | None) -> Any:
                return {"total": a}

        class Derived(Base):
            def add(self, a: int, b_c: int | None) -> Any:
                return {"total": 100}

        assert dict(call(Derived().locateResponder(b"Add"), amp.Box(a=b"1"))) == {b"total": b"1"}

    def test_replacedWrap(self, amp: Any, words: Words) -> None:
        """C{_wrapWithSerialization} can be overridden to see every call."""

        class Watching(amp.CommandLocator):
            @words.Add.responder
            def add(self, a: int, b_c: int | None) -> Any:
                return {"total": a}

            def _wrapWithSerialization(self, aCallable: Any, command: Any) -> Any:
                responder = super()._wrapWithSerialization(aCallable, command)
                return lambda box: (seen.append((aCallable.__name__, command)), responder(box))[1]

        seen: list[Any] = []
        assert dict(call(Watching().locateResponder(b"Add"), amp.Box(a=b"5"))) == {b"total": b"5"}
        assert seen == [("add", words.Add)]

    def test_wrapped(self, amp: Any, words: Words) -> None:
        """
        A wrapped function may return a Deferred.  Its declared errors are sent as such, fatal or
        not.
        """
        locator = amp.CommandLocator()

        def respond(result: Any) -> Any:
            return locator._wrapWithSerialization(lambda **arguments: result, words.Add)(amp.Box(a=b"1"))

        assert dict(case.successResultOf(respond(succeed({"total": 2})))) == {b"total": b"2"}
        for error, code, fatal in ((ZeroDivisionError("z"), b"ZERO", False), (OverflowError("o"), b"OVER", True)):
            failure = case.failureResultOf(respond(fail(error)), amp.RemoteAmpError)
            assert (failure.value.errorCode, failure.value.fatal) == (code, fatal)
            assert (failure.value.description, failure.value.local.value) == (str(error), error)
        case.failureResultOf(respond(fail(LookupError())), LookupError)
        wrong = case.failureResultOf(respond({"wrong": 1}), amp.BadLocalReturn)
        assert "returned {'wrong': 1} and" in wrong.value.message
        assert wrong.value.enclosed.check(KeyError)

    def test_arguments(self, amp: Any, words: Words) -> None:
        """Arguments that cannot be parsed raise at once."""
        respond = amp.CommandLocator()._wrapWithSerialization(lambda **arguments: {}, words.Add)
        with pytest.raises(KeyError):
            respond(amp.Box())
        with pytest.raises(ValueError, match="invalid literal"):
            respond(amp.Box(a=b"x"))


class TestLocators:
    """Tests for other ways to find responders."""

    def test_simple(self, amp: Any) -> None:
        """C{SimpleStringLocator} finds methods by name, with a prefix that a subclass can set."""

        class Simple(amp.SimpleStringLocator):
            baseDispatchPrefix = b"do_"

            def do_ECHO(self, box: Any) -> Any:
                return box

        simple = Simple()
        assert simple.locateResponder(b"echo") == simple.do_ECHO
        assert simple.locateResponder(b"other") is None

    def test_both(self, amp: Any, words: Words) -> None:
        """
        C{AMP} looks for declared responders first, and then for a method named after the command.
        """

        class Server(amp.AMP):
            @words.Add.responder
            def add(self, a: int, b_c: int | None) -> Any:
                return {"total": a}

            def amp_ADD(self, box: Any) -> Any:
                raise AssertionError("declared ones are first")

            def amp_ECHO(self, box: Any) -> Any:
                return box

        server, client = Server(), amp.AMP()
        connection = connectInMemory(client, server)
        calls = [client.callRemoteString(b"Add", a=b"1"), client.callRemoteString(b"echo", x=b"2")]
        connection.flush()
        assert case.successResultOf(calls[0])[b"total"] == b"1"
        assert case.successResultOf(calls[1])[b"x"] == b"2"

    def test_overridden(self, amp: Any) -> None:
        """An override can find its own responders, and leave the others to the base."""

        class Server(amp.AMP):
            def locateResponder(self, name: bytes) -> Any:
                return name.upper if name == b"own" else super().locateResponder(name)

        server = Server()
        assert server.locateResponder(b"own")() == b"OWN"
        assert callable(server.locateResponder(b"StartTLS"))
        assert server.locateResponder(b"other") is None

    def test_lookupFunction(self, amp: Any) -> None:
        """An override of the old C{lookupFunction} still works, with a warning."""

        class Old(amp.CommandLocator):
            def lookupFunction(self, name: bytes) -> Any:
                return ("found", name) if name == b"x" else super().lookupFunction(name)

        with pytest.warns(PendingDeprecationWarning, match="Override locateResponder, not lookupFunction"):
            assert Old().locateResponder(b"x") == ("found", b"x")
        with pytest.warns(PendingDeprecationWarning, match="Override"):
            assert Old().locateResponder(b"y") is None
        with pytest.warns(PendingDeprecationWarning, match="Call locateResponder, not lookupFunction"):
            assert amp.CommandLocator().lookupFunction(b"y") is None

    def test_waiting(self, amp: Any, words: Words) -> None:
        """AMP waits for a responder's Deferred, and answers later calls in the meantime."""

        class Server(amp.AMP):
            @words.Add.responder
            def add(self, a: int, b_c: int | None) -> Any:
                return first if a == 1 else {"total": a}

        first: Deferred[Any] = Deferred()
        client = amp.AMP()
        connection = connectInMemory(client, Server())
        calls = [client.callRemote(words.Add, a=1), client.callRemote(words.Add, a=2)]
        connection.flush()
        case.assertNoResult(calls[0])
        assert case.successResultOf(calls[1]) == {"total": 2}
        first.callback({"total": 1})
        connection.flush()
        assert case.successResultOf(calls[0]) == {"total": 1}

    def test_lost(self, amp: Any, words: Words) -> None:
        """
        A lost connection does not cancel a responder's Deferred, and its late answer is dropped.
        """

        class Server(amp.AMP):
            @words.Add.responder
            def add(self, a: int, b_c: int | None) -> Any:
                return waiting

        waiting: Deferred[Any] = Deferred()
        client = amp.AMP()
        connection = connectInMemory(client, Server())
        outcomes: list[Any] = []
        client.callRemote(words.Add, a=1).addBoth(outcomes.append)
        connection.pump()
        connection.drop()
        assert (len(outcomes), waiting.called) == (1, False)
        waiting.callback({"total": 1})
