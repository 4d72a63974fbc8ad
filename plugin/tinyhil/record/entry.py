"""One line of the record: a measurement, what it is of, and its result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.verdict import Margin, Verdict, judge
from tinyhil.record.recovery import Rung, recovered_by
from tinyhil.record.schema import SCHEMA, Line

FAULTS_MARK = "with injected faults"
"""Comes after a link's kind where faults were injected."""


@dataclass(frozen=True)
class Subject:
    """What a measurement is of; the same for all measurements of one image on one board."""

    board: str
    """Its type."""
    station: str
    """The board itself, by its name on the bench."""
    core: str
    emulated: bool
    task: str
    link: str
    division: str
    data_set: str
    data_sha256: str
    model_sha256: str | None
    """None where the user's own firmware does not report its model."""
    firmware_sha256: str | None


@dataclass(frozen=True)
class Entry:
    """One line of the record."""

    subject: Subject
    measure: MeasureName
    samples: int
    metrics: Mapping[Metric, float]
    verdicts: tuple[Verdict, ...]
    details: Mapping[str, Any]
    """Figures other than the metrics, such as the parts of a memory size; JSON values."""
    started: datetime
    seconds: float
    """On the host's clock."""
    error: str | None = None
    """What ended the measurement early; the metrics are then of what was measured before."""

    @property
    def recovered(self) -> tuple[Rung, ...]:
        """What brought the board back in the middle of it; empty: it never failed."""
        return recovered_by(self.details)

    @property
    def verdict(self) -> str:
        """Of the whole line: ``error``, else ``fail`` if one failed, ``pass`` if one passed."""
        return overall(self.verdicts, self.error)

    def as_json(self, run: str) -> dict[str, Any]:
        """The line's keys and values."""
        limits = {verdict.metric: verdict.limit for verdict in self.verdicts if verdict.limit}
        return {
            "schema": SCHEMA,
            "run": run,
            **dataclasses.asdict(self.subject),
            "measure": self.measure,
            "scenario": self.measure.scenario,
            "samples": self.samples,
            "metrics": dict(self.metrics),
            "limits": {metric: limit_json(limit) for metric, limit in limits.items()},
            "verdict": self.verdict,
            "details": dict(self.details),
            "started": self.started.isoformat(timespec="milliseconds"),
            "seconds": round(self.seconds, 3),
            **({"error": self.error} if self.error is not None else {}),
        }


def restored(
    line: Line,
    subject: Subject,
    limits: Mapping[Metric, Limit],
    unjudged: str | None,
    errors: Mapping[Metric, Margin],
    unknown: Mapping[Metric, str],
) -> Entry:
    """The entry of a line that is in the record already, without an error.

    Args:
        line: of the record.
        subject: of the run that it belongs to.
        limits: of the run.
        unjudged: why its metrics may not be judged, or None.
        errors: see `verdict.judge`.
        unknown: see `verdict.judge`.
    """
    return Entry(
        subject=subject,
        measure=line.measure,
        samples=line.samples,
        metrics=line.metrics,
        verdicts=judge(
            line.metrics,
            limits,
            unjudged=unjudged,
            errors=errors,
            unknown=unknown,
            objected=objected(line.details),
        ),
        details=line.details,
        started=line.started,
        seconds=line.seconds,
    )


def objected(details: Mapping[str, Any]) -> str | None:
    """What a measure's own checks object to, by its details; the first of it."""
    checks = details.get("checks")
    found = checks.get("objections") if isinstance(checks, Mapping) else None
    return f"{found[0]['seen']}; next step: {found[0]['hint']}" if found else None


def overall(verdicts: tuple[Verdict, ...], error: str | None) -> str:
    """The verdict on a whole line, see `Entry.verdict`."""
    if error is not None:
        return "error"
    states = {verdict.status for verdict in verdicts}
    return next((state for state in ("fail", "pass") if state in states), "not judged")


def limit_json(limit: Limit) -> dict[str, Any]:
    """A limit as it is in a line."""
    return limit.model_dump(exclude_none=True)
