"""
The one guarded import of Twisted's TLS, which needs pyOpenSSL.

It takes as long as half of all the rest that AMP imports, and most connections never start TLS: so it is made when one
of its names is first asked for, here or in the facade.  Where there is a reactor already, that costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

__all__ = ["NAMES", "currentSSL"]

#: What there is to ask for, each C{None} without TLS.
NAMES: Final = ("DN", "Certificate", "CertificateOptions", "KeyPair", "ssl")

if TYPE_CHECKING:
    DN: Any
    Certificate: Any
    CertificateOptions: Any
    KeyPair: Any
    ssl: Any
else:

    def __getattr__(name: str) -> object:
        """Import Twisted's TLS when something of it is asked for."""
        if name not in NAMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = _load()
        for each in NAMES:
            globals().setdefault(each, module if each == "ssl" else getattr(module, each, None))
        return globals()[name]


def _load() -> Any:
    """Twisted's C{ssl} module, or C{None} where it cannot be used."""
    try:
        from twisted.internet import ssl
    except ImportError:
        return None
    return ssl if ssl.supported else None


def currentSSL() -> Any:
    """
    Twisted's C{ssl} module, or C{None} without TLS.

    The facade is asked at each call: applications and tests put C{None} there to do without TLS.
    """
    return import_module(__package__).ssl
