"""Facts about benchmark tasks, read from ``suites/tasks/*.toml``."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from tinyhil.catalog.facts import Facts, Limit, Metric, NamedFacts, load_folders, shipped_and_own
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.paths import TASKS

_RANDOM_BYTES: Final = 64 << 20


@dataclass(frozen=True)
class Window:
    """Input of one inference."""

    data: bytes
    keep: int
    """How many of its first bytes are the last ones of the window before."""


class Input(Facts):
    """A sample as it is sent to the device."""

    bytes: int = Field(gt=0)
    """Of one file of the data set."""
    encoding: Literal["int8", "uint8", "int16", "float32"]
    """Of the bytes: `int8` is quantized already, as the reference model takes it; `uint8` are
    image bytes, 128 above the model's int8; `float32` little-endian floats, which the device
    quantizes with the model's own scale and zero point. A model whose input is `uint8`, `int16` or
    `float32` itself gets them as they are."""
    window_bytes: int | None = Field(default=None, gt=0)
    """Of one inference, where a file holds several overlapping windows."""
    stride_bytes: int | None = Field(default=None, gt=0)
    """From one window's start to the next one's."""
    default_windows: int | None = Field(default=None, gt=1)
    """How many windows of a file a run infers unless it is told to infer all."""

    @property
    def inference_bytes(self) -> int:
        """Of one inference: a file, or a window of it."""
        return self.window_bytes or self.bytes

    @property
    def elements(self) -> int:
        """Numbers of one inference."""
        return self.inference_bytes // {"float32": 4, "int16": 2}.get(self.encoding, 1)

    def count(self, *, all_windows: bool = True) -> int:
        """How many `windows` a file has."""
        size, stride = self.window_bytes, self.stride_bytes
        if size is None or stride is None:
            return 1
        every = max(0, (self.bytes - size) // stride + 1)
        return every if all_windows or not self.default_windows else self.default_windows

    def windows(self, data: builtins.bytes, *, all_windows: bool = True) -> tuple[Window, ...]:
        """What is inferred of one file, in order: the file itself, or its windows.

        Args:
            data: the file's bytes.
            all_windows: every window, or `default_windows` of them, spread evenly.
        """
        size, stride = self.window_bytes, self.stride_bytes
        if size is None or stride is None:
            return (Window(data, 0),)
        starts = list(range(0, len(data) - size + 1, stride))
        if self.default_windows and not all_windows:
            last, gaps = len(starts) - 1, self.default_windows - 1
            starts = [starts[number * last // gaps] for number in range(self.default_windows)]
        before = [-size, *starts]
        return tuple(
            Window(data[start : start + size], max(0, previous + size - start))
            for previous, start in zip(before, starts, strict=False)
        )


class Official(Facts):
    """Where the official material lies in the folder that the user brings; the sums of the data
    set's files are in ``suites/pins``."""

    data: str
    """Folder of the data set in the runner's own layout."""
    model: str
    """Path of the ``.tflite`` in that folder."""
    model_sha256: str
    """Of that file; another model is of the open division."""


class StandIn(Facts):
    """The stand-in of our own, so that a clean clone runs offline."""

    data_sha256: str
    """Of the list of all files' sums, see `data.digest`."""
    model: str
    """Path below ``suites/``."""
    model_sha256: str
    """Of that file."""


class Own(Facts):
    """The material of a task of the user's own; paths are relative to the task's file."""

    data: Path | None = None
    """Folder of the data set: ``y_labels.csv`` and a ``.bin`` a sample, as the official ones."""
    random: int | None = Field(default=None, ge=1, le=1024)
    """In the place of a data set: so many inputs are drawn at random, for latency and memory. They
    have no right answers, so no quality is told."""
    model: Path | None = None
    """An int8 ``.tflite``; None where an image of the user's own is flashed."""
    keeps_state: bool = False
    """Whether the model goes on from one inference to the next, so that its answer to an input
    depends on those before: answers are not compared then."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.data is None) == (self.random is None):
            raise ValueError("give exactly one of the keys 'data' and 'random'")
        return self


class Task(NamedFacts):
    """A task: one of the benchmark, or of the user's own."""

    schema_version: Literal[1] = Field(alias="schema")
    """Version of the file's form."""
    name: str = Field(pattern=r"^[a-z0-9]+$")
    """As the file's: small letters and digits."""
    title: str
    """Its name for people."""
    classes: tuple[str, ...] = Field(min_length=1)
    """In the order of the model's scores."""
    input: Input
    """What the device is sent."""
    result: Literal["scores", "mse"] = "scores"
    """What the device answers: a score a class, or the mean squared error of a window."""
    of_benchmark: Official | None = Field(default=None, alias="official")
    """The official data set and model; this or `own`."""
    stand_in: StandIn | None = None
    """What runs without them."""
    own: Own | None = None
    """The material of a task of your own."""
    targets: dict[Metric, Limit] = Field(default_factory=dict)
    """Quality targets, each with its source."""

    @model_validator(mode="after")
    def _has_one_material(self) -> Self:
        if (self.of_benchmark is None) == (self.own is None):
            raise ValueError("give exactly one of the tables 'official' and 'own'")
        if self.own and (self.own.random or 0) * self.input.bytes > _RANDOM_BYTES:
            raise ValueError(f"its random inputs are more than {_RANDOM_BYTES:,} bytes")
        return self

    @property
    def official(self) -> Official:
        """The official material.

        Raises:
            ConfigError: the task is the user's own, so that there is none.
        """
        if self.of_benchmark is None:
            raise ConfigError(
                f"task '{self.name}' is none of the benchmark's", hint="choose one that is"
            )
        return self.of_benchmark

    def placed(self, folder: Path) -> Task:
        """The task with the paths of its own material below `folder`, where its file is."""
        if self.own is None:
            return self
        data, model = self.own.data, self.own.model
        placed = {"data": data and folder / data, "model": model and folder / model}
        return self.model_copy(update={"own": self.own.model_copy(update=placed)})

    @property
    def draws_inputs(self) -> bool:
        """Whether its inputs are drawn at random, see `Own.random`."""
        return self.own is not None and self.own.random is not None

    @property
    def keeps_state(self) -> bool:
        """See `Own.keeps_state`."""
        return self.own is not None and self.own.keeps_state

    @property
    def results(self) -> int:
        """Numbers in an answer of the device."""
        return len(self.classes) if self.result == "scores" else 1


def load_tasks(own: Path | None = None) -> dict[str, Task]:
    """All tasks by name: those of the benchmark, and the user's own.

    Args:
        own: folder of the user's; by default what ``[tool.tinyhil]`` names, if it does.

    Raises:
        ConfigError: as `facts.load_folders`.
    """
    folders = shipped_and_own(TASKS, own, "tasks")
    tasks = load_folders(folders, Task)
    return {name: task.placed(folders[-1]) for name, task in tasks.items()}
