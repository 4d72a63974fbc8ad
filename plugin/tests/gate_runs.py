"""Run folders as a run leaves them, with the times, sizes and answers that a test wants."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyhil.catalog import metrics
from tinyhil.catalog.board import load_boards
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.verdict import judge
from tinyhil.record import Configuration, Entry, ImageSizes, JobFacts, KeptSums, Record, Subject
from tinyhil.record.kept import facts_of_board
from tinyhil.record.recovery import Step, as_details

EMULATED = Subject(
    "mps2-an386", "mps2-an386", "cortex-m4", True, "kws01", "serial", "none", "stand-in",
    "da7a" * 16, "30de" * 16, "f1" * 32,
)  # fmt: skip
SILICON = replace(EMULATED, board="nucleo-l4r5zi", station="desk", emulated=False)

TICK_HZ = 25_000_000
_STACK = 4096
INPUTS = tuple(f"sample_{number}.bin" for number in range(5))
_STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _times() -> dict[str, NDArray[np.int64]]:
    """Of a firmware that takes 166 ms, the first query after a pause 16 ticks less."""
    times = np.full(205, 4_150_165)
    times[::11] = 4_150_149
    return dict.fromkeys(INPUTS, times)


def _windows() -> dict[str, tuple[int, float]]:
    return dict.fromkeys(INPUTS, (62, 62 * 0.1660066))


def answers(samples: int = 100, wrong: int = 4) -> dict[str, tuple[int, list[float]]]:
    """Label and scores of each sample; the last ones are wrong."""
    found = {}
    for number in range(samples):
        label = number % 3
        chosen = (label + 1) % 3 if number >= samples - wrong else label
        found[f"{number:04}.bin"] = (label, [0.9 if c == chosen else 0.05 for c in range(3)])
    return found


@dataclass(frozen=True)
class Content:
    """What a run measured."""

    subject: Subject = EMULATED
    ticks: Mapping[str, NDArray[np.int64]] = field(default_factory=_times)
    tick_hz: int = TICK_HZ
    windows: Mapping[str, tuple[int, float]] = field(default_factory=_windows)
    energies: Mapping[str, float] | None = None
    """Of each window, in joules."""
    answers: Mapping[str, tuple[int, list[float]]] = field(default_factory=answers)
    inferences: int | None = None
    """If not all windows of the samples were inferred."""
    text: int = 45_336
    bss: int = 53_076
    stack: int = 372
    build_id: str | None = None
    leave_out: Sequence[str] = ()
    """Measures that were not made."""
    error: str | None = None
    """What ended the single-stream measure."""
    recovery: Sequence[Step] = ()
    """What brought the board back in the middle of the accuracy measure."""


def write(runs: Path, content: Content) -> Path:
    """Write a run folder."""
    subject = content.subject
    record = Record.start(runs, Configuration(station=subject.station, board=subject.board))
    board = facts_of_board(load_boards()[subject.board])
    facts = JobFacts(
        subject=subject,
        kept=KeptSums(board=hashlib.sha256(board).hexdigest(), task="7a" * 32, labels="1a" * 32),
        image=ImageSizes(text=content.text, data=0, bss=content.bss + _STACK),
        samples=len(content.answers),
        build_id=content.build_id,
        limits={},
        instruction_s=32e-9 if subject.emulated else None,
    )
    record.begin(facts, [board])
    for measure, writer in _WRITERS.items():
        if measure not in content.leave_out:
            writer(record, content)
    record.close()
    return record.folder


def _append(
    record: Record,
    content: Content,
    measure: MeasureName,
    samples: int,
    found: Mapping[Metric, float],
    details: Mapping[str, Any],
    error: str | None = None,
) -> None:
    verdicts = () if error else judge(found, {})
    made = Entry(content.subject, measure, samples, found, verdicts, details, _STARTED, 1.0, error)
    record.append(made)


def _accuracy(record: Record, content: Content) -> None:
    for name, (label, scores) in content.answers.items():
        row = {"sample": name, "label": label, "scores": [scores], "stamps_us": [[0, 1]]}
        record.keep(f"{content.subject.task}-accuracy", row)
    labels = np.array([label for label, _ in content.answers.values()])
    table = np.array([scores for _, scores in content.answers.values()])
    area = metrics.auc(labels, table)
    assert area is not None
    found: dict[Metric, float] = {"top1": metrics.top1(labels, table), "auc": area}
    count = len(labels)
    details = {
        "inferences": content.inferences or count,
        "inferences_of_the_full_set": count,
        **as_details(content.recovery),
    }
    _append(record, content, MeasureName.ACCURACY, count, found, details)


def _single_stream(record: Record, content: Content) -> None:
    for name, ticks in content.ticks.items():
        for batch in np.array_split(ticks, 5):
            row = {
                "sample": name,
                "times": batch.tolist(),
                "unit": f"ticks of 1/{content.tick_hz} s",
                "start_us": 0,
                "end_us": 1,
            }
            record.keep(f"{content.subject.task}-single_stream", row)
    times = np.concatenate(list(content.ticks.values())) / content.tick_hz
    p50, p90, p99 = (metrics.percentile(times, percent) for percent in metrics.PERCENTILES)
    found: dict[Metric, float] = {"latency_p50_s": p50, "latency_p90_s": p90, "latency_p99_s": p99}
    if content.subject.emulated:
        found["instructions"] = round(p90 / 32e-9)
    details = {
        "clock": "timer", "tick_hz": content.tick_hz, "device_s": round(float(times.sum()), 6),
        "inputs": len(content.ticks),
    }  # fmt: skip
    if content.error:
        _append(record, content, MeasureName.SINGLE_STREAM, len(times), {}, {}, content.error)
    else:
        _append(record, content, MeasureName.SINGLE_STREAM, len(times), found, details)


def _throughput(record: Record, content: Content) -> None:
    for name, (count, seconds) in content.windows.items():
        row = {"sample": name, "count": count, "start_us": 0, "end_us": round(seconds * 1e6)}
        record.keep(f"{content.subject.task}-throughput", row)
    windows = [(count, round(seconds * 1e6) * 1e-6) for count, seconds in content.windows.values()]
    details = {"windows": [{"inferences": count, "device_s": s} for count, s in windows]}
    found: dict[Metric, float] = {"throughput_ips": metrics.throughput(windows)}
    _append(
        record, content, MeasureName.THROUGHPUT, sum(count for count, _ in windows), found, details
    )


def _memory(record: Record, content: Content) -> None:
    sizes = {
        "text": content.text, "data": 0, "bss": content.bss, "arena": 16_528,
        "stack_used": content.stack, "stack_reserved": _STACK,
    }  # fmt: skip
    record.keep(f"{content.subject.task}-memory", sizes)
    found: dict[Metric, float] = {
        "flash_bytes": content.text,
        "ram_bytes": content.bss + content.stack,
    }
    _append(record, content, MeasureName.MEMORY, 1, found, sizes)


def _energy(record: Record, content: Content) -> None:
    if content.energies is None:
        return
    rows = []
    for name, joules in content.energies.items():
        count, seconds = content.windows[name]
        rows.append({"sample": name, "inferences": count, "device_s": seconds, "energy_j": joules})
        record.keep(f"{content.subject.task}-energy", {"sample": name, "count": count})
    each = [joules / content.windows[name][0] for name, joules in content.energies.items()]
    _append(
        record,
        content,
        MeasureName.ENERGY,
        sum(content.windows[name][0] for name in content.energies),
        {"energy_j": float(np.median(each))},
        {"windows": rows},
    )


_WRITERS = {
    MeasureName.ACCURACY: _accuracy,
    MeasureName.SINGLE_STREAM: _single_stream,
    MeasureName.THROUGHPUT: _throughput,
    MeasureName.MEMORY: _memory,
    MeasureName.ENERGY: _energy,
}
