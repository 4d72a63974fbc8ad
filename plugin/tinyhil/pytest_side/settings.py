"""Where an option's value comes from: the command line, ``[tool.tinyhil]``, or its default.

Called in every pytest run: nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.paths import SUITES
from tinyhil.ground.project import Project, project_around, project_in
from tinyhil.pytest_side.options import DEFAULTS, KEYS

_used: pytest.StashKey[Mapping[str, Path]] = pytest.StashKey()
"""The options whose value is the table's, and the file that it stands in."""


def apply(config: pytest.Config) -> None:
    """Complete the options of a run: what the command line does not say, the project's table
    does; then come the defaults. Folders are below the project's.

    Workers of pytest-xdist are handed the completed options.

    Raises:
        pytest.UsageError: the table is wrong.
    """
    try:
        project = _project(config)
        settings = _checked(project)  # before its paths are asked for
    except ConfigError as error:
        raise pytest.UsageError(error.told) from error
    option = config.option
    bench = project.folder / "bench.toml"
    places = {
        "runs": project.runs,
        "build": project.build,
        **({"bench": bench} if bench.is_file() else {}),
    }
    used: dict[str, Path] = {}
    for key in KEYS:
        name = f"hil_{key}"
        # Nothing given: None, an empty list, or a flag that is not set.
        given = getattr(option, name)
        if given is None or given is False or given == []:  # Not `in`: 0.0 equals False.
            found = settings.get(key, places.get(key, DEFAULTS.get(key)))
            if found is not None:
                setattr(option, name, found)
            if key in settings:
                used[f"--hil-{key.replace('_', '-')}"] = project.file
    config.stash[_used] = used


def explained(config: pytest.Config, error: ConfigError) -> str:
    """The text of an error, with the file that a wrong option stands in."""
    used = config.stash.get(_used, {})
    for option, file in used.items():
        if error.message.startswith((f"option {option}:", f"option {option} ")):
            return f"{error}\n  the value stands in {file}, [tool.tinyhil]\n  more: {error.page}"
    return error.told


def _project(config: pytest.Config) -> Project:
    """The user's project: pytest's root folder, unless pytest took that from the place of our
    own suites alone. Then it is found from where pytest was called, as it is without a
    configuration file, where pytest takes any folder above its arguments."""
    root, here = config.rootpath, config.invocation_params.dir
    if config.getoption("rootdir", None):
        return project_in(root)
    ours = SUITES.is_relative_to(root) and not here.is_relative_to(root)
    return project_around(here) if ours or config.inipath is None else project_in(root)


def _checked(project: Project) -> dict[str, Any]:
    """The project's settings, each in the type of its option.

    Raises:
        ConfigError: a key is unknown, or holds something else.
    """
    unknown = project.table.keys() - KEYS
    if unknown:
        raise ConfigError(
            f"{project.file}: unknown key 'tool.tinyhil.{sorted(unknown)[0]}'; known keys here: "
            f"{', '.join(sorted(KEYS))}",
            hint="correct the key; they are the options --hil-… with '_' for '-'",
        )
    return {key: _value(project, key, KEYS[key]) for key in project.table}


def images(config: pytest.Config) -> tuple[Mapping[str, Path], Path | None]:
    """The user's images by task, of the table ``[tool.tinyhil.firmware]``, and where it stands."""
    found = config.getoption("--hil-firmware")
    return (found, config.stash[_used]["--hil-firmware"]) if isinstance(found, dict) else ({}, None)


def _value(project: Project, key: str, keywords: Mapping[str, Any]) -> Any:
    """One value of the table."""
    value, kind = project.table[key], keywords.get("type", str)
    if key == "firmware" and isinstance(value, dict):
        return _images(project, value)
    if keywords.get("action") == "store_true":
        kind = bool
    values = value if keywords.get("action") == "append" and isinstance(value, list) else [value]
    if not all(_fits(one, kind) for one in values):
        names = {
            str: "a string",
            Path: "a path",
            float: "a number",
            int: "a whole number",
            bool: "true or false",
        }
        several = ", or a list of them" if keywords.get("action") == "append" else ""
        raise ConfigError(
            f"{project.file}: key 'tool.tinyhil.{key}' is not {names[kind]}{several}",
            hint="correct the value",
        )
    made = [project.folder / one if kind is Path else kind(one) for one in values]
    return made if keywords.get("action") == "append" else made[0]


def _images(project: Project, table: Mapping[str, Any]) -> dict[str, Path]:
    """The table of images by task."""
    for task, path in table.items():
        if not isinstance(path, str):
            raise ConfigError(
                f"{project.file}: key 'tool.tinyhil.firmware.{task}' is not a path",
                hint="correct the value",
            )
    return {task: project.folder / path for task, path in table.items()}


def _fits(value: object, kind: type) -> bool:
    if kind in (float, int):
        return isinstance(value, int | kind) and not isinstance(value, bool)
    return isinstance(value, str if kind is Path else kind)
