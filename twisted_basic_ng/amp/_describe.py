"""
C{Describe}: the command that asks a peer what it responds to.
"""

from __future__ import annotations

from .._places import public
from ._commands import Command
from ._constants import DESCRIBE
from ._description import DESCRIPTION

__all__ = ["Describe"]


@public("amp")
class Describe(Command):
    """
    Ask a peer for the commands that it responds to.

    The response has C{commands}, a list of dictionaries with these values:

      - C{name}: the command's name on the wire.
      - C{text}: its docstring.
      - C{arguments} and C{response}: lists of dictionaries, each with a C{name}, a C{type} as text,
        and whether it is C{optional}.
      - C{errors}: a list of dictionaries, each with a C{code}, the C{name} of the exception, and
        whether it is C{fatal}.
      - C{requiresAnswer}: whether it wants an answer.

    A peer answers if its protocol has C{describes = True}.  Any other, and Twisted's, fails the call
    with L{twisted_basic_ng.amp.UnhandledCommand}.
    """

    commandName = DESCRIBE
    response = DESCRIPTION
