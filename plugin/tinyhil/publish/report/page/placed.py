"""All that the page shows of one station and task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from pydantic import BaseModel

from tinyhil.catalog import metrics
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task
from tinyhil.catalog.units import station_label
from tinyhil.catalog.wording import data_label
from tinyhil.ground.errors import ConfigError, TinyhilError
from tinyhil.ground.text import shown
from tinyhil.measure.energy.result import energy_of
from tinyhil.publish.report.history import run_of
from tinyhil.publish.report.page.charts import Bars, Matrix, histogram, matrix
from tinyhil.publish.report.page.content import Figure, Measured, Problem, Source
from tinyhil.publish.report.page.figures import Figures
from tinyhil.publish.report.page.power import PowerTrace, power_trace
from tinyhil.publish.report.page.ran import Place, State
from tinyhil.publish.report.title import figure_title, gate_title
from tinyhil.record.reading import read_rows
from tinyhil.record.schema import RAW, AccuracyRow, SingleStreamRow

Row = TypeVar("Row", bound=BaseModel)

COLUMNS: tuple[tuple[str, Metric | None], ...] = (
    ("p90 latency", "latency_p90_s"),
    ("throughput", "throughput_ips"),
    ("quality", None),
    ("flash", "flash_bytes"),
    ("RAM", "ram_bytes"),
    ("energy", "energy_j"),
)
"""Of the first table; the quality figure is the task's own."""

_WORST: tuple[State, ...] = ("error", "fail", "pass")
_TEXT_CHARACTERS = 4000


def worst(states: Iterable[State]) -> State:
    """The one that counts of several."""
    found = set(states)
    return next((state for state in _WORST if state in found), "not judged")


class Placed:
    """One station and task."""

    def __init__(
        self, source: Source, number: int, place: Place, tasks: Mapping[str, Task]
    ) -> None:
        self.place = place
        self.anchor = f"place-{number}"
        """Its name in links."""
        self._entries = [e for e in source.entries if (e.subject.station, e.subject.task) == place]
        self._subject = self._entries[0].subject
        self._board, self._folder = source.stations[place[0]]
        self._task = tasks.get(place[1])
        self._comparisons = [
            comparison
            for comparison in source.comparisons
            if (comparison.station, comparison.task) == place
        ]
        self._figures = Figures(self._entries, self._board, self._folder, self._comparisons)
        chosen: list[Metric] = [metric or self._figures.quality for _, metric in COLUMNS]
        self.columns: list[Figure | None] = [self._figures.get(metric) for metric in chosen]
        failed = {m for e in self._entries if e.error is not None for m in e.measure.metrics}
        self._broken = [metric in failed for metric in chosen]

    @property
    def label(self) -> str:
        """Of the station."""
        subject = self._subject
        return shown(station_label(subject.station, subject.board, emulated=subject.emulated))

    @property
    def state(self) -> State:
        """The worst verdict."""
        states: list[State] = [v.status for entry in self._entries for v in entry.verdicts]
        states += ["error" for entry in self._entries if entry.error is not None]
        states += ["fail" for comparison in self._comparisons if not comparison]
        return worst(states)

    def measured(self, held: Sequence[bool]) -> Measured:
        """What the page shows of it."""
        columns = [figure for figure, kept in zip(self.columns, held, strict=True) if kept]
        return Measured(
            anchor=self.anchor,
            station=self.label,
            processor=", ".join(filter(None, (self._processor, self.board_at))),
            task=shown(self.place[1]),
            title=self._task.title if self._task else "",
            data=data_label(self._subject.data_set),
            state=self.state,
            columns=columns,
            broken=[broken for broken, kept in zip(self._broken, held, strict=True) if kept],
            figures=self._figures.all(),
            errors=[entry.measure for entry in self._entries if entry.error is not None],
            histogram=self._histogram(),
            confusion=self._confusion(),
            power=self._power(),
            run=self._folder.name,
        )

    @property
    def _processor(self) -> str:
        return self._board.processor if self._board else self._subject.core

    @property
    def board_at(self) -> str:
        """Host and place of labgrid, where they are known."""
        run = run_of(self._folder)
        return shown(run.description.board_at) if run else ""

    def problems(self) -> Iterator[Problem]:
        """What needs a person, the errors first."""
        at = f" ({self.board_at})" if self.board_at else ""
        where = f"{shown(self.place[1])} on {self.label}{at}"
        for entry in self._entries:
            if entry.error is not None:
                text = shown(entry.error, _TEXT_CHARACTERS, keep="\n")
                what = f"{entry.measure.replace('_', ' ')}: {entry.samples} samples, then an error"
                yield Problem("error", where, what, text)
        for figure, verdict in self._figures.failed():
            title = figure_title(
                verdict, emulated=self._subject.emulated, modelled=self._figures.modelled
            )
            detail = f"{_lines(figure.since)}\nlimit: {figure.source}".strip()
            yield Problem("fail", where, title, detail)
        for comparison in self._comparisons:
            if not comparison:
                reason = shown(comparison.reason)
                detail = f"{_lines(comparison.since)}\n{reason}".strip()
                yield Problem("fail", where, gate_title(comparison), detail)

    def _histogram(self) -> Bars | None:
        rows = self._rows(MeasureName.SINGLE_STREAM, SingleStreamRow)
        times = np.array([time for row in rows for time in row.seconds])
        emulator = self._board.emulator if self._board else None
        step_s = emulator.instruction_s if emulator else None
        return histogram(times, 1.0 / rows[0].hertz, step_s) if rows else None

    def _confusion(self) -> Matrix | None:
        if self._task is None or self._task.result != "scores":
            return None
        classes, rows = self._task.classes, self._rows(MeasureName.ACCURACY, AccuracyRow)
        size = len(classes)
        if not rows or any(len(row.scores[0]) != size or row.label >= size for row in rows):
            return None
        labels = np.array([row.label for row in rows], dtype=np.int64)
        scores = np.array([row.scores[0] for row in rows])
        return matrix(metrics.confusion(labels, scores), classes)

    def _power(self) -> PowerTrace | None:
        made = any(e.measure is MeasureName.ENERGY and e.error is None for e in self._entries)
        raw = self._folder / RAW
        try:
            path = raw / f"{self.place[1]}-{MeasureName.ENERGY}.jsonl"
            return power_trace(energy_of([r for _, r in read_rows(path)], raw)) if made else None
        except (TinyhilError, KeyError):  # What verify has to say, it says.
            return None

    def _rows(self, measure: MeasureName, model: type[Row]) -> tuple[Row, ...]:
        """Raw answers of a measure that has ended well; none where they can't be read."""
        made = any(e.measure is measure and e.error is None for e in self._entries)
        run = run_of(self._folder) if made else None
        try:
            return run.rows(self.place[1], measure, model) if run else ()
        except ConfigError:
            return ()


def _lines(since: str) -> str:
    """Since when on one line, and which run was the last good one on the next."""
    return since.replace("; ", "\n", 1)
