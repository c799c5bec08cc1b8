"""Tests for applications' own commands, and for the methods that applications call on them."""

from __future__ import annotations

from typing import Any

import pytest

from twisted.internet.defer import succeed
from twisted.trial.unittest import SynchronousTestCase

from tests.compatibility.words import Words
from tests.helpers import connectInMemory

case = SynchronousTestCase()


class TestCommands:
    """Tests for what applications call and override on command classes."""

    def test_conversions(self, amp: Any, words: Words) -> None:
        """The four conversions can be called on the class, without a connection."""
        box = words.Add.makeArguments({"a": 1, "b_c": None}, None)
        assert (type(box), dict(box)) == (amp.AmpBox, {b"a": b"1"})
        assert words.Add.parseArguments(box, None) == {"a": 1, "b_c": None}
        answer = words.Add.makeResponse({"total": 3}, None)
        assert words.Add.parseResponse(answer, None) == {"total": 3}
        with pytest.raises(amp.InvalidSignature, match="x is not a valid argument"):
            words.Add.makeArguments({"a": 1, "x": 2}, None)
        with pytest.raises(KeyError):
            words.Add.parseResponse(amp.Box(), None)

    def test_errors(self, words: Words) -> None:
        """
        C{errors} in any form becomes a dictionary.  C{allErrors} and C{reverseErrors} include those
        of the bases.
        """
        assert words.Add.allErrors == {ZeroDivisionError: b"ZERO", OverflowError: b"OVER"}
        assert words.Add.reverseErrors == {b"ZERO": ZeroDivisionError, b"OVER": OverflowError}
        assert words.More.errors == {ValueError: b"VALUE"}
        assert words.More.allErrors == {**words.Add.allErrors, ValueError: b"VALUE"}
        assert words.More.reverseErrors == {**words.Add.reverseErrors, b"VALUE": ValueError}
        assert (words.Add.commandName, words.More.commandName) == (b"Add", b"more")

    def test_laterErrors(self, amp: Any, words: Words) -> None:
        """An error that is added to a class's tables later becomes an error of the command."""
        words.Add.allErrors[LookupError] = b"LOOK"
        words.Add.reverseErrors[b"LOOK"] = LookupError

        class Server(amp.AMP):
            @words.Add.responder
            def add(self, **arguments: Any) -> Any:
                raise LookupError("added")

        client = amp.AMP()
        connection = connectInMemory(client, Server())
        failures: list[Any] = []
        client.callRemote(words.Add, a=1).addErrback(failures.append)
        connection.flush()
        assert [(each.type, str(each.value)) for each in failures] == [(LookupError, "added")]

    def test_missing(self, amp: Any, words: Words) -> None:
        """Creating a command checks that all required arguments are present."""
        with pytest.raises(amp.InvalidSignature, match="forgot a for"):
            words.Add(b_c=1)
        assert words.Add(a=1).structured == {"a": 1}

    @pytest.mark.parametrize(
        "attributes",
        [
            {"commandName": "text"},
            {"arguments": [("text", None)]},
            {"response": [("text", None)]},
            {"errors": {ValueError: "text"}},
            {"fatalErrors": {ValueError: "text"}},
        ],
    )
    def test_text(self, amp: Any, attributes: dict[str, Any]) -> None:
        """Creating a class raises C{TypeError} if it has a string in place of bytes."""
        with pytest.raises(TypeError, match="must be byte strings, got"):
            type(amp.Command)("Bad", (amp.Command,), attributes)

    def test_overridden(self, amp: Any) -> None:
        """
        A command can override its conversions, use attributes of the protocol, and have its own box
        types.
        """

        class Out(amp.Box):
            pass

        class Back(amp.Box):
            pass

        class Signed(amp.Command):
            arguments = [(b"a", amp.Integer())]
            response = [(b"a", amp.Integer())]
            commandType, responseType = Out, Back

            @classmethod
            def makeArguments(cls, objects: Any, proto: Any) -> Any:
                box = super().makeArguments(objects, proto)
                seen.append(type(box))
                box[b"signature"] = proto.key
                return box

            @classmethod
            def parseArguments(cls, box: Any, protocol: Any) -> Any:
                assert box[b"signature"] == protocol.key
                return super().parseArguments(box, protocol)

            @classmethod
            def makeResponse(cls, objects: Any, proto: Any) -> Any:
                box = super().makeResponse({"a": objects}, proto)
                seen.append(type(box))
                return box

            @classmethod
            def parseResponse(cls, box: Any, protocol: Any) -> Any:
                return super().parseResponse(box, protocol)["a"]

        class Peer(amp.AMP):
            key = b"secret"

            @Signed.responder
            def signed(self, a: int) -> Any:
                return a + 1

        seen: list[type] = []
        client = Peer()
        connection = connectInMemory(client, Peer())
        calling = client.callRemote(Signed, a=1)
        connection.flush()
        assert case.successResultOf(calling) == 2
        assert seen == [Out, Back]

    def test_doCommand(self, amp: Any, words: Words) -> None:
        """C{_doCommand} is called to send a command, and can be overridden."""

        class Logged(words.Add):
            commandName = words.Add.commandName

            def _doCommand(self, proto: Any) -> Any:
                return super()._doCommand(proto).addCallback(lambda response: ("logged", response, self.structured))

        class Dispatcher(amp.BoxDispatcher):
            def _sendBoxCommand(self, command: bytes, box: Any, requiresAnswer: bool = True) -> Any:
                assert (command, dict(box), requiresAnswer) == (b"Add", {b"a": b"1"}, True)
                return succeed(amp.Box(total=b"5"))

        calling = Dispatcher(None).callRemote(Logged, a=1)
        assert case.successResultOf(calling) == ("logged", {"total": 5}, {"a": 1})

    def test_switchTypes(self, amp: Any) -> None:
        """
        C{StartTLS} and C{ProtocolSwitchCommand} can be subclassed with arguments and responses.
        """

        class Secure(amp.StartTLS):
            commandName = b"secure"
            arguments = [*amp.StartTLS.arguments, (b"name", amp.Unicode())]

        class Switch(amp.ProtocolSwitchCommand):
            arguments = [(b"name", amp.Unicode())]

        secure = Secure(tls_localCertificate="certificate", name="x")
        assert secure.structured == {"name": "x"}
        assert (secure.certificate, secure.authorities) == ("certificate", None)
        switch = Switch("factory", name="x")
        assert (switch.protoToSwitchToFactory, switch.structured) == ("factory", {"name": "x"})
        box = Switch.makeResponse("inner", None)
        assert (type(box), box.innerProto) == (amp._SwitchBox, "inner")
