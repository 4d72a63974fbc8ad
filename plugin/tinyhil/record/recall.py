"""The entries of a run that has ended, as they were when it was made."""

from __future__ import annotations

from dataclasses import fields

from tinyhil.record.entry import Entry, Subject, restored
from tinyhil.record.schema import Line
from tinyhil.record.store import Run


def recalled(run: Run) -> tuple[Entry, ...]:
    """The last line of each measure, judged by the limits that it holds."""
    last = {(line.task, line.measure): line for line in run.lines}
    return tuple(_entry(run, line) for line in last.values())


def _entry(run: Run, line: Line) -> Entry:
    subject = Subject(**{field.name: getattr(line, field.name) for field in fields(Subject)})
    if line.failed:
        return Entry(
            subject, line.measure, line.samples, line.metrics, (), line.details, line.started,
            line.seconds, line.error,
        )  # fmt: skip
    unjudged = None
    if line.verdict == "not judged":
        quick = run.description.configuration.quick
        unjudged = "a quick run is never judged" if quick else "the record does not judge it"
    return restored(line, subject, line.limits, unjudged if line.limits else None)
