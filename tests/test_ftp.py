"""Tests for L{twisted_basic_ng.ftp}."""

from __future__ import annotations

from tests.processes import python
from twisted_basic_ng import ftp
from twisted_basic_ng._ftp import consumers, dtp, dtpfactory


class TestFacade:
    """The module re-exports the public names."""

    def test_names(self) -> None:
        """Each name is that of its own module."""
        assert (ftp.DTP, ftp.DTPFactory) == (dtp.DTP, dtpfactory.DTPFactory)
        assert (ftp.ASCIIConsumerWrapper, ftp.FileConsumer) == (
            consumers.ASCIIConsumerWrapper,
            consumers.FileConsumer,
        )
        assert [name for name in ftp.__all__ if not hasattr(ftp, name)] == []

    def test_either(self) -> None:
        """Twisted's module and ours can be imported in any order, with a swap and without."""
        for names in (
            ("twisted.protocols.ftp", "twisted_basic_ng.ftp"),
            ("twisted_basic_ng.ftp", "twisted.protocols.ftp"),
        ):
            program = (
                f"import {names[0]}, {names[1]}, twisted\nprint(twisted.protocols.ftp.DTP is twisted_basic_ng.ftp.DTP)"
            )
            assert python("-c", program).stdout == "False\n"
            ended = python("-m", "twisted_basic_ng", "run", "-c", program)
            assert ended.stdout == "True\n", ended.stderr
