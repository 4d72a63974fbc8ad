"""Facts about benchmark tasks, read from ``suites/tasks/*.toml``."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Literal

from pydantic import Field

from tinyhil.errors import ConfigError
from tinyhil.facts import Facts, Limit, Metric, load
from tinyhil.paths import TASKS


class Input(Facts):
    """A sample as it is sent to the device."""

    bytes: int = Field(gt=0)
    """Of one file of the data set."""
    encoding: Literal["int8", "uint8", "float32"]
    """Of the bytes: `int8` is quantized already, as the reference model takes it; `uint8` are
    image bytes, 128 above the model's int8; `float32` little-endian floats, which the device
    quantizes with the model's own scale and zero point."""
    window_bytes: int | None = Field(default=None, gt=0)
    """Of one inference, where a file holds several overlapping windows."""
    stride_bytes: int | None = Field(default=None, gt=0)
    """From one window's start to the next one's."""

    @property
    def overlap(self) -> builtins.int:
        """Bytes that a window shares with the one before."""
        return (self.window_bytes or 0) - (self.stride_bytes or 0)

    def windows(self, data: builtins.bytes) -> tuple[builtins.bytes, ...]:
        """What is inferred of one file, in order: the file itself, or its windows."""
        if self.window_bytes is None or self.stride_bytes is None:
            return (data,)
        starts = range(0, len(data) - self.window_bytes + 1, self.stride_bytes)
        return tuple(data[start : start + self.window_bytes] for start in starts)


class Official(Facts):
    """Where the official material lies in the folder that the user brings, and its sums."""

    data: str
    """Folder of the data set in the runner's own layout."""
    data_sha256: str
    """Of the list of all files' sums, see `data.digest`."""
    model: str
    model_sha256: str


class StandIn(Facts):
    """The stand-in of our own, so that a clean clone runs offline."""

    data_sha256: str
    model: str
    """Path below ``suites/``."""
    model_sha256: str


class Task(Facts):
    """A benchmark task."""

    schema_version: Literal[1] = Field(alias="schema")
    name: str = Field(pattern=r"^[a-z0-9]+$")
    title: str
    classes: tuple[str, ...] = Field(min_length=2)
    """In the order of the model's scores."""
    input: Input
    result: Literal["scores", "mse"] = "scores"
    """What the device answers: a score a class, or the mean squared error of a window."""
    official: Official
    stand_in: StandIn
    targets: dict[Metric, Limit]
    """Quality targets, each with its source."""

    @property
    def results(self) -> int:
        """Numbers in an answer of the device."""
        return len(self.classes) if self.result == "scores" else 1


def load_task(path: Path) -> Task:
    """Read one task file.

    Raises:
        ConfigError: the file is wrong, or is not named after its task.
    """
    task = load(path, Task)
    if task.name != path.stem:
        raise ConfigError(
            f"{path}: key 'name' says '{task.name}', the file's name '{path.stem}'",
            hint="make the two the same",
        )
    return task


def load_tasks(folder: Path = TASKS) -> dict[str, Task]:
    """All tasks by name.

    Raises:
        ConfigError: as `load_task`; one wrong file is an error for all, before anything starts.
    """
    return {path.stem: load_task(path) for path in sorted(folder.glob("*.toml"))}
