"""What rows and a trace give: the windows, the benchmark's figure, and what it may be off by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinyhil.catalog.facts import Metric
from tinyhil.catalog.verdict import Margin
from tinyhil.ground.errors import DataError
from tinyhil.ground.text import printable
from tinyhil.measure.energy.edges import Timed, check_spacing
from tinyhil.measure.energy.samples import check_samples, count_lost
from tinyhil.measure.energy.steps import busy_stretches
from tinyhil.measure.energy.windows import Window, idle_floor, per_inference, window_of
from tinyhil.record.rows import Row, seconds_of
from tinyhil.record.schema import EnergyHeading
from tinyhil.record.traces import Trace, blocks_of, read_trace

TRACE, STAMP, PACE, WARM, END = "trace", "stamp", "pace", "warm", "end"
"""Roles of rows that are no windows: of the trace, the edge of the set-up, inferences that only
show how long one takes or warm up, and of the trace's end."""


@dataclass(frozen=True)
class Inferred:
    """The window of one input."""

    sample: str
    count: int
    first: int
    """Place of its first edge."""
    last: int
    window: Window

    @property
    def energy_j(self) -> float:
        """Of one inference."""
        return self.window.energy_j / self.count


@dataclass(frozen=True)
class Energy:
    """Energy of an inference, and all that it is made of."""

    windows: tuple[Inferred, ...]
    trace: Trace
    heading: Row
    """Of the trace: which monitor, and how its edges were found."""
    idle_w: float | None
    lost: int
    """Samples of the whole trace that never came."""

    @property
    def energy_j(self) -> float:
        """The median over the windows."""
        return per_inference([(one.count, one.window.energy_j) for one in self.windows])

    @property
    def power_w(self) -> float:
        """The mean while inferring."""
        total_s = sum(one.window.seconds for one in self.windows)
        return sum(one.window.energy_j for one in self.windows) / total_s

    @property
    def metrics(self) -> dict[Metric, float]:
        """For the record."""
        return {"energy_j": self.energy_j, "power_w": self.power_w}

    @property
    def errors(self) -> dict[Metric, Margin]:
        """By how much the figures may be off: by the edges, by samples that were lost, and by the
        instrument's accuracy."""
        share = float(self.heading["accuracy"])
        share += max(one.window.error_j / one.window.energy_j for one in self.windows)
        return {name: Margin(share * value, share * value) for name, value in self.metrics.items()}

    @property
    def details(self) -> dict[str, Any]:
        """For the record."""
        return {
            "windows": [
                {
                    "sample": one.sample,
                    "inferences": one.count,
                    "device_s": one.window.seconds,
                    "energy_j": one.window.energy_j,
                    "power_w": one.window.power_w,
                    "lost": one.window.lost,
                }
                for one in self.windows
            ],
            "monitor": self.heading["monitor"],
            "modelled": self.heading["modelled"],
            "volts": self.heading["volts"],
            "rate_hz": self.heading["rate_hz"],
            "edges_from": self.heading["edges_from"],
            "samples": len(self.trace.power_w),
            "lost": self.lost,
            "idle_w": self.idle_w,
            "error_j": self.errors["energy_j"].above,
        }


def last_attempt(rows: Sequence[Row]) -> list[Row]:
    """The rows from the last trace on: one that was not finished is measured again."""
    starts = [place for place, row in enumerate(rows) if row.get("role") == TRACE]
    return list(rows[starts[-1] :]) if starts else []


def is_finished(rows: Sequence[Row]) -> bool:
    """Whether the last trace has its end."""
    return any(row.get("role") == END for row in last_attempt(rows))


def energy_of(rows: Sequence[Row], raw: Path) -> Energy:
    """The figures of finished rows, from the samples up.

    Args:
        rows: of the measure.
        raw: the run's raw folder, with the trace.

    Raises:
        DataError: rows or trace are not whole, or they were altered.
        MonitorError: the edges or the samples are not to be trusted.
        ConfigError: the trace can't be read.
    """
    try:
        return _energy_of(rows, raw)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise DataError(
            f"its rows are none of a measure of energy: {printable(str(error)[:200])}",
            hint="the rows were altered; measure again",
        ) from error


def _energy_of(rows: Sequence[Row], raw: Path) -> Energy:
    own = last_attempt(rows)
    if not is_finished(rows):
        raise DataError(
            "the trace has no end: the run was killed while it was measured",
            hint="`--hil-resume` with the run's folder measures it again",
        )
    heading, end = own[0], next(row for row in own if row.get("role") == END)
    EnergyHeading.model_validate(heading)
    trace = read_trace(raw, str(heading["trace"]), float(heading["rate_hz"]))
    if len(trace.power_w) != end["samples"]:
        raise DataError(
            f"the trace has {len(trace.power_w)} samples, its row says {end['samples']}",
            hint="the trace or the row was altered; measure again",
        )
    pin = heading["edges_from"] == "pin"
    # The power alone tells long stretches only: those of the windows.
    asked = [row for row in own if "count" in row and (pin or "role" not in row)]
    placed = _from_pin(trace, own, asked) if pin else _from_power(trace, asked)
    windows: dict[str, Inferred] = {}
    timed, second = [], math.ceil(trace.rate_hz)
    for row, (first, last, uncertain) in zip(asked, placed, strict=True):
        window = window_of(trace, first, last, uncertain)
        # Of an LPM01A it is known only once a second that samples were lost before.
        around = trace.power_w[max(0, first - second) : last + second]
        off = uncertain + sum(int(np.isnan(block).sum()) for block in blocks_of(around))
        timed.append(timed_of(row, window.seconds, off / trace.rate_hz))
        if "role" not in row:  # Of an input the last one counts: one before it was too short.
            windows[row["sample"]] = Inferred(row["sample"], row["count"], first, last, window)
    found = tuple(windows.values())
    check_samples(trace, [(one.first, one.last, one.window) for one in found])
    check_spacing(timed)
    idle_w = idle_floor(trace, [(first, last) for first, last, _ in placed])
    return Energy(found, trace, heading, idle_w, count_lost(trace))


def _from_pin(
    trace: Trace, rows: Sequence[Row], asked: Sequence[Row]
) -> list[tuple[int, int, int]]:
    """Places of the edges that the rows name, which are all of the trace, in its order."""
    named = [place for row in rows for place in row.get("edges", ())]
    if named != trace.edges.tolist():
        raise DataError(
            f"the trace has {len(trace.edges)} edges of the pin, the rows name {len(named)}, "
            "or others",
            hint="the trace or the rows were altered; measure again",
        )
    return [(*row["edges"], 1) for row in asked]


def _from_power(trace: Trace, asked: Sequence[Row]) -> list[tuple[int, int, int]]:
    lasts = [_device_s(row) or 0.0 for row in asked]
    return [(one.first, one.last, one.uncertain) for one in busy_stretches(trace, lasts)]


def timed_of(row: Row, monitor_s: float, resolution_s: float) -> Timed:
    """The times of a row by each clock that tells."""
    share = row["count"] / (row["count"] + row.get("warm_up", 0))
    return Timed(monitor_s, _device_s(row), _host_s(row), resolution_s, share)


def _device_s(row: Mapping[str, Any]) -> float | None:
    return seconds_of(row) if row.get("end_us") is not None else None


def _host_s(row: Mapping[str, Any]) -> float | None:
    """None where the device's time is not the host's."""
    return float(np.diff(row["host_s"])[0]) if row.get("host_s") else None
