"""
The one guarded import of Twisted's TLS, which needs pyOpenSSL.

The import takes half as long as all other imports of AMP, and most connections never start TLS.  So
it happens when one of its names is first accessed, here or in the facade.  It costs nothing if a
reactor has already imported it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

__all__ = ["NAMES", "currentSSL"]

#: The names that it provides, each C{None} without TLS.
NAMES: Final = ("DN", "Certificate", "CertificateOptions", "KeyPair", "ssl")

if TYPE_CHECKING:
    DN: Any
    Certificate: Any
    CertificateOptions: Any
    KeyPair: Any
    ssl: Any
else:

    def __getattr__(name: str) -> object:
        """Import Twisted's TLS on the first access to one of its names."""
        if name not in NAMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = _load()
        for each in NAMES:
            globals().setdefault(each, module if each == "ssl" else getattr(module, each, None))
        return globals()[name]


def _load() -> Any:
    """Return Twisted's C{ssl} module, or C{None} if it cannot be used."""
    try:
        from twisted.internet import ssl
    except ImportError:
        return None
    return ssl if ssl.supported else None


def currentSSL() -> Any:
    """
    Return Twisted's C{ssl} module, or C{None} without TLS.

    This reads the name from the facade at each call, because applications and tests set it to
    C{None} to do without TLS.
    """
    return import_module(__package__).ssl
