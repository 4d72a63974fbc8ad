"""Run folders to figures: the lines of a record, and which of them can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyhil.catalog.rules import Rules
from tinyhil.ground.errors import ConfigError
from tinyhil.judge.gate import figures
from tinyhil.judge.gate.evidence import evidence_of
from tinyhil.judge.gate.figures import Line
from tinyhil.record.description import read_description
from tinyhil.record.schema import RUN

Row = Mapping[str, Any]

_KEYS = (
    "board", "task", "measure", "core", "emulated", "link", "division", "data_set", "data_sha256",
    "model_sha256", "firmware_sha256", "run", "samples", "metrics",
)  # fmt: skip
_ERROR_CHARACTERS = 300

MEASURES = ("accuracy", "single_stream", "throughput", "memory", "energy")
"""What a gate compares; a record may hold other lines too, such as those of audits."""


@dataclass(frozen=True)
class Measured:
    """A line of a run, and why it can't be a figure to compare, if so."""

    line: Line
    problem: str | None = None
    quick: bool = False
    """Whether its run was a quick one."""
    failed: bool = False
    """Whether it ended with an error."""


def load(path: Path) -> tuple[Measured, ...]:
    """The lines of a run folder, or of a file that `figures.write` made.

    Raises:
        ConfigError: it is neither, or its record and its raw rows disagree.
    """
    if path.is_dir():
        return read_run(path)
    return tuple(Measured(line) for line in figures.read(path))


def load_all(paths: Iterable[Path]) -> tuple[Measured, ...]:
    """The lines of all of them.

    Raises:
        ConfigError: as `load`.
    """
    return tuple(measured for path in paths for measured in load(path))


def read_run(folder: Path) -> tuple[Measured, ...]:
    """The last line of each measure of a run, in the order of the record.

    Raises:
        ConfigError: the folder holds no record, or its record and its raw rows disagree.
    """
    record = folder / "record.jsonl"
    with _understood(record):
        rows = {
            (row["task"], row["measure"]): row
            for row in read_rows(record)
            if row["measure"] in MEASURES
        }
        quick = was_quick(folder, rows.values())
        found = tuple(_measured(folder, row, quick=quick) for row in rows.values())
    if not found:
        raise ConfigError(f"{record}: holds nothing to compare", hint="name a run that measured")
    return found


def read_measure(folder: Path, task: str, measure: str) -> Measured | None:
    """One measure of a run that is not quick; None if the run has none.

    Raises:
        ConfigError: as `read_run`.
    """
    record = folder / "record.jsonl"
    with _understood(record):
        for row in reversed(read_rows(record)):
            if (row["task"], row["measure"]) == (task, measure):
                return _measured(folder, row, quick=was_quick(folder, [row]))
    return None


def read_rows(path: Path) -> list[Row]:
    """The objects of a file of JSON lines.

    Raises:
        ConfigError: it can't be read, or a line holds none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read: {error}",
            hint="name a run folder, or a file that `tinyhil gate --save` made",
        ) from error
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise ConfigError(
                f"{path}, line {number}: is no JSON object",
                hint="the file was altered or torn; measure again",
            )
        rows.append(row)
    return rows


@contextmanager
def _understood(record: Path) -> Iterator[None]:
    """Name the record where its lines are not what a record's are."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{record}: cannot be understood: {error!r}",
            hint="the run is of another version of tinyhil, or was altered; measure again",
        ) from error


def _measured(folder: Path, row: Row, *, quick: bool) -> Measured:
    line = Line.model_validate({key: row[key] for key in _KEYS})
    if row.get("error") is not None:
        text = _harmless(str(row["error"]))
        return Measured(line, f"it ended with an error: {text}", quick, failed=True)
    full = line.model_copy(update=evidence_of(line, folder, row["details"]))
    return Measured(full, _unjudged(row, quick), quick)


def _harmless(text: str) -> str:
    """One line, bounded; the text of an error may hold what a device said."""
    line = " ".join(text[:_ERROR_CHARACTERS].split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def was_quick(folder: Path, rows: Iterable[Row]) -> bool:
    """Whether a run says that it is a quick one, or a measurement is shorter than the rules ask.

    Raises:
        ConfigError: what the run says of itself is damaged.
        KeyError, TypeError: a row is not what a record's is.
    """
    if (folder / RUN).is_file() and read_description(folder).configuration.quick:
        return True
    return any(_is_short(row) for row in rows)


def _is_short(row: Row) -> bool:
    if row.get("error") is not None:
        return False
    details, rules = row.get("details", {}), Rules()
    if row["measure"] == "single_stream":
        short = details["device_s"] < rules.single_stream_s
        return bool(row["samples"] < rules.queries or short)
    if row["measure"] == "throughput":
        return any(
            window["inferences"] < rules.window_inferences or window["device_s"] < rules.window_s
            for window in details["windows"]
        )
    return False


def _unjudged(row: Row, quick: bool) -> str | None:
    """Why a line may not be judged, or None."""
    details = row["details"]
    if quick:
        return "it is of a quick run"
    done, full = details.get("inferences"), details.get("inferences_of_the_full_set")
    if row["measure"] == "accuracy" and done != full:
        return f"only {done} of {full} windows were inferred (--hil-all-windows infers all)"
    if row["limits"] and row["verdict"] == "not judged":
        return "it was not judged, although a limit is set"
    return None
