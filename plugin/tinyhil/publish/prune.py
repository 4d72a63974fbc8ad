"""Which run folders nobody needs any more: old ones that no baseline names and no history shows."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from tinyhil.ground import locking
from tinyhil.ground.errors import BenchError
from tinyhil.ground.files import lock, writing_to
from tinyhil.judge.gate.figures import read as read_baseline
from tinyhil.publish.headings import Heading, Unreadable, headings
from tinyhil.publish.report.history import RUNS
from tinyhil.record.store import find_runs

Why = Literal[
    "old", "recent", "baseline", "history", "being written", "not finished", "not as it was sealed"
]


@dataclass(frozen=True)
class Judged:
    """A run folder, and what becomes of it."""

    folder: Path
    why: Why
    """``old``: it can go; all others say why it stays."""
    size_bytes: int
    """Of its files."""

    @property
    def goes(self) -> bool:
        """Whether nobody needs it."""
        return self.why == "old"


def judge_runs(
    runs: Path, days: float, baselines: Iterable[Path], now: datetime | None = None
) -> tuple[Judged, ...]:
    """What becomes of each run in a folder of runs, the newest first.

    Kept are: what is younger than `days`, or of no known age; what a baseline was made of; the
    newest runs of each history that a report draws; and what is not a finished, unchanged run,
    which only a person can judge.

    Args:
        runs: the folder.
        days: how old a run must be.
        baselines: files of `tinyhil gate --save`.
        now: for tests.

    Raises:
        ConfigError: a baseline can't be read.
    """
    named = {line.run for path in baselines for line in read_baseline(path)}
    oldest = (now or datetime.now(UTC)) - timedelta(days=days)
    newer: Counter[object] = Counter()
    found = []
    for one in reversed(list(headings(find_runs(runs)))):
        if isinstance(one, Unreadable):
            found.append(Judged(one.folder, "not as it was sealed", 0))
        else:
            found.append(Judged(one.folder, _why(one, named, oldest, newer), one.size_bytes))
    return tuple(found)


def _why(heading: Heading, named: set[str], oldest: datetime, newer: Counter[object]) -> Why:
    """Why a run stays, or ``old``; counts it in the histories that it is a part of."""
    if _is_written(heading.folder):
        return "being written"
    if heading.state != "sealed":
        return "not finished" if heading.state == "not sealed" else "not as it was sealed"
    places = list(heading.histories.items())
    drawn = [place for place in places if newer[place] < RUNS]
    newer.update(places)
    if {heading.folder.name, heading.run} & named:
        return "baseline"
    started = _started(heading.started)
    if started is None or started > oldest:
        return "recent"
    return "history" if drawn else "old"


def _started(text: str) -> datetime | None:
    """When the last part of a run began."""
    try:
        started = datetime.fromisoformat(text)
    except ValueError:
        return None
    return started if started.tzinfo else started.replace(tzinfo=UTC)


def _is_written(folder: Path) -> bool:
    try:
        locking.release(lock(folder))
    except (BenchError, OSError):
        return True
    return False


def remove(judged: Sequence[Judged]) -> int:
    """Remove the folders that go; returns how many bytes that frees.

    A run is moved out of sight first, so that no reader meets half of one.

    Raises:
        WriteError: one can't be removed.
    """
    freed = 0
    for one in judged:
        if not one.goes:
            continue
        away = one.folder.with_name(f".{one.folder.name}.pruned")
        with writing_to(one.folder):
            os.rename(one.folder, away)  # noqa: PTH104 - as one step
            shutil.rmtree(away)
        freed += one.size_bytes
    return freed
