"""Run folders to figures: the one place of the gate that knows how a record and its raw rows look.

A figure of the record is believed only when its raw rows give the same figure.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyhil import metrics
from tinyhil.board import load_boards
from tinyhil.errors import ConfigError
from tinyhil.gate import figures
from tinyhil.gate.figures import DISTINCT, Histogram, Latency, Line, Quality, Window
from tinyhil.gate.statistics import effective_size
from tinyhil.measure import Rules

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
        quick = any(is_quick(row) for row in rows.values())
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
                return _measured(folder, row, quick=is_quick(row))
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
    rows = []
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
    raw = folder / "raw" / f"{line.task}-{line.measure}.jsonl"
    full = line.model_copy(update=_evidence(line, row, raw))
    return Measured(full, _unjudged(row, quick), quick)


def _harmless(text: str) -> str:
    """One line, bounded; the text of an error may hold what a device said."""
    line = " ".join(text[:_ERROR_CHARACTERS].split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def is_quick(row: Row) -> bool:
    """Whether a measurement is shorter than the rules ask for."""
    details = row.get("details", {})
    if row.get("quick") or row.get("error") is not None:
        return bool(row.get("quick"))
    rules = Rules()
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
    if row.get("unjudged"):
        return str(row["unjudged"])
    done, full = details.get("inferences"), details.get("inferences_of_the_full_set")
    if row["measure"] == "accuracy" and done != full:
        return f"only {done} of {full} windows were inferred (--hil-all-windows infers all)"
    if row["limits"] and row["verdict"] == "not judged":
        return "it was not judged, although a limit is set"
    return None


def _evidence(line: Line, row: Row, raw: Path) -> dict[str, Any]:
    """The part of a line that its kind of measure has."""
    match line.measure:
        case "single_stream":
            return {"latency": _latency(line, row["details"], read_rows(raw), raw)}
        case "accuracy":
            return {"quality": _quality(line, read_rows(raw), raw)}
        case "memory":
            return {"sizes": {name: n for name, n in row["details"].items() if n is not None}}
        case "throughput" | "energy":
            return {"windows": _windows(line, row["details"]["windows"], read_rows(raw), raw)}
    return {}


def _latency(line: Line, details: Row, rows: Sequence[Row], raw: Path) -> Latency:
    """Raises ConfigError where the rows do not give the recorded percentiles."""
    times: dict[str, list[int]] = {}
    for row in rows:
        times.setdefault(row["sample"], []).extend(row["times"])
    hertz = int(details["tick_hz"])
    by_input = {name: np.array(ticks, dtype=np.int64) for name, ticks in times.items()}
    together = np.concatenate(list(by_input.values()))
    effective = {}
    for percent in metrics.PERCENTILES:
        value = metrics.percentile(together / hertz, percent)
        _agree(raw, f"latency_p{percent}_s", line.metrics[f"latency_p{percent}_s"], value)  # type: ignore[index]
        slower = [ticks > value * hertz + 0.5 for ticks in by_input.values()]
        effective[str(percent)] = round(effective_size(slower), 1)
    _agree(raw, "samples", line.samples, len(together))
    step = 1
    while any(len(np.unique(_rounded(ticks, step))) > DISTINCT for ticks in by_input.values()):
        step *= 2
    board = load_boards().get(line.board)
    return Latency.model_validate(
        {
            "clock": details["clock"],
            "tick_hz": hertz,
            "step": step,
            "effective": effective,
            "instruction_s": board.emulator.instruction_s if board and board.emulator else None,
            "inputs": {name: _histogram(ticks, step) for name, ticks in by_input.items()},
        }
    )


def _rounded(ticks: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    nearest: NDArray[np.int64] = (ticks + step // 2) // step * step
    return nearest


def _histogram(ticks: NDArray[np.int64], step: int) -> Histogram:
    values, counts = np.unique(_rounded(ticks, step), return_counts=True)
    distances = np.diff(values, prepend=0)
    return Histogram(ticks=tuple(map(int, distances)), counts=tuple(map(int, counts)))


def _windows(
    line: Line, recorded: Sequence[Row], rows: Iterable[Row], raw: Path
) -> dict[str, Window]:
    """The last window of each input: a shorter one before it only set the pace."""
    names = list({row["sample"]: None for row in rows})
    _agree(raw, "windows", len(recorded), len(names))
    if not names:
        raise ValueError("it has no windows")
    found = {
        name: Window(
            inferences=window["inferences"],
            device_s=window["device_s"],
            energy_j=window.get("energy_j"),
        )
        for name, window in zip(names, recorded, strict=True)
    }
    if "throughput_ips" in line.metrics:
        rates = [(window.inferences, window.device_s) for window in found.values()]
        recorded_ips = line.metrics["throughput_ips"]
        _agree(raw, "throughput_ips", recorded_ips, metrics.throughput(rates))
    return found


def _quality(line: Line, rows: Sequence[Row], raw: Path) -> Quality:
    """Raises ConfigError where the rows do not give the recorded quality."""
    answers = {row["sample"]: row for row in rows}
    _agree(raw, "samples", line.samples, len(answers))
    names = sorted(answers)
    labels = np.array([answers[name]["label"] for name in names], dtype=np.int64)
    listed = "".join(f"{name} {answers[name]['label']}\n" for name in names)
    digests = [_digest(answers[name]["scores"]) for name in names]
    scores = np.array([np.mean(answers[name]["scores"], axis=0) for name in names])
    right = None
    if "top1" in line.metrics:
        _agree(raw, "top1", line.metrics["top1"], metrics.top1(labels, scores))
        right = np.packbits(np.argmax(scores, axis=1) == labels).tobytes().hex()
    return Quality(
        samples=len(names),
        names_sha256=hashlib.sha256(listed.encode()).hexdigest(),
        outputs_sha256=hashlib.sha256(b"".join(digests)).hexdigest(),
        outputs="".join(base64.b64encode(digest[:3]).decode()[:2] for digest in digests),
        right=right,
    )


def _digest(scores: Any) -> bytes:
    return hashlib.sha256(json.dumps(scores).encode()).digest()


def _agree(raw: Path, what: str, recorded: float, found: float) -> None:
    """Raise ConfigError where the record says something else than its raw rows."""
    if abs(recorded - found) > 1e-9 * abs(found):
        raise ConfigError(
            f"{raw}: gives {what} = {found:.9g}, the record says {recorded:.9g}",
            hint="`tinyhil verify RUN` tells what was altered; measure again",
        )
