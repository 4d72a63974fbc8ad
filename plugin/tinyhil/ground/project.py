"""The user's own repository: where it begins, and its table ``[tool.tinyhil]``.

Imported by every pytest run in the environment: nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.toml import parsed

FILE = "pyproject.toml"


@dataclass(frozen=True)
class Project:
    """A repository that tinyhil is used in."""

    folder: Path
    """What is written by default goes below it."""
    table: Mapping[str, Any] = field(default_factory=dict)
    """``[tool.tinyhil]`` as it stands there; empty without one."""

    @property
    def file(self) -> Path:
        """Where the table is, for errors."""
        return self.folder / FILE

    @property
    def runs(self) -> Path:
        """The folder of run folders; see `path` for errors."""
        return self.path("runs") or self.folder / "reports" / "runs"

    @property
    def build(self) -> Path:
        """The folder of firmware builds and generated data sets; see `path` for errors."""
        return self.path("build") or self.folder / "build"

    def path(self, key: str) -> Path | None:
        """The file or folder that a key names, relative to the project's folder.

        Raises:
            ConfigError: the key holds something else.
        """
        value = self.table.get(key)
        if value is not None and not isinstance(value, str):
            raise ConfigError(
                f"{self.file}: key 'tool.tinyhil.{key}' is not a string",
                hint="give a path, relative to that file",
            )
        return None if value is None else self.folder / value


def project_in(folder: Path) -> Project:
    """The project whose folder this is.

    Raises:
        ConfigError: its ``pyproject.toml`` is not TOML, or can't be read.
    """
    path = folder / FILE
    if not path.is_file():
        return Project(folder)
    try:
        table = parsed(path.read_text(encoding="utf-8")).get("tool", {}).get("tinyhil", {})
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}", hint="check its permissions"
        ) from error
    except (ValueError, AttributeError) as error:
        raise ConfigError(
            f"{path}: is not TOML with tables: {error}", hint="fix the line that it names"
        ) from error
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: 'tool.tinyhil' is not a table", hint="write [tool.tinyhil]")
    return Project(folder, table)


def project_around(here: Path) -> Project:
    """The project that a folder belongs to: the nearest with a ``pyproject.toml``, else itself.

    Raises:
        ConfigError: as `project_in`.
    """
    found = (folder for folder in (here, *here.parents) if (folder / FILE).is_file())
    return project_in(next(found, here))
