"""Reads run folders: strict about what stands there, bounded in what it reads.

A run that was killed may end in a torn line; that line is left out, and the run says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.tree import MIB, Tree, Unreadable
from tinyhil.record import SCHEMA

RECORD = "record.jsonl"
MAX_BYTES = 128 * MIB

Microseconds = Annotated[int, Field(ge=0, lt=1 << 63)]
Count = Annotated[int, Field(ge=0, lt=1 << 31)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{0,64}$")]
Name = Annotated[str, Field(max_length=255)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Line(_Row):
    """One measurement of a record; see `record.Entry`."""

    schema_version: int = Field(alias="schema", ge=1)
    board: Name
    core: Name
    emulated: bool
    task: Name
    link: Name
    division: Name
    data_set: Name
    model_sha256: Hex | None
    firmware_sha256: Hex
    measure: Name
    samples: Count
    metrics: Mapping[str, float]
    verdict: Name
    details: Mapping[str, Any] = Field(default_factory=dict)
    started: datetime
    error: str | None = None


class AccuracyRow(_Row):
    """A sample's answers, one a window."""

    sample: Name
    label: Count
    scores: tuple[tuple[float, ...], ...] = Field(min_length=1)
    stamps_us: tuple[tuple[Microseconds, Microseconds], ...] | None = None


class WindowRow(_Row):
    """A window of a throughput measurement."""

    sample: Name
    count: Annotated[int, Field(ge=1, lt=1 << 31)]
    start_us: Microseconds
    end_us: Microseconds

    @property
    def seconds(self) -> float:
        """On the device's clock."""
        return (self.end_us - self.start_us) * 1e-6


class QueryRow(_Row):
    """Times of single queries of one sample."""

    sample: Name
    times: tuple[Count, ...]
    unit: str = Field(pattern=r"^(us|ticks of 1/[0-9]{1,12} s)$")

    @property
    def seconds(self) -> tuple[float, ...]:
        """Each time in seconds."""
        ticks = 10**6 if self.unit == "us" else int(self.unit.split("/")[1].split()[0])
        return tuple(time / ticks for time in self.times)


Row = TypeVar("Row", bound=_Row)


@dataclass(frozen=True)
class Run:
    """A run's folder and its record."""

    folder: Path
    lines: tuple[Line, ...]
    torn: bool
    """Whether the record ends in a line that is not whole."""

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.folder.name

    def rows(self, task: str, measure: str, kind: type[Row]) -> tuple[Row, ...]:
        """The raw answers of one measure, in the order they came; a torn last one left out.

        Raises:
            ConfigError: the file is missing, too long, or holds something else.
        """
        rows, _ = _read(self.folder, PurePosixPath("raw", f"{task}-{measure}.jsonl"), kind)
        return rows


def find_runs(path: Path) -> tuple[Path, ...]:
    """A run's folder itself, or those in a folder of runs, oldest first; none elsewhere."""
    if (path / RECORD).is_file():
        return (path,)
    return tuple(sorted(record.parent for record in path.glob(f"*/{RECORD}")))


def read_run(folder: Path) -> Run:
    """Read a run's record.

    Raises:
        ConfigError: it is missing, too long, of another schema, or damaged; the text names the
            line and the key.
    """
    lines, torn = _read(folder, PurePosixPath(RECORD), Line)
    for number, line in enumerate(lines, start=1):
        if line.schema_version > SCHEMA:
            raise ConfigError(
                f"{folder / RECORD}, line {number}: has schema {line.schema_version}, this tinyhil "
                f"knows {SCHEMA}",
                hint="read it with the tinyhil that wrote it, or a newer one",
            )
    return Run(folder, lines, torn)


def _read(folder: Path, place: PurePosixPath, kind: type[Row]) -> tuple[tuple[Row, ...], bool]:
    path = folder / place
    try:
        data = Tree(folder).read(place, MAX_BYTES)
    except Unreadable as error:
        raise ConfigError(f"{path}: {error}", hint="name the folder of a run") from error
    *whole, rest = data.split(b"\n")
    return tuple(_rows(path, whole, kind)), bool(rest)


def _rows(path: Path, lines: list[bytes], kind: type[Row]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        try:
            yield kind.model_validate(json.loads(line))
        except ValidationError as error:
            problem = error.errors()[0]
            key = ".".join(str(part) for part in problem["loc"]) or "(whole line)"
            raise _damaged(path, number, f"key '{key}': {problem['msg']}") from error
        except (ValueError, RecursionError) as error:
            raise _damaged(path, number, f"is no JSON: {error}") from error


def _damaged(path: Path, number: int, what: str) -> ConfigError:
    return ConfigError(
        f"{path}, line {number}: {what}",
        hint="the file was changed or damaged after the run; measure again",
    )
