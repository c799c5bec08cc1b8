"""Tests for L{twisted_basic_ng.amp._tlssupport}."""

from __future__ import annotations

from types import ModuleType

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


LATE = """
import sys
from twisted_basic_ng import amp
print("OpenSSL" in sys.modules)
missing = {"DN", "Certificate", "CertificateOptions", "KeyPair", "ssl", "_ssl"} - {*dir(amp)}
print(missing, amp._ssl is amp.ssl, amp.ssl is sys.modules["twisted.internet.ssl"], amp.DN is amp.ssl.DN)
"""


class TestSSL:
    """TLS is available with pyOpenSSL, and can be switched off."""

    def test_late(self) -> None:
        """The names of TLS are known before they are imported, and are Twisted's objects."""
        pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
        ended = python("-c", LATE)
        assert ended.stdout == "False\nset() True True True\n", ended.stderr

    @pytest.mark.parametrize("module", [amp, _tlssupport])
    def test_unknown(self, module: ModuleType) -> None:
        """An unknown name raises the usual C{AttributeError}."""
        with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'nothing'"):
            module.nothing  # noqa: B018 - reading it is the test

    def test_current(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The current value on the facade is used."""
        assert _tlssupport.currentSSL() is _tlssupport.ssl
        monkeypatch.setattr(amp, "ssl", None)
        assert _tlssupport.currentSSL() is None

    def test_without(self) -> None:
        """Without pyOpenSSL, everything except TLS works."""
        ended = python("-c", WITHOUT)
        advice = "Install what it needs: pip install 'twisted[tls]'"
        assert ended.stdout == f"None None [AmpBox({{b'a': b'1'}})]\nTLS not available.  {advice}\n", ended.stderr
