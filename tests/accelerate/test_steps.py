"""Tests for L{twisted_basic_ng._accelerate.steps}."""

from __future__ import annotations

from twisted_basic_ng._accelerate.steps import noteStep, takeSteps


class TestSteps:
    """An exception carries the way to its value."""

    def test_order(self) -> None:
        """The outermost step comes first; nothing is left on the exception."""
        error = ValueError("text")
        for step in (b"inner", 3, b"outer"):
            noteStep(error, step)
        assert takeSteps(error) == [b"outer", 3, b"inner"]
        assert (vars(error), takeSteps(error)) == ({}, [])

    def test_own(self) -> None:
        """An exception's own way to set attributes is not asked."""

        class Sealed(Exception):
            def __setattr__(self, name: str, value: object) -> None:
                raise TypeError

        error = Sealed()
        noteStep(error, 1)
        assert takeSteps(error) == [1]
