"""What earlier runs gave: latency, size and quality over the last runs of a station and a task.

Read from the run folders next to a run's own. A history must not end a report: a run that can't be
read, or is not as it was sealed, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tinyhil.catalog.facts import Metric
from tinyhil.catalog.verdict import Verdict, keeps
from tinyhil.catalog.wording import in_short
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.text import shown
from tinyhil.judge.gate.wording import value_text
from tinyhil.publish.headings import Heading, History, headings, history_of, is_kept, name_of
from tinyhil.record import Subject
from tinyhil.record.schema import LINES
from tinyhil.record.seal import record_state
from tinyhil.record.store import Run, find_runs, read_run

if TYPE_CHECKING:
    from tinyhil.judge.gate.compare import Comparison

RUNS = 30
"""At most so many runs are drawn."""

_LOOKED_AT = 20_000
"""Run folders, at most, newest first."""
_RECORD_BYTES = 4 << 20


@dataclass(frozen=True)
class Point:
    """One run's figures of one station and task."""

    run: str
    started: datetime
    firmware_sha256: str | None
    model_sha256: str | None
    metrics: Mapping[Metric, float]
    build: str
    """Of the firmware: its build id, or else what is known of it."""

    def __str__(self) -> str:
        return f"{self.started:%Y-%m-%d %H:%M} UTC ({self.build})"


def series(folder: Path, task: str) -> tuple[Subject, tuple[Point, ...]] | None:
    """The run in `folder` and the runs before it that measured the same, the oldest first.

    The same are: station, task, data set, division, whole runs or quick ones, and whether the
    firmware was ours or the user's own. None where the run measured nothing of the task.
    """
    own = _point(folder, task)
    if own is None:
        return None
    key, subject, point = own
    points = [point]
    for other in _before(folder, task, name_of(key)):
        found = _point(other, task)
        if found and found[0] == key:
            points.append(found[2])
        if len(points) == RUNS:
            break
    return subject, tuple(reversed(points))


def points_of(folder: Path, task: str) -> tuple[Point, ...]:
    """The points of `series`; none where there are none."""
    found = series(folder, task)
    return found[1] if found else ()


def missed_since(points: Sequence[Point], verdict: Verdict) -> str:
    """Since when a limit is missed, in words; empty where it is kept, or no run is there.

    Args:
        points: runs that measured the same, the oldest first; the last one is the verdict's.
        verdict: on today's limit, which is what earlier figures are held against.
    """
    metric, limit = verdict.metric, verdict.limit
    if verdict.status != "fail" or limit is None:
        return ""
    held = ((point, point.metrics[metric]) for point in reversed(points) if metric in point.metrics)
    steps = ((point, in_short(metric, value), keeps(value, limit)) for point, value in held)
    return _since(steps, "missed", "kept", "kept it")


def worse_since(
    folder: Path, comparison: Comparison, compare: Callable[[Path], Comparison | None]
) -> str:
    """Since when a figure is worse than the baseline's, in words; empty where it is not.

    Args:
        folder: of the run that is compared.
        comparison: of it.
        compare: does the same with the run in an earlier folder; None where that can't be done.
    """
    if comparison.status != "worse":
        return ""

    def steps() -> Iterator[_Step]:
        for point in reversed(points_of(folder, comparison.task)):
            own = point.run == folder.name
            one = comparison if own else compare(folder.parent / point.run)
            if one is not None and one.new is not None:
                yield point, value_text(one.metric, one.new), bool(one)

    return _since(steps(), "worse", "as good as the baseline", "was as good")


_Step = tuple[Point, str, bool]
"""A run, its figure, and whether that is good."""


def _since(steps: Iterable[_Step], bad: str, good: str, never: str) -> str:
    """Since when, and which run was the last good one.

    Args:
        steps: of runs, the newest first; those behind a good one are not asked for.
        bad: a word for it, such as ``missed``.
        good: words for the contrary.
        never: words for what no earlier run did.
    """
    row: list[Point] = []
    before = ""
    for point, value, is_good in steps:
        if is_good:
            before = f"last {good} {point}: {value}"
            break
        row.append(point)
    if not row:
        return ""
    many = f"{len(row)} runs in a row" if len(row) > 1 else "new in this run"
    none = f"no earlier run here {never}" if len(row) > 1 else "there is no earlier run here"
    return f"{bad} since {row[-1]}, {many}; {before or none}"


def _before(folder: Path, task: str, history: str) -> list[Path]:
    """Runs of one history older than `folder`, the newest first: names begin with their time."""
    try:
        changed = folder.parent.stat().st_mtime_ns
    except OSError:
        return []
    return [
        one.folder
        for one in reversed(_beside(folder.parent, changed))
        if one.folder.name < folder.name and one.histories.get(task) == history
    ]


@lru_cache(maxsize=4)
def _beside(parent: Path, _changed: int) -> tuple[Heading, ...]:
    """The runs in a folder that can be read and are as they were sealed, the oldest first; as they
    were when the folder was changed last."""
    found = headings(find_runs(parent)[-_LOOKED_AT:])
    return tuple(one for one in found if isinstance(one, Heading) and one.state != "changed")


def _point(folder: Path, task: str) -> tuple[History, Subject, Point] | None:
    """What must be the same, what was measured, and its figures."""
    run = run_of(folder)
    key = history_of(run, task) if run else None
    if run is None or key is None:
        return None
    kept = [line for line in run.lines if line.task == task and is_kept(line)]
    last = kept[-1]
    subject = Subject(**{field.name: getattr(last, field.name) for field in fields(Subject)})
    metrics = {name: value for line in kept for name, value in line.metrics.items()}
    point = Point(
        folder.name,
        last.started,
        subject.firmware_sha256,
        subject.model_sha256,
        metrics,
        _build(run, subject),
    )
    return key, subject, point


def _build(run: Run, subject: Subject) -> str:
    """What tells the firmware of a run from another one's."""
    job = run.description.jobs.get(subject.task)
    if job and job.build_id:
        return f"build {shown(job.build_id[:12])}"
    sha256 = subject.firmware_sha256
    return f"firmware {shown(sha256[:12])}" if sha256 else "firmware not seen"


def run_of(folder: Path) -> Run | None:
    """A run; None where it can't be read, or is not as it was sealed. Kept for the next caller."""
    try:
        size = (folder / LINES).stat().st_size
    except OSError:
        return None
    return _run_at(folder, size) if size <= _RECORD_BYTES else None


@lru_cache(maxsize=300)
def _run_at(folder: Path, _size: int) -> Run | None:
    """A record grows only: one of the same size is the same."""
    try:
        return None if record_state(folder) == "changed" else read_run(folder)
    except ConfigError:
        return None
