"""Run folders as a real board would leave them, made up answer by answer, for submission trees.

The samples' names are the pinned ones; classes, scores and times are made up by a rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tinyhil.catalog import metrics
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.data.material import LABELS
from tinyhil.data.pins import load_pins
from tinyhil.record import Configuration, Entry, Record, Subject

from .energy_runs import keep_energy

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SYSTEM = """
system = "desk-board"
[description]
"Submitter" = "An Org"
"Board Name" = "Desk board"
"Processor(s) Name" = "Arm Cortex-M4F"
"Processor(s) Frequencies" = "120 MHz"
"Inference Framework" = "tinyhil"
"""

ACCURACY, THROUGHPUT = (MeasureName.ACCURACY,), (MeasureName.THROUGHPUT,)
"""One measure alone."""


@dataclass(frozen=True)
class Device:
    """How a made-up device is and answers."""

    board: str = "desk-board"
    station: str = "desk-board"
    emulated: bool = False
    link: str = "serial"
    data_set: str = "official"
    model_sha256: str | None = "official"
    """`official` stands for the task's own."""
    firmware_sha256: str = "f1" * 32
    samples: int | None = None
    """The first of the set only."""
    wrong_every: int = 20
    """Of how many samples one is answered wrongly."""
    inference_s: float = 0.1
    window_s: float = 10.5
    queries: int = 1025
    measures: tuple[MeasureName, ...] = (*ACCURACY, *THROUGHPUT, MeasureName.SINGLE_STREAM)
    modelled: bool = False
    """Whether its power monitor plays a model."""
    recorded: Mapping[Metric, float] = field(default_factory=dict)
    """Figures of the record that are not what the answers give."""
    started: datetime = STARTED


def write_run(runs: Path, names: tuple[str, ...], device: Device) -> Path:
    """Write one run of these tasks; returns its folder."""
    record = Record.start(runs, Configuration(station=device.station, board=device.board))
    for name in names:
        task = load_tasks()[name]
        samples = _samples(task)[: device.samples]
        for measure in device.measures:
            _MEASURES[measure](record, task, samples, device)
    return record.folder


def system_file(folder: Path, text: str = SYSTEM) -> Path:
    """The description of a system."""
    path = folder / "system.toml"
    path.write_text(text)
    return path


def _samples(task: Task) -> list[str]:
    return [name for name in load_pins(task.name) if name != LABELS]


def _accuracy(record: Record, task: Task, samples: list[str], device: Device) -> None:
    labels, scores = [], []
    windows = len(task.input.windows(bytes(task.input.bytes)))
    clock = 1_000_000
    for number, name in enumerate(samples):
        label = number % len(task.classes)
        wrong = number % device.wrong_every == 0
        answer = _answer(task, (label + wrong) % len(task.classes), number)
        stamps = [(clock, clock + 100_000)] * windows
        clock += 200_000
        row = {"sample": name, "label": label, "scores": [answer] * windows, "stamps_us": stamps}
        record.keep(f"{task.name}-accuracy", row)
        labels.append(label)
        scores.append(answer)
    found: dict[Metric, float] = {}
    rows, classes = np.array(scores), np.array(labels)
    if task.result == "scores":
        found["top1"] = metrics.top1(classes, rows)
    area = metrics.auc(classes, rows)
    if area is not None:
        found["auc"] = area
    count = len(samples) * windows
    details = {"inferences": count, "inferences_of_the_full_set": count}
    _append(record, task, device, MeasureName.ACCURACY, found, len(samples), details)


def _answer(task: Task, said: int, number: int) -> list[float]:
    if task.result != "scores":
        return [round(8.0 + 5.0 * said + number % 7 / 4, 3)]
    rest = 0.1 / (len(task.classes) - 1)
    return [round(0.9 if index == said else rest, 3) for index in range(len(task.classes))]


def _throughput(record: Record, task: Task, samples: list[str], device: Device) -> None:
    windows, clock = [], 5_000_000
    count = round(device.window_s / device.inference_s)
    for name in samples[:5]:
        end = clock + round(device.window_s * 1e6)
        row = {"sample": name, "count": count, "start_us": clock, "end_us": end}
        record.keep(f"{task.name}-throughput", row)
        windows.append((count, (end - clock) * 1e-6))
        clock = end + 1000
    found: dict[Metric, float] = {"throughput_ips": metrics.throughput(windows)}
    details = {"windows": [{"inferences": count, "device_s": s} for count, s in windows]}
    _append(record, task, device, MeasureName.THROUGHPUT, found, 5 * count, details)


def _single_stream(record: Record, task: Task, samples: list[str], device: Device) -> None:
    times = []
    for number, name in enumerate(samples[:5]):
        share = device.queries // 5
        own = [round(device.inference_s * 1e6) + number + query % 3 for query in range(share)]
        stamps = {"start_us": 0, "end_us": sum(own)}
        row = {"sample": name, "times": own, "unit": "us", **stamps}
        record.keep(f"{task.name}-single_stream", row)
        times += [time / 1e6 for time in own]
    p50, p90, p99 = (metrics.percentile(np.array(times), percent) for percent in (50, 90, 99))
    found: dict[Metric, float] = {"latency_p50_s": p50, "latency_p90_s": p90, "latency_p99_s": p99}
    details = {"clock": "time stamps", "tick_hz": 10**6, "device_s": sum(times)}
    _append(record, task, device, MeasureName.SINGLE_STREAM, found, len(times), details)


def _energy(record: Record, task: Task, samples: list[str], device: Device) -> None:
    used = keep_energy(record, task.name, samples[:5], modelled=device.modelled, lost=3)
    _append(record, task, device, MeasureName.ENERGY, used.metrics, 500, used.details)


_MEASURES = {
    MeasureName.ACCURACY: _accuracy,
    MeasureName.THROUGHPUT: _throughput,
    MeasureName.SINGLE_STREAM: _single_stream,
    MeasureName.ENERGY: _energy,
}


def _append(
    record: Record,
    task: Task,
    device: Device,
    measure: MeasureName,
    found: Mapping[Metric, float],
    samples: int,
    details: Mapping[str, Any],
) -> None:
    model = task.official.model_sha256 if device.model_sha256 == "official" else device.model_sha256
    subject = Subject(
        device.board, device.station, "cortex-m4", device.emulated, task.name, device.link,
        "closed", device.data_set, "da7a" * 16, model, device.firmware_sha256,
    )  # fmt: skip
    own = {metric: device.recorded.get(metric, value) for metric, value in found.items()}
    minutes = list(_MEASURES).index(measure)
    entry = Entry(
        subject, measure, samples, own, (), details, device.started + timedelta(minutes=minutes), 1
    )
    record.append(entry)
