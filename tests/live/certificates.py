"""Self-signed certificates for the tests."""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from twisted.internet import ssl

__all__ = ["certificate", "pem"]


@lru_cache(maxsize=8)
def pem(name: str) -> tuple[bytes, bytes]:
    """Make a key and a self-signed certificate; the same ones for the same name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2000, 1, 1))
        .not_valid_after(datetime.datetime(2100, 1, 1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    private = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, made.public_bytes(form)


@lru_cache(maxsize=8)
def certificate(name: str) -> Any:
    """Return these as a C{PrivateCertificate}."""
    return ssl.PrivateCertificate.loadPEM(b"".join(pem(name)))
