"""
Tells pydoctor on which page each public name belongs.

A class that a private file defines belongs on the page of the module that makes it public.
pydoctor moves it there, unless the private file lists it in its C{__all__}.  All private files of
this package do, so this file hides their C{__all__} from pydoctor.
"""

from __future__ import annotations

from collections.abc import Collection

from pydoctor.extensions import ExtRegistrar, ModuleMixin
from pydoctor.model import Module, System

__all__ = ["Pages", "setup_pydoctor_extension"]


class _PrivateModule(ModuleMixin, Module):
    """A module whose C{__all__} is ignored if the module is private."""

    @property
    def all(self) -> Collection[str] | None:
        """The names that the module exports."""
        return None if self.name.startswith("_") else self._exports

    @all.setter  # noqa: A003 - pydoctor names it so
    def all(self, names: Collection[str] | None) -> None:
        self._exports = names


def setup_pydoctor_extension(registrar: ExtRegistrar) -> None:
    """Register the class above with pydoctor."""
    registrar.register_mixin(_PrivateModule)


class Pages(System):
    """The pydoctor system that builds our pages."""

    custom_extensions = [__name__]
