"""
The one guarded import of Twisted's TLS, which needs pyOpenSSL.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["DN", "Certificate", "CertificateOptions", "KeyPair", "currentSSL", "ssl"]

ssl: Any
DN: Any = None
Certificate: Any = None
CertificateOptions: Any = None
KeyPair: Any = None

try:
    from twisted.internet import ssl

    if ssl.supported:
        from twisted.internet.ssl import DN, Certificate, CertificateOptions, KeyPair
    else:  # pragma: no cover - Twisted's own way to say that pyOpenSSL is too old
        ssl = None
except ImportError:
    ssl = None


def currentSSL() -> Any:
    """
    Twisted's C{ssl} module, or C{None} without TLS.

    The facade is asked at each call: applications and tests put C{None} there to do without TLS.
    """
    return import_module(__package__).ssl
