"""What a CI system shows of a run: properties of JUnit's test cases, and a table in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.units import format_metric, station_label, unit_of
from tinyhil.catalog.verdict import Verdict
from tinyhil.catalog.wording import data_label
from tinyhil.ground.text import in_markdown, shown
from tinyhil.judge.gate.compare import Comparison
from tinyhil.judge.gate.fleet import diagnoses
from tinyhil.judge.gate.wording import change_text, value_text
from tinyhil.publish.report.history import missed_since, points_of
from tinyhil.publish.report.table import limit_text, remarks
from tinyhil.publish.report.title import figure_title, task_place
from tinyhil.record import Entry, Subject
from tinyhil.record.recovery import told

_SIGNS = {"pass": "✅ pass", "fail": "❌ FAIL", "error": "⚠️ ERROR", "not judged": "not judged"}
_CHANGES = {"worse": "❌ WORSE", "missing": "❌ MISSING", "better": "✅ better", "same": "same"}
_ERROR_CHARACTERS = 600


def properties(verdict: Verdict, entry: Entry, *, whole: bool = False) -> Iterator[tuple[str, str]]:
    """Name and value of what a test case is of, and of its figure with unit, limit and verdict.

    Args:
        verdict: on the figure. A latency comes with the instructions that it takes on an emulated
            board.
        entry: the measure that it is of.
        whole: all figures of the measure, where no other test case has them.
    """
    subject = entry.subject
    yield from _place(subject)
    yield "data_set", subject.data_set
    yield "firmware_sha256", subject.firmware_sha256 or "unknown"
    if entry.recovered:
        yield "recovered", told(entry.details)
    for one in entry.verdicts if whole else (verdict,):
        yield from _judged(one, entry)


def _judged(verdict: Verdict, entry: Entry) -> Iterator[tuple[str, str]]:
    if not verdict.defined:
        return
    yield from _figure(verdict.metric, verdict.value)
    if entry.details.get("modelled"):
        yield f"{verdict.metric}.modelled", "yes, not measured"
    if verdict.limit is not None:
        limit = verdict.limit
        bound = f"min {limit.min!r}" if limit.min is not None else f"max {limit.max!r}"
        yield f"{verdict.metric}.limit", bound
    yield f"{verdict.metric}.verdict", verdict.status
    if verdict.metric == "latency_p90_s" and "instructions" in entry.metrics:
        yield from _figure("instructions", entry.metrics["instructions"])


def _place(of: Subject | Comparison) -> Iterator[tuple[str, str]]:
    """What a figure is of."""
    yield "station", of.station
    yield "board", of.board
    yield "emulated", "yes, times are instruction counts" if of.emulated else "no"
    yield "task", of.task


def _figure(metric: Metric, value: float) -> Iterator[tuple[str, str]]:
    yield metric, repr(value)
    yield f"{metric}.unit", unit_of(metric)


def compared(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """The same of a figure that was compared with the baseline's."""
    metric = comparison.metric
    yield from _place(comparison)
    for name, value in (("", comparison.new), (".baseline", comparison.old)):
        if value is not None:
            yield f"{metric}{name}", repr(value)
    if metric != "outputs":
        yield f"{metric}.unit", unit_of(metric)
    yield f"{metric}.change", comparison.status
    if comparison.recovered:
        yield "recovered", comparison.recovered


def summary(
    entries: Sequence[Entry],
    comparisons: Sequence[Comparison],
    boards: Mapping[str, Board],
    runs: Sequence[Path],
    last: Mapping[str, Path],
    notes: Sequence[str] = (),
    broken: Mapping[str, Sequence[str]] | None = None,
    not_run: int = 0,
) -> str:
    """A run in GitHub's Markdown: how it ended, a line a figure, and what to know about them.

    Args:
        entries: in the order to show them.
        comparisons: with the baseline.
        boards: board types by name.
        runs: their folders.
        last: of them by station, for since when a limit is missed.
        notes: what else is to be said.
        broken: names of the tests that ended with an error, by its text.
        not_run: how many tests nobody came to.
    """
    broken = broken or {}
    counts = Counter[str](verdict.status for entry in entries for verdict in entry.verdicts)
    counts["error"] = sum(entry.error is not None for entry in entries)
    told = [f"{counts[state]} {state}" for state in _SIGNS if counts[state]] or ["nothing measured"]
    ended = sum(map(len, broken.values()))
    told += [f"{ended} of the tests ended with an error"] if ended else []
    told += [f"{not_run} were not run"] if not_run else []
    worse = sum(not one for one in comparisons)
    told += [f"{worse} of {len(comparisons)} worse than the baseline"] if comparisons else []
    lines = ["### tinyhil: " + ", ".join(told), ""]
    if entries:
        lines += _table(("station", "task", "data", "metric", "value", "limit", "verdict"),
                        (row for entry in entries for row in _rows(entry)))  # fmt: skip
    if comparisons:
        heads = ("station", "task", "metric", "baseline", "candidate", "change", "verdict")
        lines += _table(heads, map(_compared_row, comparisons))
    said = [*_failures(entries, last), *(f"FAIL {one}" for one in comparisons if not one)]
    said += [f"fleet: {one}" for one in diagnoses(comparisons)]
    said += [
        *_errors(entries),
        *_broken(entries, broken),
        *notes,
        *remarks(entries, boards),
        *(f"Run: {run}" for run in runs),
    ]
    return "\n".join([*lines, *(f"- {in_markdown(note)}" for note in said), "", ""])


def _table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *([in_markdown(cell) for cell in row] for row in rows)]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def _rows(entry: Entry) -> Iterator[Sequence[str]]:
    subject = entry.subject
    station = station_label(subject.station, subject.board, emulated=subject.emulated)
    where = (station, subject.task, data_label(subject.data_set))
    after = ", recovered" if entry.recovered else ""
    for verdict in entry.verdicts:
        metric = verdict.metric
        value, limit = format_metric(metric, verdict.value), limit_text(metric, verdict.limit)
        yield *where, metric, value, limit, _SIGNS[verdict.status] + after
    if entry.error is not None:
        yield *where, entry.measure, f"{entry.samples} samples", "", _SIGNS["error"]


def _compared_row(one: Comparison) -> Sequence[str]:
    values = (
        "-" if value is None else value_text(one.metric, value) for value in (one.old, one.new)
    )
    change = change_text(one.metric, one.old, one.new)
    station = station_label(one.station, one.board, emulated=one.emulated)
    return station, one.task, one.metric, *values, change, _CHANGES.get(one.status, one.status)


def _failures(entries: Sequence[Entry], last: Mapping[str, Path]) -> Iterator[str]:
    """Each missed limit in words, with since when it is missed."""
    for entry in entries:
        for verdict in entry.verdicts:
            if verdict.status == "fail" and verdict.limit is not None:
                subject = entry.subject
                points = points_of(last[subject.station], subject.task)
                modelled = bool(entry.details.get("modelled"))
                told = figure_title(verdict, emulated=subject.emulated, modelled=modelled)
                source = f"limit: {shown(verdict.limit.source)}"
                why = "; ".join(filter(None, (missed_since(points, verdict), source)))
                yield f"FAIL {task_place(subject)}: {told}; {why}"


def _errors(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.error is not None:
            about = f"{entry.subject.station} {entry.subject.task} {entry.measure}"
            yield f"{about}: {_in_a_line(entry.error)}"


def _broken(entries: Sequence[Entry], broken: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Each error of tests that is not that of a measure: most often, that no measure began."""
    known = [_in_a_line(entry.error) for entry in entries if entry.error is not None]
    for error, tests in broken.items():
        text = _in_a_line(error)
        if not any(one in text for one in known):
            more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
            yield f"ERROR {tests[0]}{more}: {text}"


def _in_a_line(error: str) -> str:
    return " ".join(shown(error, _ERROR_CHARACTERS, keep="\n").split())
