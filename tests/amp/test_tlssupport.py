"""Tests for L{twisted_basic_ng.amp._tlssupport}."""

from __future__ import annotations

import pytest

from tests.processes import python
from twisted_basic_ng import amp
from twisted_basic_ng.amp import _tlssupport

WITHOUT = """
import sys
sys.modules["OpenSSL"] = None
from twisted_basic_ng import amp
print(amp.ssl, amp.Certificate, amp.parseString(amp.Box(a=b"1").serialize()))
try:
    amp.StartTLS()
except RuntimeError as error:
    print(error)
"""


class TestSSL:
    """TLS is there where pyOpenSSL is, and can be taken away."""

    def test_current(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the facade says now counts, not what it said once."""
        assert _tlssupport.currentSSL() is _tlssupport.ssl
        monkeypatch.setattr(amp, "ssl", None)
        assert _tlssupport.currentSSL() is None

    def test_without(self) -> None:
        """Without pyOpenSSL all but TLS is there."""
        ended = python("-c", WITHOUT)
        assert ended.stdout == "None None [AmpBox({b'a': b'1'})]\nTLS not available.\n", ended.stderr
