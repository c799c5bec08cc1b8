"""
Twisted's line, netstring and int-prefixed protocols, written afresh: the same names and behaviour, linear in
every input, safe against a hostile peer, fully typed.

Import L{twisted_basic_ng.basic} where a program imports C{twisted.protocols.basic}; or let a program as it is run
on it: C{python -m twisted_basic_ng run PROGRAM}, L{install}, or C{twisted-basic-ng enable}.

Importing this package imports nothing else, Twisted least of all.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, which is slow to import: an enabled environment does this at every start
if TYPE_CHECKING:
    from ._swapping.status import Status
    from ._swapping.swap import AlreadyInUseError, TwistedTooOldError
else:

    def __getattr__(name: str) -> object:
        """Import a class when it is first asked for."""
        if name == "AlreadyInUseError":
            from ._swapping.swap import AlreadyInUseError as found
        elif name == "TwistedTooOldError":
            from ._swapping.swap import TwistedTooOldError as found
        elif name == "Status":
            from ._swapping.status import Status as found
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return found

    def __dir__() -> list[str]:
        """Name these, too."""
        return sorted({*globals(), *__all__})


__all__ = ["AlreadyInUseError", "Status", "TwistedTooOldError", "__version__", "install", "status", "uninstall"]

__version__ = "0.1.0"


def install() -> None:
    """
    Put our modules in the place of Twisted's, for the rest of this process; again is harmless.

    Call it before anything that imports them: nothing is imported here, only later imports are answered
    with ours.

    @raise AlreadyInUseError: modules are in use that hold Twisted's own classes.
    @raise TwistedTooOldError: Twisted's modules are imported already, and Twisted is older than 22.10.  Otherwise
        their first import raises it.
    """
    from ._swapping.swap import install as swapIn

    swapIn()


def uninstall() -> None:
    """
    Let later imports find Twisted's own modules again; without L{install} it does nothing.

    Classes that were built on ours stay as they are.
    """
    from ._swapping.swap import uninstall as swapOut

    swapOut()


def status() -> Status:
    """
    Tell what is swapped in this process and in this Python environment, and which build is in use.

    @return: the facts as attributes; C{str()} of it is text for people.
    """
    from ._swapping.status import read

    return read()
