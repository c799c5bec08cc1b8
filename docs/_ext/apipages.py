"""
What pydoctor is told of the places of public names.

A class that a private file defines belongs on the page of the module where it is public.  pydoctor moves it there,
unless the private file names it in its C{__all__}, as all of ours do; so that is not shown to it.
"""

from __future__ import annotations

from collections.abc import Collection

from pydoctor.extensions import ExtRegistrar, ModuleMixin
from pydoctor.model import Module, System

__all__ = ["Pages", "setup_pydoctor_extension"]


class _PrivateModule(ModuleMixin, Module):
    """A module whose C{__all__} counts for nothing where its name is private."""

    @property
    def all(self) -> Collection[str] | None:
        """What the module exports."""
        return None if self.name.startswith("_") else self._exports

    @all.setter  # noqa: A003 - pydoctor names it so
    def all(self, names: Collection[str] | None) -> None:
        self._exports = names


def setup_pydoctor_extension(registrar: ExtRegistrar) -> None:
    """Tell pydoctor of the class above."""
    registrar.register_mixin(_PrivateModule)


class Pages(System):
    """The system that makes our pages."""

    custom_extensions = [__name__]
