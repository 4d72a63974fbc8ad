"""The comparison: figures of a candidate against those of a baseline, one verdict a figure.

Figures of an emulated board come out the same each time and are compared as they are, up to what
its clock can tell. Figures of silicon are a regression only where the whole confidence interval of
the change is worse than the tolerance: a test against a smallest effect that matters, as in
equivalence testing (Wellek, "Testing Statistical Hypotheses of Equivalence and Noninferiority",
2010), with the level divided over all figures of the baseline (Bonferroni; Dunn, "Multiple
comparisons among means", JASA 56, 1961), so that many figures do not make many false alarms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean

from tinyhil.catalog.rules import CONFIDENCE
from tinyhil.catalog.units import station_label
from tinyhil.ground.errors import ConfigError
from tinyhil.judge.gate import quality, speed
from tinyhil.judge.gate.figures import Line, Place
from tinyhil.judge.gate.fleet import LEAST_UNITS, one_more
from tinyhil.judge.gate.judging import Judgement, Pair, Status
from tinyhil.judge.gate.matching import (
    by_place,
    labels,
    pair,
    refuse_strangers,
    stations_of,
    usable,
)
from tinyhil.judge.gate.reading import Measured
from tinyhil.judge.gate.tolerance import GATED, Gated, Tolerances, default
from tinyhil.judge.gate.wording import change_text, value_text

_NOISY: frozenset[Gated] = frozenset(
    {"latency_p50_s", "latency_p90_s", "latency_p99_s", "throughput_ips", "energy_j"}
)
"""What is judged by an interval, on silicon."""


@dataclass(frozen=True)
class Comparison:
    """What became of one figure; false where the gate fails it."""

    station: str
    """Of the candidate, or of the baseline if the candidate has none."""
    board: str
    """Its type."""
    task: str
    """Name of the task."""
    emulated: bool
    """Whether the board is; its times are instruction counts."""
    metric: Gated
    """Name of the figure."""
    old: float | None
    """Of the baseline, in the metric's unit; None if it has none."""
    new: float | None
    """Of the candidate, likewise."""
    status: Status
    """The verdict; `worse` and `missing` fail the gate."""
    reason: str
    """How it was judged, or why it could not be."""
    against: str | None = None
    """The baseline's station, where it is another one of the same board type."""
    since: str = ""
    """Since when it is worse, by the earlier runs that are here; empty where that is not known."""
    recovered: str = ""
    """What brought the candidate's board back in the middle of the measure; empty: nothing had to.
    """
    firmware: tuple[str, str] = ("", "")
    """SHA-256 of the images that baseline and candidate ran; empty: not known."""

    def __bool__(self) -> bool:
        return self.status not in ("worse", "missing")

    @property
    def label(self) -> str:
        """The station, with its board type where that is another name."""
        return station_label(self.station, self.board)

    def __str__(self) -> str:
        where = f"{self.task} on {station_label(self.station, self.board, emulated=self.emulated)}"
        where += f" against {self.against}" if self.against else ""
        old = "none" if self.old is None else value_text(self.metric, self.old)
        new = "none" if self.new is None else value_text(self.metric, self.new)
        change = change_text(self.metric, self.old, self.new)
        figures = f"{self.metric} {old} -> {new}{change and f', {change}'}"
        since = self.since and f"; {self.since}"
        after = self.recovered and f"; measured only after recovery: {self.recovered}"
        return f"{where}: {figures}: {WORDS[self.status]} ({self.reason}){since}{after}"


class Gate:
    """A baseline, and the rules to compare with it.

    Args:
        baseline: lines of run folders or of baseline files.
        tolerances: the user's own; see `tolerance.default` for the others.
        confidence: of all verdicts on silicon together, between 0 and 1.

    Raises:
        ConfigError: a line can't be compared with, or two are of the same.
    """

    def __init__(
        self,
        baseline: Iterable[Measured],
        tolerances: Tolerances | None = None,
        confidence: float = CONFIDENCE,
    ) -> None:
        if not 0.5 <= confidence < 1.0:
            raise ConfigError(
                f"confidence {confidence:g} is not between 0.5 and 1", hint="0.99 is the default"
            )
        self.lines = usable(by_place(baseline))
        self._stations = stations_of(self.lines)
        types = Counter(self._stations.values())
        self._fleets = {board for board, units in types.items() if units >= LEAST_UNITS}
        self._tolerances = tolerances or {}
        self._alpha = (1.0 - confidence) / max(1, sum(map(_noisy, self.lines)))

    def pairs(self, stations: Mapping[str, str]) -> dict[str, str]:
        """The baseline's station that each of a run is held against; empty for a unit that the
        baseline does not know, but at least `LEAST_UNITS` others of its type.

        Args:
            stations: board type by station; those that can't be compared are not in the answer.
        """
        found = pair(self._stations, stations)
        return found | {
            name: ""
            for name, board in stations.items()
            if name not in found and board in self._fleets
        }

    def not_measured(self, stations: Mapping[str, str]) -> dict[str, str]:
        """Board type by station of the baseline's stations that no station of a run stands for."""
        measured = set(self.pairs(stations).values())
        return {name: board for name, board in self._stations.items() if name not in measured}

    def metrics(self, station: str, board: str, task: str) -> tuple[Gated, ...]:
        """What the baseline holds of a task on one of its stations, or on a type if it is empty."""
        of = [line for line in self.lines if _is_of(line, station, board) and line.task == task]
        held = {metric for line in of for metric in _figures(line)}
        return tuple(metric for metric in GATED if metric in held)

    def line_of(self, station: str, board: str, task: str, metric: Gated) -> Line:
        """The baseline's line that holds a metric; see `metrics`.

        Raises:
            KeyError: none does.
        """
        for line in self.lines:
            if _is_of(line, station, board) and line.task == task and metric in _figures(line):
                return line
        raise KeyError(f"the baseline has no {metric} of {task} on {station or board}")

    def compare(self, candidate: Iterable[Measured]) -> tuple[Comparison, ...]:
        """One comparison for each figure of the baseline, and for each new one.

        Raises:
            ConfigError: the two are of different boards, data, models or settings.
        """
        found = by_place(candidate)
        stations = stations_of(one.line for one in found.values())
        pairs = self.pairs(stations)
        if not pairs:
            raise ConfigError(
                f"the baseline is of {labels(self._stations)}, the candidate of {labels(stations)}",
                hint="compare runs of the same station, or of two stations that are the only ones "
                "of one board type",
            )
        ours = {other: station for station, other in pairs.items()}
        compared = []
        for line in self.lines:
            station = ours.get(line.station, line.station)
            if station not in stations and line.board in self._fleets & {*stations.values()}:
                continue  # Another unit of the fleet: `not_measured` names it.
            measured = found.get((station, line.task, line.measure))
            compared += [
                self.compare_metric(line, measured, metric, station)
                for metric in GATED
                if metric in _figures(line)
            ]
        for station, other in pairs.items():
            if not other:
                compared += self._against_its_type(station, stations[station], found)
        known = {(entry.station, entry.task, entry.metric) for entry in compared}
        for measured in found.values():
            compared += [
                entry
                for entry in _unknown_to_the_baseline(measured)
                if (entry.station, entry.task, entry.metric) not in known
            ]
        order = {metric: number for number, metric in enumerate(GATED)}
        return tuple(sorted(compared, key=lambda c: (c.station, c.task, order[c.metric])))

    def _against_its_type(
        self, station: str, board: str, found: Mapping[Place, Measured]
    ) -> Iterator[Comparison]:
        """The figures of a unit that the baseline does not know."""
        held = {
            (line.task, line.measure, metric): line
            for line in reversed(self.lines)
            if line.board == board
            for metric in _figures(line)
        }
        for (task, measure, metric), line in held.items():
            measured = found.get((station, task, measure))
            yield self.compare_with_type(line, measured, metric, station)

    def compare_with_type(
        self, line: Line, measured: Measured | None, metric: Gated, station: str
    ) -> Comparison:
        """As `compare_metric`, for a unit that the baseline does not know: `line` is of any unit of
        its type, and all of them count.

        Raises:
            ConfigError: as there.
        """
        kind = (line.board, line.task, line.measure)
        like = [
            one
            for one in self.lines
            if (one.board, one.task, one.measure) == kind and metric in _figures(one)
        ]
        if measured:
            for one in like:
                refuse_strangers(one, measured.line)
        values = [value for one in like if (value := _value(one, metric))]
        value = _value(measured.line, metric) if measured and not measured.problem else None
        spread = metric in _NOISY and not line.emulated and len(values) >= LEAST_UNITS
        if measured is None or metric == "outputs" or not (spread and value):
            # What is the same on every unit is held against any one of them.
            return replace(self.compare_metric(line, measured, metric, station), against=None)
        tolerance = self._tolerances.get(metric) or default(metric, emulated=False)
        judgement = one_more(metric, values, value, tolerance, self._alpha)
        ran = {one.firmware_sha256 for one in like}
        return replace(
            _comparison(line, station, metric, (fmean(values), value), judgement, own=True),
            recovered=measured.recovered,
            firmware=(_firmware(line) if len(ran) == 1 else "", _firmware(measured.line)),
        )

    def compare_metric(
        self, line: Line, measured: Measured | None, metric: Gated, station: str
    ) -> Comparison:
        """Compare one metric of the baseline's `line` with what `station` has measured now.

        Raises:
            ConfigError: the two are of different boards, data, models or settings.
        """
        compared = self._compared(line, measured, metric, station)
        if measured is None:
            return compared
        ran = _firmware(line), _firmware(measured.line)
        return replace(compared, recovered=measured.recovered, firmware=ran)

    def _compared(
        self, line: Line, measured: Measured | None, metric: Gated, station: str
    ) -> Comparison:
        old = _value(line, metric)
        if measured is None:
            where = station_label(station, line.board)
            text = f"the candidate has no {line.measure} of {line.task} on {where}"
            return _comparison(line, station, metric, (old, None), Judgement("missing", text))
        refuse_strangers(line, measured.line)
        new = _value(measured.line, metric)
        if measured.problem is not None:
            text = f"the candidate's {line.measure} can't be compared: {measured.problem}"
            return _comparison(line, station, metric, (old, new), Judgement("missing", text))
        if new is None:
            text = f"the candidate's {line.measure} has no such figure"
            return _comparison(line, station, metric, (old, None), Judgement("missing", text))
        pair = Pair(line, measured.line, self._tolerances.get(metric), self._alpha)
        judgement = _JUDGES[metric](pair)
        if judgement.status == "missing":
            new = None
        elif metric == "outputs" and line.quality and measured.line.quality:
            new = float(line.quality.changed(measured.line.quality))
        return _comparison(line, station, metric, (old, new), judgement)


_JUDGES: Mapping[Gated, Callable[[Pair], Judgement]] = {
    "latency_p50_s": partial(speed.percentile, "latency_p50_s"),
    "latency_p90_s": partial(speed.percentile, "latency_p90_s"),
    "latency_p99_s": partial(speed.percentile, "latency_p99_s"),
    "instructions": speed.instructions,
    "throughput_ips": speed.throughput,
    "flash_bytes": partial(quality.memory, "flash_bytes"),
    "ram_bytes": partial(quality.memory, "ram_bytes"),
    "outputs": quality.outputs,
    "top1": partial(quality.score, "top1"),
    "auc": partial(quality.score, "auc"),
    "energy_j": speed.energy,
}

WORDS: Mapping[Status, str] = {
    "same": "no regression",
    "better": "improvement",
    "worse": "regression",
    "missing": "missing",
    "new": "new",
}


def _unknown_to_the_baseline(measured: Measured) -> Iterator[Comparison]:
    """New figures pass; a measure that ended with an error does not."""
    line = measured.line
    if measured.failed:
        judgement = Judgement("missing", f"the candidate's {line.measure}: {measured.problem}")
        first = next(metric for metric in GATED if metric in line.measure.metrics)
        yield _comparison(line, line.station, first, (None, None), judgement)
        return
    for metric in _figures(line):
        judgement = Judgement("new", "the baseline has none")
        new = _comparison(line, line.station, metric, (None, _value(line, metric)), judgement)
        yield replace(new, recovered=measured.recovered)


def failed(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Those that the gate fails."""
    return tuple(comparison for comparison in comparisons if not comparison)


def _is_of(line: Line, station: str, board: str) -> bool:
    """Whether a line is of a station, or of a type if `station` is empty."""
    return line.station == station if station else line.board == board


def _firmware(line: Line) -> str:
    return line.firmware_sha256 or ""


def _figures(line: Line) -> frozenset[Gated]:
    held: set[Gated] = {metric for metric in line.metrics if metric in GATED}
    return frozenset(held | ({"outputs"} if line.quality else set()))


def _noisy(line: Line) -> int:
    """How many figures of a line are judged by chance."""
    # An emulated board's monitor has noise, as a real one has.
    chancy = frozenset({"energy_j"}) if line.emulated else _NOISY
    return len(_figures(line) & (chancy | ({"top1"} if line.division == "open" else set())))


def _value(line: Line, metric: Gated) -> float | None:
    if metric == "outputs":
        return 0.0 if line.quality else None
    if metric == "instructions" and line.latency:
        return line.latency.mean_instructions() or line.metrics.get(metric)
    return line.metrics.get(metric)


def _comparison(
    line: Line,
    station: str,
    metric: Gated,
    values: tuple[float | None, float | None],
    judgement: Judgement,
    *,
    own: bool = False,
) -> Comparison:
    against = None if own or line.station == station else line.station
    return Comparison(
        station, line.board, line.task, line.emulated, metric, *values,
        judgement.status, judgement.reason, against,
    )  # fmt: skip
