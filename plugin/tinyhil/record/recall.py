"""The entries of a run that has ended, as they were when it was made."""

from __future__ import annotations

from dataclasses import fields

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.verdict import Margin
from tinyhil.record.entry import Entry, Subject, restored
from tinyhil.record.kept import path_of, read_kept
from tinyhil.record.reading import parse
from tinyhil.record.schema import Line
from tinyhil.record.store import Run

_MOST_BYTES = 1 << 20
"""Of a board's facts."""


def recalled(run: Run) -> tuple[Entry, ...]:
    """The last line of each measure, judged by the limits that it holds."""
    last = {(line.task, line.measure): line for line in run.lines}
    return tuple(_entry(run, line) for line in last.values())


def board_of(run: Run, task: str) -> Board | None:
    """The facts of the board as they were; None of a task that was not begun.

    The reader need not know the board: its file may be in the maker's project alone.

    Raises:
        ConfigError: what is kept of it is missing or damaged.
    """
    facts = run.description.jobs.get(task)
    if facts is None:
        return None
    sha256 = facts.kept.board
    content = read_kept(run.folder, sha256, _MOST_BYTES)
    return parse(content, Board, str(path_of(run.folder, sha256)), versioned=False)


def _entry(run: Run, line: Line) -> Entry:
    subject = Subject(**{field.name: getattr(line, field.name) for field in fields(Subject)})
    if line.failed:
        return Entry(
            subject, line.measure, line.samples, line.metrics, (), line.details, line.started,
            line.seconds, line.error,
        )  # fmt: skip
    why = _unjudged(run, line) if line.limits and line.verdict == "not judged" else None
    return restored(line, subject, line.limits, why, _errors(run, line), _unknown(line))


def _errors(run: Run, line: Line) -> dict[Metric, Margin]:
    """By how much the figures of a coarse clock may be off; see `verdict.judge`."""
    facts, details = run.description.jobs.get(line.task), line.details
    if "resolution_s" not in details:
        return {}
    from tinyhil.record.rows import clock_errors, rate_errors  # noqa: PLC0415 - brings NumPy

    resolution_s = details["resolution_s"]
    if line.measure is MeasureName.THROUGHPUT:
        shortest_s = min(window["device_s"] for window in details["windows"])
        return rate_errors(line.metrics["throughput_ips"], resolution_s, shortest_s)
    instruction_s = facts.instruction_s if facts else None
    return clock_errors(details["clock"], resolution_s, instruction_s, details.get("bracket_s"))


def _unknown(line: Line) -> dict[Metric, str]:
    """See `verdict.judge`."""
    if line.measure is MeasureName.MEMORY and line.details.get("stack_used") is None:
        from tinyhil.record.rows import NO_STACK  # noqa: PLC0415 - as above

        return {"ram_bytes": NO_STACK}
    return {}


def _unjudged(run: Run, line: Line) -> str:
    """Why a line with limits has no verdict."""
    if run.description.configuration.quick:
        return "a quick run is never judged"
    made, every = (line.details.get(f"inferences{name}") for name in ("", "_of_the_full_set"))
    if made != every:
        return f"{made} of {every} windows: a subset is never judged"
    return "the record does not judge it"
