"""The record of a run: a folder that only grows, written as measured and flushed.

``record.jsonl`` holds one line a measurement, ``raw/`` every byte of every link and every answer
of the device as it came, so that a killed run keeps what it had.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tinyhil.errors import BenchError
from tinyhil.facts import Limit, Metric
from tinyhil.verdict import Verdict

SCHEMA = 1


@dataclass(frozen=True)
class Subject:
    """What a measurement is of; the same for all measurements of one image on one board."""

    board: str
    core: str
    emulated: bool
    task: str
    link: str
    division: str
    data_set: str
    data_sha256: str
    model_sha256: str | None
    """None where the user's own firmware does not tell which model it holds."""
    firmware_sha256: str


@dataclass(frozen=True)
class Entry:
    """One line of the record."""

    subject: Subject
    measure: str
    scenario: str | None
    """As MLPerf names it: ``SingleStream``, or None where there is none."""
    samples: int
    metrics: Mapping[Metric, float]
    verdicts: tuple[Verdict, ...]
    details: Mapping[str, Any]
    """Figures beside the metrics, such as the parts of a memory size; JSON values."""
    started: datetime
    seconds: float
    """On the host's clock."""
    error: str | None = None
    """What ended the measurement early; the metrics are then of what was measured before."""

    @property
    def verdict(self) -> str:
        """Of the whole line: ``error``, else ``fail`` if one failed, ``pass`` if one passed."""
        if self.error is not None:
            return "error"
        states = {verdict.status for verdict in self.verdicts}
        return next((state for state in ("fail", "pass") if state in states), "not judged")

    def as_json(self, run: str) -> dict[str, Any]:
        """The line's keys and values."""
        limits = {verdict.metric: verdict.limit for verdict in self.verdicts if verdict.limit}
        return {
            "schema": SCHEMA,
            "run": run,
            **dataclasses.asdict(self.subject),
            "measure": self.measure,
            "scenario": self.scenario,
            "samples": self.samples,
            "metrics": dict(self.metrics),
            "limits": {metric: _limit_json(limit) for metric, limit in limits.items()},
            "verdict": self.verdict,
            "details": dict(self.details),
            "started": self.started.isoformat(timespec="milliseconds"),
            "seconds": round(self.seconds, 3),
            **({"error": self.error} if self.error is not None else {}),
        }


class Record:
    """A run's folder, open for appending.

    Args:
        runs: folder of all runs.
        board: name of the board that the run is on.

    Raises:
        BenchError: the folder can't be made.
    """

    def __init__(self, runs: Path, board: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            runs.mkdir(parents=True, exist_ok=True)
            self.folder = _new_folder(runs, f"{stamp}_{board}")
            self.raw = self.folder / "raw"
            self.raw.mkdir()
        except OSError as error:
            raise BenchError(
                f"{runs}: a run folder cannot be made: {error.strerror}",
                hint="make room, correct the permissions, or choose another one with --hil-runs",
            ) from error
        self.run = self.folder.name

    def append(self, entry: Entry) -> None:
        """Write one measurement; it survives the process from here on.

        Raises:
            BenchError: it can't be written.
        """
        _append_line(self.folder / "record.jsonl", entry.as_json(self.run))

    def keep(self, name: str, row: Mapping[str, Any]) -> None:
        """Write one raw answer of the device to ``raw/<name>.jsonl``.

        Raises:
            BenchError: it can't be written.
        """
        _append_line(self.raw / f"{name}.jsonl", row)


def _new_folder(runs: Path, name: str) -> Path:
    """A folder that did not exist: two runs of one board may start within a second."""
    for number in range(1, 1000):
        folder = runs / (name if number == 1 else f"{name}.{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(0, "a thousand runs of this second exist")


def _append_line(path: Path, values: Mapping[str, Any]) -> None:
    """Append one JSON line in one write, so that a killed process leaves whole lines behind."""
    line = (json.dumps(values, allow_nan=False) + "\n").encode()
    try:
        with path.open("ab", buffering=0) as file:
            if file.write(line) != len(line):
                raise OSError(0, "the disk is full")
    except OSError as error:
        raise BenchError(
            f"{path}: cannot be written: {error.strerror}",
            hint="make room on the disk; what was measured before is kept",
        ) from error


def _limit_json(limit: Limit) -> dict[str, Any]:
    return limit.model_dump(exclude_none=True)
