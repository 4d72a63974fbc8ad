"""Parts of one kind, found by name: modules of a folder of ours, and those of other packages.

A package of the user's own brings one by an entry point: its group says the kind, its name is the
part's, and it leads to a module, or an object, that offers the same as a module of ours.
"""

from __future__ import annotations

import pkgutil
import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from tinyhil.ground.errors import ConfigError


@dataclass(frozen=True)
class Parts:
    """All parts of one kind."""

    thing: str
    """What one is, for errors, such as ``link``."""
    group: str
    """Of the entry points."""
    package: str
    """Whose modules are ours; those that begin with ``_`` are not parts."""
    needed: tuple[str, ...]
    """Names that each part offers."""

    def own(self) -> set[str]:
        """Names of ours."""
        modules = pkgutil.iter_modules(sys.modules[self.package].__path__)
        return {module.name for module in modules if not module.name.startswith("_")}

    def names(self) -> tuple[str, ...]:
        """Names of all, sorted."""
        return tuple(sorted(self.own() | {point.name for point in entry_points(group=self.group)}))

    def load(self, name: str) -> Any:
        """The part of a name that is known.

        Raises:
            ConfigError: the entry point leads nowhere, its name is taken, or what it leads to
                lacks a name.
        """
        # A package may be found twice, by two entries of Python's path.
        points = {point.value: point for point in entry_points(group=self.group, name=name)}
        ours = name in self.own()
        if len(points) + ours > 1:
            taken = ["tinyhil itself"] if ours else []
            raise self._wrong(
                name,
                f"is brought by several: {', '.join([*taken, *sorted(points)])}",
                "give the entry point another name, or uninstall all packages but one",
            )
        if ours:
            return import_module(f"{self.package}.{name}")
        ((value, point),) = points.items()
        try:
            part = point.load()
        except Exception as error:  # Whatever a stranger's module does when it is imported.
            raise self._wrong(
                name,
                f"cannot be loaded from '{value}': {type(error).__name__}: {error}",
                "correct that package, or install it again",
            ) from error
        lacking = [needed for needed in self.needed if not hasattr(part, needed)]
        if lacking:
            raise self._wrong(
                name,
                f"is '{value}', which lacks {', '.join(lacking)}",
                "let the entry point lead to the module that defines it",
            )
        return part

    def _wrong(self, name: str, why: str, hint: str) -> ConfigError:
        return ConfigError(f"the {self.thing} '{name}' {why} (group {self.group})", hint=hint)
