"""Raw rows: what they add up to, and what a run that died has of them.

A result is made of rows alone, so that those of a run that died and those that a later process
added make the same result as those of one that was not killed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyhil.catalog.facts import Metric
from tinyhil.catalog.verdict import Margin
from tinyhil.ground.errors import DataError
from tinyhil.ground.text import printable
from tinyhil.record.resolution import tick_us

Row = Mapping[str, Any]
"""A raw answer, or a few that belong together, as a JSON object; see reports/RECORD.md."""

Keep = Callable[[Row], None]
"""Takes a row as it comes."""


class Rows:
    """The rows of one measure: those that are there already, and those that come.

    Args:
        keep: see `Keep`; it is handed what comes.
        done: what is there already.
        confirmed: how many of those are known to be of the device under measurement; None: all.
    """

    def __init__(self, keep: Keep, done: Iterable[Row] = (), confirmed: int | None = None) -> None:
        self.all = list(done)
        """In the order they came."""
        self.done = tuple(self.all)
        """What was there already."""
        self.confirmed = len(self.all) if confirmed is None else confirmed
        """How many of them came before the last time that the device proved who it is."""
        self._keep = keep

    def confirm(self) -> None:
        """All rows are of the device under measurement."""
        self.confirmed = len(self.all)

    def __call__(self, row: Row) -> None:
        """Keep a row."""
        self._keep(row)
        self.all.append(row)


def plain(rows: Iterable[Row]) -> list[Row]:
    """The rows of a measure itself, without those that prove them, which have a role."""
    return [row for row in rows if "role" not in row]


@dataclass(frozen=True)
class Accuracy:
    """Scores of a data set."""

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    """``(samples,)``"""
    scores: NDArray[np.float64]
    """``(samples, results)``, as the device printed them; means over a sample's windows."""
    inferences: int


NO_STACK = "the firmware says nothing of its stack, which is not in the figure"
"""Why RAM may not be judged."""


def clock_errors(
    clock: str, resolution_s: float, instruction_s: float | None, bracket_s: float | None = None
) -> dict[Metric, Margin]:
    """See `SingleStream`, of which the arguments are."""
    if clock == "timer":
        return {}
    error_s = 2 * resolution_s
    margin = Margin(error_s + (bracket_s or 0.0), error_s)
    found: dict[Metric, Margin] = {
        "latency_p50_s": margin,
        "latency_p90_s": margin,
        "latency_p99_s": margin,
    }
    if instruction_s:
        found["instructions"] = Margin(margin.below / instruction_s, margin.above / instruction_s)
    return found


def rate_errors(value_ips: float, resolution_s: float, shortest_s: float) -> dict[Metric, Margin]:
    """By how much a throughput may be off whose shortest window is of so many seconds."""
    error = value_ips * 2 * resolution_s / shortest_s
    return {"throughput_ips": Margin(error, error)}


@dataclass(frozen=True)
class SingleStream:
    """Latency of single queries, on the device's clock."""

    times_s: NDArray[np.float64]
    """``(queries,)``"""
    clock: str
    """Which of the device's clocks: ``timer`` ticks for each query, ``time stamps`` around each,
    or ``time stamps of batches``, where the stamps are too coarse for a single query."""
    tick_hz: int
    resolution_s: float
    """How fine a time is known: of the clock, by the queries of a batch; where a time goes across
    a new beginning of the clock, with half of what its period may be off by."""
    bracket_s: float | None = None
    """What a query takes longer than one of many in one span: the first time stamp is printed
    inside it, and the core starts cold. 0 where the clock shows none; None where it is not known,
    or there is none, as with a timer."""

    def errors(self, instruction_s: float | None) -> dict[Metric, Margin]:
        """By how much its figures may be off: both ends of a time are on the clock's ticks, and
        the inference is shorter by the bracket.

        A timer starts with the query, and is as exact as its ticks.

        Args:
            instruction_s: emulated seconds of an instruction, on an emulated board.
        """
        return clock_errors(self.clock, self.resolution_s, instruction_s, self.bracket_s)


@dataclass(frozen=True)
class Throughput:
    """Windows of back-to-back inferences: (inferences, seconds on the device's clock) each."""

    windows: tuple[tuple[int, float], ...]
    resolution_s: float
    """Of the time stamps around each."""
    bracket_s: float | None = None
    """In each window; see `SingleStream`."""

    def errors(self, value_ips: float) -> dict[Metric, Margin]:
        """By how much the throughput that they give may be off."""
        return rate_errors(value_ips, self.resolution_s, min(s for _, s in self.windows))


def accuracy_of(rows: Sequence[Row]) -> Accuracy:
    """The scores that rows of `accuracy` hold; at least one row."""
    rows = plain(rows)
    return Accuracy(
        tuple(row["sample"] for row in rows),
        np.array([row["label"] for row in rows], dtype=np.int64),
        np.array([np.mean(row["scores"], axis=0) for row in rows], dtype=np.float64),
        sum(len(row["scores"]) for row in rows),
    )


def single_stream_of(rows: Sequence[Row], tick_hz: int | None) -> SingleStream:
    """The times that rows of `single_stream` hold.

    Args:
        rows: at least one.
        tick_hz: of the timer that they were counted on; None for time stamps.
    """
    rows = plain(rows)
    timed = [row for row in rows if not row.get("bracket")]
    batches = any("count" in row for row in timed)
    if batches:
        clock, hertz = "time stamps of batches", BATCH_HZ
    else:
        clock, hertz = ("timer", tick_hz) if tick_hz else ("time stamps", 10**6)
    times = np.array(
        [ticks for row in timed for ticks in ticks_of(row, batches=batches)], dtype=np.float64
    )
    fine_s = 1 / tick_hz if tick_hz else tick_us(rows) * 1e-6
    batch, off_s = min(row.get("count", 1) for row in timed), _across_s(rows) / 2
    bracket_s = None if tick_hz or batches else _bracket_s(_spans(rows), fine_s + off_s)
    return SingleStream(times / hertz, clock, hertz, (fine_s + off_s) / batch, bracket_s)


_CLEAR_TICKS = 3
"""What both ends of two spans leave in doubt."""


Spans = tuple[Sequence[float], float, int]
"""Of one input: the seconds of single queries, and of one span of so many."""


def _spans(rows: Iterable[Row]) -> list[Spans]:
    """Those of rows of `single_stream`."""
    singles: dict[str, list[float]] = {}
    many = []
    for row in rows:
        if row.get("bracket"):
            many.append(row)
        else:
            singles.setdefault(row["sample"], []).append(seconds_of(row))
    return [
        (singles[row["sample"]], seconds_of(row), row["count"])
        for row in many
        if row["sample"] in singles
    ]


def _bracket_s(spans: Iterable[Spans], tick_s: float) -> float | None:
    """See `SingleStream`."""
    found = [(count * np.mean(each) - many) / (count - 1) for each, many, count in spans]
    if not found or np.ptp(found) > max(abs(np.median(found)), _CLEAR_TICKS * tick_s):
        return None  # The device's own noise is larger.
    bracket_s = float(np.median(found))
    return bracket_s if bracket_s > _CLEAR_TICKS * tick_s else 0.0


BATCH_HZ = 10**9
"""Unit of the times of batches."""


def ticks_of(row: Row, *, batches: bool) -> Sequence[int]:
    """The time of each query of a row; where only that of a batch is known, equal shares of it.

    Args:
        row: of `single_stream`.
        batches: whether any row of the measure is a batch: all are in units of `BATCH_HZ` then,
            those of single queries too, which are microseconds else.
    """
    if "count" not in row:
        times: Sequence[int] = row["times"]
        return [ticks * 1000 for ticks in times] if batches else times
    return [round(row["times"][0] * 1000 / row["count"])] * row["count"]


def throughput_of(rows: Sequence[Row]) -> Throughput:
    """The windows that rows of `throughput` hold: of each input the last, for one before it was
    too short."""
    rows = plain(rows)
    by_sample = [list(own) for _, own in groupby(rows, key=itemgetter("sample"))]
    last = [own[-1] for own in by_sample]
    ends = [(own[0], own[-1]) for own in by_sample if own[0]["count"] == 1 < own[-1]["count"]]
    windows = tuple((row["count"], seconds_of(row)) for row in last)
    fine_s = tick_us(rows) * 1e-6 + _across_s(rows) / 2
    pairs = [([seconds_of(first)], seconds_of(many), many["count"]) for first, many in ends]
    return Throughput(windows, fine_s, _bracket_s(pairs, fine_s) if pairs else None)


@dataclass(frozen=True)
class Share:
    """How much of single stream one input must give, at least."""

    queries: int
    seconds: float


class Queried:
    """What is there of one input's share of single stream."""

    def __init__(self, share: Share, hertz: int, rows: Iterable[Row]) -> None:
        self.rows: list[Row] = []
        self.queries = 0
        self.seconds = 0.0
        self._share = share
        self._hertz = hertz
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Count a row."""
        self.rows.append(row)
        if row.get("bracket"):
            return
        self.queries += row.get("count", len(row["times"]))
        for ticks in row["times"]:
            self.seconds += ticks / self._hertz

    @property
    def enough(self) -> bool:
        """Whether the share is full."""
        return self.queries >= self._share.queries and self.seconds >= self._share.seconds

    @property
    def share_done(self) -> float:
        """Part of the share that is there, at most 1."""
        by_time = self.seconds / self._share.seconds if self._share.seconds else 1.0
        return min(1.0, self.queries / self._share.queries, by_time)


def by_input(names: Iterable[str], done: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each input by its name; they must be in the order of the names."""
    left, parts = deque(done), dict[str, list[Row]]()
    for name in names:
        parts[name] = []
        while left and left[0]["sample"] == name:
            parts[name].append(left.popleft())
    refuse_rows_of([left])
    return parts


def refuse_rows_of(parts: Iterable[Iterable[Row]]) -> None:
    """No rows may be there."""
    for row in chain.from_iterable(parts):
        raise DataError(
            f"the run has a row of {printable(str(row['sample']))} where none is allowed",
            hint="its raw rows were altered; start a new run: without --hil-resume",
        )


def seconds_of(row: Row) -> float:
    """Between the time stamps of a row."""
    return float((row["end_us"] - row["start_us"]) * 1e-6)


def _across_s(rows: Iterable[Row]) -> float:
    """By how much a time may be off across which the clock began anew, of these the most."""
    found = [row.get("wrapped") or (0, 0, 0) for row in rows]
    return max((times * error_us * 1e-6 for times, _, error_us in found), default=0.0)
