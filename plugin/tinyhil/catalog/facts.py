"""Reads TOML files of facts (boards, tasks, benches) strictly: an unknown key is an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.project import project_around
from tinyhil.ground.toml import parsed


class Facts(BaseModel):
    """Base of everything that is read from TOML: frozen, strict, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _is_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse ``true`` and ``"1"`` for a number, which pydantic would take."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        kinds = {annotation, *get_args(annotation)}
        if isinstance(value, bool | str) and type(value) not in kinds and kinds & {int, float}:
            raise ValueError("Input should be a valid number")
        return value

    @classmethod
    def checked(cls, values: Mapping[str, Any], where: object) -> Self:
        """The facts that `values` are.

        Args:
            values: of the file, or of a table of it.
            where: names it in errors.

        Raises:
            ConfigError: a key is unknown, missing or of a wrong type; the text names it and, for
                an unknown one, the known keys.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _explain(where, cls, error) from error


class NamedFacts(Facts):
    """Base of everything that has its own file, named after it."""

    name: str


class Limit(Facts):
    """A bound on one metric, in the metric's own unit, with the source of the number."""

    min: float | None = None
    """The value may not be smaller; give this or `max`."""
    max: float | None = None
    """The value may not be larger."""
    source: str
    """Where the number comes from; shown with every verdict."""

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if (self.min is None) == (self.max is None):
            raise ValueError("give exactly one of 'min' and 'max'")
        return self


Metric = Literal[
    "latency_p50_s",
    "latency_p90_s",
    "latency_p99_s",
    "throughput_ips",
    "top1",
    "auc",
    "energy_j",
    "power_w",
    "flash_bytes",
    "ram_bytes",
    "instructions",
    "cycles",
    "audit_measures",
    "audit_clock",
    "audit_caching",
    "audit_performance",
    "audit_order",
    "audit_count",
    "audit_dependence",
]
"""The names that metrics have everywhere: in limits, records, tables and reports. An audit's is
the number of its objections."""

Model = TypeVar("Model", bound=Facts)
Named = TypeVar("Named", bound=NamedFacts)


def load(path: Path, model: type[Model]) -> Model:
    """Read one TOML file into `model`.

    Raises:
        ConfigError: no such file, not TOML, or a key that is unknown, missing or of a wrong
            type; the text names the file, the key and, for an unknown one, the known keys.
    """
    try:
        values = parsed(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}", hint="check the path and its permissions"
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"{path}: is not TOML: {error}", hint="fix the line that it names"
        ) from error
    return model.checked(values, path)


def load_named(path: Path, model: type[Named]) -> Named:
    """Read one TOML file that is named after what it describes.

    Raises:
        ConfigError: as `load`, or it has another name.
    """
    facts = load(path, model)
    if facts.name != path.stem:
        raise ConfigError(
            f"{path}: key 'name' says '{facts.name}', the file's name '{path.stem}'",
            hint="make the two the same",
        )
    return facts


def load_folders(folders: Iterable[Path], model: type[Named]) -> dict[str, Named]:
    """All files of the folders, by name.

    Raises:
        ConfigError: as `load_named`, a folder is missing, or two files have one name; one wrong
            file is an error for all, before anything starts.
    """
    paths: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: is not a folder", hint="correct the path")
        for path in sorted(folder.glob("*.toml")):
            other = paths.setdefault(path.stem, path)
            if other != path:
                raise ConfigError(
                    f"{path}: the name '{path.stem}' is taken by {other}",
                    hint="give the file, and its key 'name', another name",
                )
    return {name: load_named(path, model) for name, path in paths.items()}


def shipped_and_own(shipped: Path, own: Path | None, key: str) -> tuple[Path, ...]:
    """The folder of facts that tinyhil brings, and the user's.

    Args:
        shipped: with the package.
        own: which the user names; else the one that his project's ``[tool.tinyhil]`` names.
        key: of that table.

    Raises:
        ConfigError: the table can't be read.
    """
    own = own or project_around(Path.cwd()).path(key)
    return (shipped,) if own is None else (shipped, own)


def _explain(path: object, model: type[Facts], error: ValidationError) -> ConfigError:
    """One line for each wrong key; known keys are listed where a key is unknown."""
    lines = []
    for problem in error.errors():
        location = [str(part) for part in problem["loc"] if part != "[key]"]
        key = ".".join(location) or "(whole file)"
        if problem["type"] == "extra_forbidden":
            here = _model_at(model, problem["loc"][:-1])
            known = ", ".join(sorted(f.alias or name for name, f in here.model_fields.items()))
            lines.append(f"{path}: unknown key '{key}'; known keys here: {known}")
        else:
            said = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{path}: key '{key}': {said}")
    return ConfigError("\n".join(lines), hint="correct the key in that file; nothing was started")


def _model_at(model: type[Facts], location: Sequence[int | str]) -> type[Facts]:
    """What is at `location` (field names and list indexes) in `model`."""
    here: type[Facts] = model
    for part in location:
        field = here.model_fields.get(part) if isinstance(part, str) else None
        inner = _facts_in(field.annotation) if field else None
        here = inner or here
    return here


def _facts_in(annotation: Any) -> type[Facts] | None:
    """The `Facts` class inside an annotation such as ``tuple[Memory, ...] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, Facts):
        return annotation
    for argument in get_args(annotation):
        found = _facts_in(argument)
        if found:
            return found
    return None
