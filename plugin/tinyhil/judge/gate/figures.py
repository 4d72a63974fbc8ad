"""What a gate compares: the figures of measurements, and just enough of the raw data behind them.

A baseline is a JSON file of these, a few KB a task and station, made to be committed: `Figures` is
its whole content, with stable order of keys, one measurement a line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, ValidationError, model_validator

from tinyhil.catalog.facts import Facts, Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.units import station_label
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.outputs import write_text

SCHEMA = 2
"""2 has the station of each line."""

DISTINCT = 256
"""At most so many different times of an input are kept."""


Place = tuple[str, str, MeasureName]
"""Station, task and measure."""


_PRINTED = len("m-lap-us-\r\n")
"""Characters of a time stamp's line besides its digits."""


class _Part(Facts):
    model_config = ConfigDict(allow_inf_nan=False)


class Histogram(_Part):
    """How often each time of one input came, in ticks of the device's clock."""

    ticks: tuple[int, ...] = Field(min_length=1)
    """The smallest time, then each one's distance from the one before."""
    counts: tuple[int, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.ticks) != len(self.counts) or min(self.counts, default=0) < 1:
            raise ValueError("'ticks' and 'counts' do not belong together")
        return self

    def values(self) -> NDArray[np.int64]:
        """The times in ticks, rising."""
        return np.cumsum(np.array(self.ticks, dtype=np.int64))


class Latency(_Part):
    """The times of single queries."""

    clock: str
    """As in the record: ``timer`` or ``time stamps``."""
    tick_hz: int = Field(gt=0)
    step: int = Field(gt=0)
    """Times are rounded to multiples of so many ticks: 1, that is not at all, unless an input had
    more than `DISTINCT` different ones."""
    effective: dict[Literal["50", "90", "99"], float]
    """By percentile, how many independent queries the correlated ones are equal to; see
    `statistics.effective_size`."""
    resolution_s: float | None = Field(default=None, gt=0)
    """How fine a time is known; None in baselines from before it was measured."""
    bracket_s: float | None = Field(default=None, ge=0)
    """What a single query takes longer than one of many; see `record.rows.SingleStream`."""
    digits: dict[int, int] = Field(default_factory=dict)
    """How many queries had a first time stamp of so many digits."""
    instruction_s: float | None = None
    """Emulated seconds of an instruction, on an emulated board."""
    inputs: dict[str, Histogram] = Field(min_length=1)
    """By name of the sample."""

    @property
    def error_s(self) -> float:
        """By how much two equal times may differ: both ends of each are on the clock's ticks."""
        if self.clock == "timer":
            return 1 / self.tick_hz
        return 2 * (self.resolution_s or 1e-6)

    @property
    def mean_digits(self) -> float:
        """Of a first time stamp."""
        total = sum(self.digits.values())
        return sum(n * count for n, count in self.digits.items()) / total if total else 0.0

    @property
    def digit_s(self) -> float:
        """What a digit more costs where the first time stamp is printed inside the time."""
        return _digit_s(self.bracket_s, self.mean_digits)

    def pooled(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Distinct times in seconds, rising, and how often each came, over all inputs."""
        ticks = np.concatenate([one.values() for one in self.inputs.values()])
        counts = np.concatenate([np.array(one.counts) for one in self.inputs.values()])
        distinct, where = np.unique(ticks, return_inverse=True)
        together = np.zeros(len(distinct), dtype=np.int64)
        np.add.at(together, where, counts)
        return distinct / self.tick_hz, together

    def mean_s(self) -> float:
        """Mean time of a query in seconds."""
        values, counts = self.pooled()
        return float(values @ counts / counts.sum())

    def mean_instructions(self) -> float | None:
        """Mean instructions of a query; None on silicon."""
        return self.mean_s() / self.instruction_s if self.instruction_s else None


class Window(_Part):
    """Back-to-back inferences of one input."""

    inferences: int = Field(gt=0)
    device_s: float = Field(gt=0)
    """On the device's clock."""
    resolution_s: float | None = Field(default=None, gt=0)
    """Of its time stamps; None in baselines from before it was measured."""
    bracket_s: float | None = Field(default=None, ge=0)
    """Of these seconds, for printing the first time stamp."""
    digits: int = 0
    """Of that stamp."""
    energy_j: float | None = Field(default=None, gt=0)
    """Of all inferences together, where a power monitor took it."""

    @property
    def digit_s(self) -> float:
        """As of `Latency`."""
        return _digit_s(self.bracket_s, self.digits)


def _digit_s(bracket_s: float | None, digits: float) -> float:
    return (bracket_s or 0.0) / (_PRINTED + digits)


class Quality(_Part):
    """What the device answered to each sample, in the order of the samples' names."""

    samples: int = Field(gt=0)
    names_sha256: str
    """Of the names and labels, a line each."""
    outputs_sha256: str
    """Of everything that the device answered."""
    outputs: str
    """Two characters a sample, twelve bits of the SHA-256 of its answer: which ones differ."""
    right: str | None
    """Whether the highest score was the true class's, as hexadecimal digits of one bit a sample;
    None where there are no classes."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        digits = 2 * math.ceil(self.samples / 8)
        if len(self.outputs) != 2 * self.samples or len(self.right or "0" * digits) != digits:
            raise ValueError("its length does not belong to 'samples'")
        return self

    def hits(self) -> NDArray[np.bool_] | None:
        """``(samples,)``; see `right`."""
        if self.right is None:
            return None
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(self.right), dtype=np.uint8))
        return bits[: self.samples].astype(bool)

    def changed(self, other: Quality) -> int:
        """How many samples another run of the same samples answered differently, at least."""
        if self.outputs_sha256 == other.outputs_sha256:
            return 0
        pairs = range(0, 2 * self.samples, 2)
        differing = (self.outputs[at : at + 2] != other.outputs[at : at + 2] for at in pairs)
        return max(1, sum(differing))


class Line(_Part):
    """One measurement: keys as in the record's line, and the evidence of its kind."""

    station: str
    board: str
    task: str
    measure: MeasureName
    core: str
    emulated: bool
    link: str
    division: str
    data_set: str
    data_sha256: str
    model_sha256: str | None = None
    firmware_sha256: str | None = None
    run: str
    samples: int
    metrics: dict[Metric, float]
    sizes: dict[str, int] | None = None
    """Parts of a memory size, in bytes."""
    latency: Latency | None = None
    windows: dict[str, Window] | None = None
    """By name of the sample."""
    quality: Quality | None = None

    @property
    def place(self) -> Place:
        """Where it was measured, and what."""
        return self.station, self.task, self.measure

    def __str__(self) -> str:
        return f"{self.task} {self.measure} on {station_label(self.station, self.board)}"


class Figures(_Part):
    """The whole file: lines in the order of station, task and measure, each once."""

    schema_version: Literal[2] = Field(alias="schema")
    lines: tuple[Line, ...] = Field(min_length=1)


def write(path: Path, lines: Iterable[Line]) -> None:
    """Write a baseline; the same lines give the same bytes.

    Raises:
        WriteError: it can't be written.
    """
    rows = [
        line.model_dump_json(exclude_none=True) for line in sorted(lines, key=lambda x: x.place)
    ]
    text = f'{{"schema": {SCHEMA}, "lines": [\n' + ",\n".join(rows) + "\n]}\n"
    write_text(path, text)


def read(path: Path) -> tuple[Line, ...]:
    """Read a baseline.

    Raises:
        ConfigError: it is not one, or of another schema.
    """
    try:
        text = path.read_text(encoding="utf-8")
        schema = json.loads(text).get("schema")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}",
            hint="name a run folder, or a file that `tinyhil gate --save` made",
        ) from error
    except (ValueError, AttributeError) as error:
        raise ConfigError(
            f"{path}: is not a baseline: {error}", hint="`tinyhil gate --save FILE RUN` makes one"
        ) from error
    if schema != SCHEMA:
        raise ConfigError(
            f"{path}: has schema {schema!r}, this tinyhil reads {SCHEMA}",
            hint="make the baseline again with `tinyhil gate --save`",
        )
    try:
        return Figures.model_validate_json(text).lines
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"{path}: key '{where}': {first['msg']}",
            hint="the file was altered; make the baseline again with `tinyhil gate --save`",
        ) from error
