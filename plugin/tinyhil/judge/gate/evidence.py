"""Raw answers of a run to the evidence behind a figure.

A figure of the record is accepted only when its raw answers give the same figure.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyhil.catalog import metrics
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.text import printable
from tinyhil.judge.gate.figures import DISTINCT, Histogram, Latency, Line, Quality, Window
from tinyhil.judge.gate.statistics import effective_size
from tinyhil.measure.energy.windows import per_inference
from tinyhil.record.rows import ticks_of
from tinyhil.record.schema import AccuracyRow, MemoryRow, SingleStreamRow, ThroughputRow
from tinyhil.record.store import Run

_VERIFY = "`tinyhil verify RUN` says what was changed; measure again"

_PERCENTILES: Mapping[int, Metric] = {
    50: "latency_p50_s",
    90: "latency_p90_s",
    99: "latency_p99_s",
}


def evidence_of(line: Line, run: Run, details: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a line that its kind of measure has.

    Args:
        line: without it.
        run: that it is of.
        details: of the record's line.

    Raises:
        ConfigError: the raw answers are missing, or give no figure or another than the record.
    """
    try:
        return _evidence_of(line, run, details)
    except (ArithmeticError, LookupError, ValueError) as error:
        raise ConfigError(
            f"{run.folder}: the raw answers of {line.task} {line.measure} give no figures: "
            f"{printable(str(error))}",
            hint=_VERIFY,
        ) from error


def _evidence_of(line: Line, run: Run, details: Mapping[str, Any]) -> dict[str, Any]:
    folder = run.folder
    match line.measure:
        case MeasureName.SINGLE_STREAM:
            rows = run.rows(line.task, line.measure, SingleStreamRow)
            return {"latency": _latency(line, run, details, rows)}
        case MeasureName.THROUGHPUT:
            windows = run.rows(line.task, line.measure, ThroughputRow)
            return {"windows": _throughput(line, folder, details, windows)}
        case MeasureName.ACCURACY:
            answers = run.rows(line.task, line.measure, AccuracyRow)
            return {"quality": _quality(line, folder, answers)}
        case MeasureName.ENERGY:
            return {"windows": _energy(line, folder, details)}
        case MeasureName.MEMORY:
            sizes = {name: details[name] for name in MemoryRow.model_fields}
            return {"sizes": {name: size for name, size in sizes.items() if size is not None}}
    return {}


def _latency(
    line: Line, run: Run, details: Mapping[str, Any], rows: Sequence[SingleStreamRow]
) -> Latency:
    facts = run.description.jobs.get(line.task)
    times: dict[str, list[int]] = {}
    batches = details["clock"] == "time stamps of batches"
    for row in rows:
        if row.bracket:
            continue
        ticks = ticks_of(row.model_dump(exclude_none=True), batches=batches)
        times.setdefault(row.sample, []).extend(ticks)
    hertz = details["tick_hz"]
    by_input = {name: np.array(ticks, dtype=np.int64) for name, ticks in times.items()}
    together = np.concatenate(list(by_input.values()))
    effective = {}
    for percent, metric in _PERCENTILES.items():
        value = metrics.percentile(together / hertz, percent)
        _agree(line, run.folder, metric, line.metrics[metric], value)
        slower = [ticks > value * hertz + 0.5 for ticks in by_input.values()]
        effective[str(percent)] = round(effective_size(slower), 1)
    _agree(line, run.folder, "samples", line.samples, len(together))
    step = 1
    while any(len(np.unique(_rounded(ticks, step))) > DISTINCT for ticks in by_input.values()):
        step *= 2
    return Latency.model_validate(
        {
            "clock": details["clock"],
            "tick_hz": hertz,
            "step": step,
            "resolution_s": details.get("resolution_s"),
            "bracket_s": details.get("bracket_s"),
            "digits": Counter(len(str(row.start_us)) for row in rows if not row.bracket),
            "effective": effective,
            "instruction_s": facts.instruction_s if facts else None,
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


def _throughput(
    line: Line, folder: Path, details: Mapping[str, Any], rows: Sequence[ThroughputRow]
) -> dict[str, Window]:
    """The last window of each input: a shorter one before it only set the pace."""
    given = {name: details.get(name) for name in ("resolution_s", "bracket_s")}
    found = {
        row.sample: Window(
            inferences=row.count, device_s=row.seconds, digits=len(str(row.start_us)), **given
        )
        for row in rows
    }
    rate = metrics.throughput([(window.inferences, window.device_s) for window in found.values()])
    _agree(line, folder, "throughput_ips", line.metrics["throughput_ips"], rate)
    return found


def _energy(line: Line, folder: Path, details: Mapping[str, Any]) -> dict[str, Window]:
    """Of each input's window."""
    windows = [(one["inferences"], one["energy_j"]) for one in details["windows"]]
    _agree(line, folder, "energy_j", line.metrics["energy_j"], per_inference(windows))
    return {
        window["sample"]: Window(
            inferences=window["inferences"],
            device_s=window["device_s"],
            energy_j=window["energy_j"],
        )
        for window in details["windows"]
    }


def _quality(line: Line, folder: Path, rows: Sequence[AccuracyRow]) -> Quality:
    answers = {row.sample: row for row in rows}
    _agree(line, folder, "samples", line.samples, len(answers))
    by_name = [answers[name] for name in sorted(answers)]
    labels = np.array([row.label for row in by_name], dtype=np.int64)
    digests = [hashlib.sha256(json.dumps(row.scores).encode()).digest() for row in by_name]
    right = None
    if "top1" in line.metrics:
        scores = np.array([_mean(row.scores) for row in by_name])
        _agree(line, folder, "top1", line.metrics["top1"], metrics.top1(labels, scores))
        right = np.packbits(np.argmax(scores, axis=1) == labels).tobytes().hex()
    listed = "".join(f"{row.sample} {row.label}\n" for row in by_name)
    return Quality(
        samples=len(by_name),
        names_sha256=hashlib.sha256(listed.encode()).hexdigest(),
        outputs_sha256=hashlib.sha256(b"".join(digests)).hexdigest(),
        outputs="".join(base64.b64encode(digest[:3]).decode()[:2] for digest in digests),
        right=right,
    )


def _mean(scores: Sequence[Sequence[float]]) -> Sequence[float] | NDArray[np.float64]:
    """Of all inferences of a sample, which mostly is one."""
    return scores[0] if len(scores) == 1 else np.mean(scores, axis=0)


def _agree(line: Line, folder: Path, what: str, recorded: float, found: float) -> None:
    """Raise ConfigError where the record says something else than its raw answers."""
    if not abs(recorded - found) <= 1e-9 * abs(found):
        raise ConfigError(
            f"{folder}: the raw answers of {line.task} {line.measure} give {what} = {found:.9g}, "
            f"the record says {recorded:.9g}",
            hint=_VERIFY,
        )
