"""Which run folders nobody needs any more: old ones that no baseline names, no history shows, and
no other run goes on with; and the pages of old nights."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from tinyhil.ground import locking
from tinyhil.ground.errors import BenchError, ConfigError
from tinyhil.ground.files import lock, unwritable
from tinyhil.publish.headings import Heading, Unreadable, headings
from tinyhil.publish.report.history import RUNS
from tinyhil.record.description import read_description
from tinyhil.record.store import find_bare, find_runs

Why = Literal[
    "old", "recent", "baseline", "history", "gone on with", "elsewhere", "being written",
    "not finished", "not as it was sealed",
]  # fmt: skip
_PAGES = re.compile(r"(\d{8}T\d{6})\.\d{6}Z_report")
"""The name of a folder of pages; see `pytest_side.pages`."""
_AWAY = ".pruned"
"""Ends the name of a folder that is being removed, which begins with a dot."""


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
    """What becomes of each run in a folder of runs, the newest first, and of its folders of pages.

    Kept are: what is younger than `days`, or of no known age; what a baseline was made of; the
    newest runs of each history that a report draws; what a run that stays has gone on with; what
    lies elsewhere, behind a link; and what is not a finished, unchanged run, which only a person
    can judge. Of pages the newest stay.

    Args:
        runs: the folder.
        days: how old a run must be.
        baselines: files of `tinyhil gate --save`, or runs.
        now: for tests.

    Raises:
        ConfigError: a baseline can't be read.
    """
    named = {name for path in baselines for name in _names(path)}
    oldest = (now or datetime.now(UTC)) - timedelta(days=days)
    newer: Counter[object] = Counter()
    found, needed = [], set[str]()
    for one in reversed(list(headings(find_runs(runs)))):
        if isinstance(one, Unreadable):
            found.append(Judged(one.folder, "not as it was sealed", 0))
            continue
        judged = Judged(one.folder, _why(one, named, oldest, newer), one.size_bytes)
        if judged.goes and {one.folder.name, one.run} & needed:
            judged = replace(judged, why="gone on with")
        if not judged.goes:
            needed |= set(one.rerun_of)
        found.append(judged)
    bare = (_bare(folder, oldest, needed) for folder in reversed(find_bare(runs)))
    return (*found, *bare, *_pages(runs, oldest))


def _bare(folder: Path, oldest: datetime, needed: set[str]) -> Judged:
    """A run that came to no measure, since its board had failed before: it has no history."""
    try:
        described = read_description(folder)
    except ConfigError:
        return Judged(folder, "not as it was sealed", 0)
    started = _started(described.parts[-1].started) if described.parts else None
    why: Why = "recent" if started is None or started > oldest else _why_old(folder)
    if why == "old" and {folder.name, described.run} & needed:
        why = "gone on with"
    return Judged(folder, why, _size(folder))


def _names(baseline: Path) -> Iterator[str]:
    """Of the runs that a baseline was made of."""
    if baseline.is_dir():
        yield baseline.resolve().name
        yield read_description(baseline).run
        return
    from tinyhil.judge.gate.figures import read  # noqa: PLC0415 - it needs NumPy

    yield from (line.run for line in read(baseline))


def _why(heading: Heading, named: set[str], oldest: datetime, newer: Counter[object]) -> Why:
    """Why a run stays, or ``old``; counts it in the histories that it is a part of."""
    if heading.state != "sealed":
        unfinished: Why = (
            "not finished" if heading.state == "not sealed" else "not as it was sealed"
        )
        return "being written" if _is_written(heading.folder) else unfinished
    places = list(heading.histories.items())
    drawn = [place for place in places if newer[place] < RUNS]
    newer.update(places)
    if {heading.folder.name, heading.run} & named:
        return "baseline"
    started = _started(heading.started)
    if started is None or started > oldest:
        return "recent"
    return "history" if drawn else _why_old(heading.folder)


def _why_old(folder: Path) -> Why:
    """Why a run stays that nobody needs, or ``old``."""
    if folder.is_symlink():
        return "elsewhere"
    return "being written" if _is_written(folder) else "old"


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


def _pages(runs: Path, oldest: datetime) -> Iterator[Judged]:
    """Folders of pages, the newest first, which always stays."""
    found = sorted(
        (one for one in runs.iterdir() if _PAGES.fullmatch(one.name) and _is_folder(one)),
        reverse=True,
    )
    for number, folder in enumerate(found):
        began = datetime.strptime(f"{folder.name[:15]}Z", "%Y%m%dT%H%M%S%z")
        old = bool(number) and began < oldest
        yield Judged(folder, "old" if old else "recent", _size(folder))


def _is_folder(path: Path) -> bool:
    """Whether it is one itself, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def _size(folder: Path) -> int:
    """Of its files in bytes, as far as they can be seen."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += os.lstat(f"{parent}/{name}").st_size
    return size


@dataclass(frozen=True)
class Removed:
    """What is gone, and what would not go."""

    folders: frozenset[Path]
    """That are gone."""
    freed_bytes: int
    """By that, and by what an earlier removal that was killed had left."""
    problems: tuple[str, ...]
    """Why others are still there."""


def remove(runs: Path, judged: Sequence[Judged]) -> Removed:
    """Remove the folders that go, and what is left of those that a killed removal had begun with.

    A folder is moved out of sight first, so that no reader meets half of one. Others may remove at
    the same time; a run that somebody has begun to write to stays.

    Args:
        runs: the folder that they are in.
        judged: see `judge_runs`.
    """
    gone, freed, problems = set(), 0, []
    left = [one for one in runs.glob(f".*{_AWAY}") if _is_folder(one)]
    for folder, size in (
        *((one, _size(one)) for one in left),
        *((one.folder, one.size_bytes) for one in judged if one.goes),
    ):
        try:
            if folder in left:
                _erase(folder)
            elif not _remove(folder):
                continue
        except OSError as error:
            problems.append(unwritable(folder, error).told)
        else:
            gone.add(folder)
            freed += size
    return Removed(frozenset(gone), freed, tuple(problems))


def _remove(folder: Path) -> bool:
    """False where somebody else removes it, or has begun to write to it.

    Raises:
        OSError: it can't be removed.
    """
    try:
        held = lock(folder)
    except (BenchError, FileNotFoundError):
        return False
    try:
        away = folder.with_name(f".{folder.name}{_AWAY}")
        os.rename(folder, away)  # noqa: PTH104 - as one step
        _erase(away)
    except FileNotFoundError:
        return False
    finally:
        locking.release(held)
    return True


def _erase(folder: Path) -> None:
    """Remove a folder, which others may be doing too.

    Raises:
        OSError: something of it can't be removed.
    """
    while folder.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
