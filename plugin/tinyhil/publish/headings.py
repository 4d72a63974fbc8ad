"""What tables and histories of many runs need to know of each, to choose those that they read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyhil.ground.errors import ConfigError
from tinyhil.record.memo import remembered
from tinyhil.record.reading import list_files
from tinyhil.record.schema import Line
from tinyhil.record.seal import RecordState, record_state
from tinyhil.record.store import Run, read_run

_KIND = "headings-3"

_SAME = ("station", "board", "core", "emulated", "task", "division", "data_set", "data_sha256")
"""What the runs of one history have in common."""

History = tuple[Any, ...]


@dataclass(frozen=True)
class Heading:
    """A run that can be read."""

    folder: Path
    state: RecordState
    torn: bool
    own_firmware: bool
    station: str
    started: str
    """When its last part began, as it says."""
    size_bytes: int
    """Of its files."""
    run: str
    """The name that it was made with."""
    ended: dict[str, float]
    """When each measure that ended well began, in seconds since 1970, by what it is of: division,
    board, station, data set, task and measure."""
    histories: dict[str, str]
    """By task with figures: names the history that it is a part of."""
    rerun_of: tuple[str, ...]
    """Names of the runs that it goes on with."""
    worst: str
    """Verdict of its lines: ``error``, ``fail``, ``not judged``, ``pass``, or ``nothing``."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must be told."""
        return (f"{self.folder}: the record's torn last line is left out",) if self.torn else ()


@dataclass(frozen=True)
class Unreadable:
    """A run that can't be read."""

    folder: Path
    error: ConfigError


def headings(folders: Sequence[Path]) -> Iterator[Heading | Unreadable]:
    """The heading of each run; runs that were not touched since are not read again."""
    for folder, kept in remembered(folders, _KIND, _made):
        try:
            yield _heading(folder, kept)
        except (TypeError, ValueError, KeyError, AttributeError):
            yield _heading(folder, _made(folder))  # The cache holds something else.


def history_of(run: Run, task: str) -> History | None:
    """What the runs of one history have in common with this one; None where it has no figures."""
    lines = [line for line in run.lines if line.task == task]
    kept = [line for line in lines if is_kept(line)]
    if not kept:
        return None
    quick = any(map(run.is_short, lines))
    own_firmware = kept[-1].model_sha256 is None
    return (*(getattr(kept[-1], name) for name in _SAME), quick, own_firmware)


def is_kept(line: Line) -> bool:
    """Whether a line has figures for a history."""
    return not line.failed and bool(line.metrics)


def name_of(history: History) -> str:
    """A short name of a history."""
    return hashlib.sha256(json.dumps(history).encode()).hexdigest()[:20]


def _made(folder: Path) -> dict[str, Any]:
    try:
        run = read_run(folder)
        size = sum((folder / name).stat().st_size for name in list_files(folder))
    except ConfigError as error:
        return {"error": [error.message, error.hint]}
    except OSError as error:
        return {"error": [f"{folder}: cannot be read: {error.strerror}", "read it again"]}
    described = run.description
    places = {task: history_of(run, task) for task in dict.fromkeys(one.task for one in run.lines)}
    verdicts = {line.verdict for line in run.lines}
    words = ("error", "fail", "not judged", "pass")
    return {
        "state": record_state(folder),
        "torn": run.torn,
        "own_firmware": described.configuration.own_firmware,
        "station": described.configuration.station,
        "started": described.parts[-1].started if described.parts else "",
        "size_bytes": size,
        "run": described.run,
        "ended": {_place(one): one.started.timestamp() for one in run.lines if not one.failed},
        "histories": {task: name_of(place) for task, place in places.items() if place},
        "rerun_of": described.rerun_of,
        "worst": next((word for word in words if word in verdicts), "nothing"),
    }


def _place(line: Line) -> str:
    told = (line.division, line.board, line.station, line.data_set, line.task, line.measure)
    return json.dumps(told)


def _heading(folder: Path, kept: dict[str, Any]) -> Heading | Unreadable:
    if "error" in kept:
        message, hint = kept["error"]
        return Unreadable(folder, ConfigError(message, hint=hint))
    return Heading(folder=folder, **kept)
