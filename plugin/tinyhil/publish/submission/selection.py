"""Chooses from runs what is exported: of each task the latest accuracy and performance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.ground.errors import ConfigError, MonitorError
from tinyhil.measure.energy.result import Energy, energy_of
from tinyhil.record.reading import read_rows
from tinyhil.record.schema import RAW, AccuracyRow, Line, SingleStreamRow, ThroughputRow
from tinyhil.record.store import Run

Row = TypeVar("Row", AccuracyRow, ThroughputRow)

MEASURES = (
    MeasureName.ACCURACY, MeasureName.THROUGHPUT, MeasureName.SINGLE_STREAM, MeasureName.ENERGY,
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One line of a record, and its run."""

    run: Run
    line: Line


@dataclass(frozen=True)
class Chosen:
    """What is exported of one task, with the raw answers."""

    task: Task
    accuracy: Measured | None
    throughput: Measured | None
    single_stream: Measured | None
    samples: tuple[AccuracyRow, ...] = ()
    """Of the accuracy, each sample once, in their order."""
    windows: tuple[ThroughputRow, ...] = ()
    """Of the throughput: of each input the last one, as shorter ones before it were repeated."""
    queries: tuple[SingleStreamRow, ...] = ()
    energy: Measured | None = None
    used: Energy | None = None
    """What the samples of the power monitor give."""

    @property
    def measured(self) -> tuple[Measured, ...]:
        """What there is."""
        each = (self.accuracy, self.throughput, self.single_stream, self.energy)
        return tuple(one for one in each if one is not None)

    @property
    def times(self) -> tuple[tuple[str, float], ...]:
        """Sample and seconds of every single query."""
        return tuple((row.sample, time) for row in self.queries for time in row.seconds)


@dataclass(frozen=True)
class Selection:
    """What is exported, task by task, and what is left out."""

    tasks: tuple[Chosen, ...]
    failed: tuple[Measured, ...]
    """The latest of a measure that never ended well."""
    other: tuple[str, ...]
    """Measures that have no place in a submission."""


def select(runs: Sequence[Run]) -> Selection:
    """Choose among the runs' lines; a later one without an error wins.

    Raises:
        ConfigError: a task is unknown, or the raw answers of a chosen line can't be read.
    """
    tasks = {name: task for name, task in load_tasks().items() if task.own is None}
    found = sorted(
        (Measured(run, line) for run in runs for line in run.lines),
        key=lambda measured: measured.line.started,
    )
    unknown = {one.line.task for one in found} - tasks.keys()
    if unknown:
        raise ConfigError(
            f"runs of unknown tasks: {', '.join(sorted(unknown))}; known: {', '.join(tasks)}",
            hint="export what tinyhil has a task for",
        )
    good = {
        (one.line.task, one.line.measure): one
        for one in found
        if not (one.line.failed or one.line.details.get("modelled"))
    }
    modelled = dict.fromkeys(
        f"{one.line.task} {one.line.measure}, which is modelled"
        for one in found
        if one.line.details.get("modelled")
    )
    failed = {
        (one.line.task, one.line.measure): one
        for one in found
        if one.line.failed
        and one.line.measure in MEASURES
        and (one.line.task, one.line.measure) not in good
    }
    names = dict.fromkeys(one.line.task for one in found)
    other = dict.fromkeys(f"{task} {measure}" for task, measure in good if measure not in MEASURES)
    return Selection(
        tuple(_chosen(tasks[name], good) for name in names),
        tuple(failed.values()),
        (*other, *modelled),
    )


def _chosen(task: Task, good: Mapping[tuple[str, MeasureName], Measured]) -> Chosen:
    accuracy, throughput, single, energy = (good.get((task.name, measure)) for measure in MEASURES)
    return Chosen(
        task,
        accuracy,
        throughput,
        single,
        _last(accuracy, AccuracyRow) if accuracy else (),
        _last(throughput, ThroughputRow) if throughput else (),
        single.run.rows(task.name, single.line.measure, SingleStreamRow) if single else (),
        energy,
        _used(energy) if energy else None,
    )


def _used(measured: Measured) -> Energy:
    raw = measured.run.folder / RAW
    path = raw / f"{measured.line.task}-{measured.line.measure}.jsonl"
    try:
        return energy_of([row for _, row in read_rows(path)], raw)
    except MonitorError as error:
        raise ConfigError(f"{path}: {error.message}", hint="measure again") from error


def _last(measured: Measured, kind: type[Row]) -> tuple[Row, ...]:
    """Of each sample the last row: a resumed or repeated measure appends."""
    line = measured.line
    rows = measured.run.rows(line.task, line.measure, kind)
    return tuple({row.sample: row for row in rows}.values())
