"""Tests for L{twisted_basic_ng._accelerate.steps}."""

from __future__ import annotations

from twisted_basic_ng._accelerate.steps import noteStep, takeSteps


class TestSteps:
    """An exception records the path to the value that caused it."""

    def test_order(self) -> None:
        """The outermost step comes first, and taking the steps removes them from the exception."""
        error = ValueError("text")
        for step in (b"inner", 3, b"outer"):
            noteStep(error, step)
        assert takeSteps(error) == [b"outer", 3, b"inner"]
        assert (vars(error), takeSteps(error)) == ({}, [])

    def test_own(self) -> None:
        """The exception's own C{__setattr__} is not called."""

        class Sealed(Exception):
            def __setattr__(self, name: str, value: object) -> None:
                raise TypeError

        error = Sealed()
        noteStep(error, 1)
        assert takeSteps(error) == [1]
