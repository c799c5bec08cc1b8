"""The commands and the responder of these tests, for Twisted's C{amp} and ours."""

from __future__ import annotations

from typing import Any

__all__ = ["Words", "outcomeOf"]


class Words:
    """
    Commands, built from the classes of C{amp}.

    @ivar Server: a peer that responds to C{Echo}.
    """

    def __init__(self, amp: Any) -> None:
        class Add(amp.Command):
            arguments = [(b"a", amp.Integer()), (b"b-c", amp.Integer(optional=True))]
            response = [(b"total", amp.Integer())]
            errors = {ZeroDivisionError: b"ZERO"}
            fatalErrors = {OverflowError: b"OVER"}

        class More(Add):
            commandName = b"more"
            errors = [(ValueError, b"VALUE")]

        class Echo(amp.Command):
            arguments = [(b"text", amp.Unicode())]
            response = [(b"text", amp.Unicode())]
            errors = {ValueError: b"VALUE"}

        class Server(amp.AMP):
            @Echo.responder
            def echo(self, text: str) -> Any:
                if text == "wait":
                    return self.waiting
                if text in ("ValueError", "OSError"):
                    raise {"ValueError": ValueError, "OSError": OSError}[text](text)
                return {"text": text}

        self.Add, self.More, self.Echo, self.Server = Add, More, Echo, Server


def outcomeOf(calling: Any) -> list[Any]:
    """Return a list that will contain the result or failure of a call."""
    outcomes: list[Any] = []
    calling.addBoth(outcomes.append)
    return outcomes
