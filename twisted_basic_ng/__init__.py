"""
Twisted's line, netstring and int-prefixed protocols, written afresh: the same names and behaviour,
linear in every input, safe against a hostile peer, fully typed.

Import L{twisted_basic_ng.basic} instead of C{twisted.protocols.basic}.  To run a program unchanged,
use C{python -m twisted_basic_ng run PROGRAM}, L{install}, or C{twisted-basic-ng enable}.

Importing this package imports nothing else, not even Twisted.
"""

from __future__ import annotations

# Like typing's, which is slow to import: an enabled environment imports this file at every start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._swapping.status import Status
    from ._swapping.swap import AlreadyInUseError, TwistedTooOldError
else:

    def __getattr__(name: str) -> object:
        """Import a class at its first use."""
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
        """Include the classes that are imported at their first use."""
        return sorted({*globals(), *__all__})


__all__ = ["AlreadyInUseError", "Status", "TwistedTooOldError", "__version__", "install", "status", "uninstall"]

__version__ = "0.1.0"


def install(extended: bool = False) -> None:
    """
    Replace Twisted's modules with ours for the rest of this process; calling it again does nothing.

    Call it before you import anything that uses them.  It imports nothing itself; it makes later
    imports find our modules.

    @param extended: whether AMP has features beyond Twisted's on every connection whose class does
        not set C{extended} itself.  Calling it again can switch that on, but not off.
    @raise AlreadyInUseError: some imported modules hold Twisted's own classes.
    @raise TwistedTooOldError: Twisted is older than 22.10, and its modules are already imported.
        If they are not, their first import raises it.
    """
    from ._swapping.swap import install as swapIn

    swapIn(extended)


def uninstall() -> None:
    """
    Make later imports find Twisted's own modules again; without L{install} this does nothing.

    Subclasses of our classes stay as they are.
    """
    from ._swapping.swap import uninstall as swapOut

    swapOut()


def status() -> Status:
    """
    Return what is swapped in this process and in this Python environment, and which build is in
    use.

    @return: the state as attributes; C{str()} of it is readable text.
    """
    from ._swapping.status import read

    return read()
