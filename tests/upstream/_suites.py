"""The names of Twisted's suites that use the swapped modules."""

from __future__ import annotations

from typing import Final

__all__ = ["SUITES", "TOO_LONG"]

SUITES: Final = (
    "twisted.protocols.test.test_basic",
    "twisted.protocols",
    "twisted.mail",
    "twisted.words",
    "twisted.web",
    "twisted.names",
    "twisted.spread",
    "twisted.runner",
    "twisted.positioning",
    "twisted.conch.test.test_telnet",
    "twisted.test.test_protocols",
    "twisted.test.test_ftp",
    "twisted.test.test_ftp_options",
    "twisted.test.test_amp",
    "twisted.test.test_loopback",
    "twisted.test.test_memcache",
    "twisted.test.test_sip",
    "twisted.test.test_finger",
    "twisted.test.test_ident",
    "twisted.test.test_postfix",
    "twisted.test.test_stateful",
    "twisted.test.test_tpfile",
    "twisted.test.test_ssl",
    "twisted.test.test_application",
    "twisted.internet.test.test_endpoints",
    "twisted.trial._dist",
)

#: The tests that expect C{TooLong} for a value that can be sent if AMP's features beyond Twisted's
#: are enabled.
TOO_LONG: Final = frozenset({"twisted.test.test_amp.AMPTests.test_valueTooLong"})
