"""The files of a submission, made from raw answers; pure: texts come out, nothing is written.

Times in the logs are the device's own clock; they hold nothing that the run did not keep.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinyhil.catalog import metrics
from tinyhil.ground.text import shown
from tinyhil.publish.submission.names import CODE_MISSING, REHEARSAL
from tinyhil.publish.submission.recompute import Quality
from tinyhil.publish.submission.refusals import Request
from tinyhil.publish.submission.selection import Chosen, Measured
from tinyhil.publish.submission.system import OPTIONAL, REQUIRED
from tinyhil.record.schema import AccuracyRow

EMULATED = f"{REHEARSAL}, emulated: times are instruction counts"
_TIMES_A_LINE = 200
_MAX_TEXT = 8000


def mark(request: Request, emulated: bool) -> str:
    """What a rehearsal calls itself; empty for a submission."""
    if not request.rehearsal:
        return ""
    return EMULATED if emulated else f"{REHEARSAL}, not to be handed in"


def description(request: Request, emulated: bool) -> str:
    """``systems/<system>.json``."""
    given = {key: request.system.description.get(key, "") for key in (*REQUIRED, *OPTIONAL)}
    values: dict[str, Any] = {
        "Submitter": given.pop("Submitter"),
        "Division": request.division.capitalize(),
        "Status": request.status,
        **given,
    }
    rehearsal = mark(request, emulated)
    if rehearsal:
        values["Rehearsal"] = rehearsal
        values["Board Name"] = f"{values['Board Name']} ({rehearsal})"
        notes = values["Hardware Notes"]
        values["Hardware Notes"] = f"{rehearsal}. {notes}" if notes else rehearsal
    if request.division == "open":
        values["Models"] = {task: model.name for task, model in request.system.models.items()}
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def accuracy_files(chosen: Chosen, found: Quality, rehearsal: str) -> dict[str, str]:
    """The files of the accuracy test, by name."""
    assert chosen.accuracy
    lines = list(head_lines(chosen, chosen.accuracy, rehearsal))
    entries: list[dict[str, Any]] = []
    for row in chosen.samples:
        lines += _sample_lines(chosen, row)
        entries += _sample_entries(chosen, row)
    summary = []
    if found.top1 is not None:
        summary.append(f"Top 1% = {100 * found.top1:.1f}")
    summary.append(f"AUC = {found.auc:.3f}")
    return {
        "log.txt": "".join(lines),
        "results.txt": summary_text(lines[-1], summary, rehearsal),
        "results.json": json.dumps(entries) + "\n",
    }


def performance_files(chosen: Chosen, rehearsal: str) -> dict[str, str]:
    """The files of the performance test, by name: throughput, and single queries where made."""
    assert chosen.throughput
    labels = {row.sample: row.label for row in chosen.samples}
    lines = list(head_lines(chosen, chosen.throughput, rehearsal))
    entries, summary = [], []
    for number, row in enumerate(chosen.windows, start=1):
        stamps = (row.start_us, row.end_us)
        lines.append(load_line(row.start_us, row.sample, 0, labels.get(row.sample)))
        lines += infer_lines(row.count, stamps)
        entries.append(
            entry_of(chosen, row.sample, labels.get(row.sample), row.count, stamps, None)
        )
        summary += [
            f"Performance results for window {number}:",
            f"  # Inferences : {row.count:>12}",
            f"  Runtime      : {row.seconds:>12.3f} sec.",
            f"  Throughput   : {row.count / row.seconds:>12.3f} inf./sec.",
        ]
    rate = metrics.throughput([(row.count, row.seconds) for row in chosen.windows])
    summary.append(f"Median throughput is {rate:>10.3f} inf./sec.")
    if chosen.single_stream:
        lines += _query_lines(chosen, labels)
        times = np.array([seconds for _, seconds in chosen.times], dtype=np.float64)
        summary += [
            f"Latency p{percent} is {metrics.percentile(times, percent):.9f} sec. "
            f"({len(times)} single queries)"
            for percent in metrics.PERCENTILES
        ]
    return {
        "log.txt": "".join(lines),
        "results.txt": summary_text(lines[-1], summary, rehearsal),
        "results.json": json.dumps(entries) + "\n",
    }


def readme(tasks: Mapping[str, Chosen], rehearsal: str) -> str:
    """``code/<system>/README.md``: what ran, by its sums."""
    rows = [
        f"| {name} | {one.line.measure} | {shown(one.run.name)} "
        f"| {one.line.firmware_sha256 or 'not seen'} "
        f"| {one.line.model_sha256 or 'declared in the description'} |"
        for name, chosen in tasks.items()
        for one in chosen.measured
    ]
    head = ["task", "measure", "run", "firmware, SHA-256 of the image", "model, SHA-256"]
    lines = [
        "# Code of this system",
        "",
        *([f"**{rehearsal}**", ""] if rehearsal else []),
        f"{CODE_MISSING} These images were measured:",
        "",
        f"| {' | '.join(head)} |",
        f"|{' --- |' * len(head)}",
        *rows,
        "",
    ]
    return "\n".join(lines)


def head_lines(chosen: Chosen, measured: Measured, rehearsal: str) -> Iterator[str]:
    if rehearsal:
        yield log_line(0, f"m-rehearsal-[{rehearsal}]")
    yield log_line(0, f"m-task-[{chosen.task.name}]")
    line = measured.line
    yield log_line(0, f"m-run-[{measured.run.name}]-measure[{line.measure}]")
    yield log_line(0, f"m-firmware-sha256-[{line.firmware_sha256 or 'not seen'}]")
    yield log_line(0, "times are the device's clock; written from the run's raw answers")


def _stamps(row: AccuracyRow) -> list[tuple[int, int] | None]:
    """None where there are none, or the clock began anew between them: they are no figure."""
    pairs = row.stamps_us or (None,) * len(row.scores)
    return [pair if pair and pair[0] <= pair[1] else None for pair in pairs]


def _sample_lines(chosen: Chosen, row: AccuracyRow) -> Iterator[str]:
    stride = chosen.task.input.stride_bytes or 0
    for number, (scores, pair) in enumerate(zip(row.scores, _stamps(row), strict=False)):
        yield load_line(pair[0] if pair else 0, row.sample, number * stride, row.label)
        yield from infer_lines(1, pair)
        text = ",".join(f"{score:.3f}" for score in scores)
        yield log_line(pair[1] if pair else 0, f"m-results-[{text}]", "dut")


def _sample_entries(chosen: Chosen, row: AccuracyRow) -> Iterator[dict[str, Any]]:
    for scores, pair in zip(row.scores, _stamps(row), strict=False):
        yield entry_of(chosen, row.sample, row.label, 1, pair, scores)


def _query_lines(chosen: Chosen, labels: Mapping[str, int]) -> Iterator[str]:
    assert chosen.single_stream
    yield log_line(0, f"m-run-[{chosen.single_stream.run.name}]-measure[single_stream]")
    for row in chosen.queries:
        yield load_line(0, row.sample, 0, labels.get(row.sample))
        yield log_line(0, f"m-latency-unit-[{row.unit}]")
        for first in range(0, len(row.times), _TIMES_A_LINE):
            times = ",".join(map(str, row.times[first : first + _TIMES_A_LINE]))
            yield log_line(0, f"m-latency-[{times}]")


def entry_of(
    chosen: Chosen,
    sample: str,
    label: int | None,
    count: int,
    stamps: tuple[int, int] | None,
    scores: tuple[float, ...] | None,
) -> dict[str, Any]:
    """An entry as the official runner writes it, as far as the run knows."""
    infer: dict[str, Any] = {"iterations": count, "total_inferences": 1}
    if stamps:
        infer |= {"start_time": stamps[0], "end_time": stamps[1]}
        infer["elapsed_time"] = stamps[1] - stamps[0]
    if stamps and scores is None:
        infer["throughput"] = count / (stamps[1] - stamps[0]) * 1e6
    if scores is not None:
        infer["results"] = scores
    size = chosen.task.input
    return {
        "file": sample,
        "classes": str(len(chosen.task.classes)),
        **({} if label is None else {"class": str(label)}),
        "bytes_to_send": size.window_bytes and str(size.window_bytes),
        "stride": size.stride_bytes and str(size.stride_bytes),
        "infer": infer,
        "mode": "p" if scores is None else "a",
    }


def load_line(microseconds: int, sample: str, offset: int, label: int | None) -> str:
    of_class = "" if label is None else f" of class {label}"
    return log_line(microseconds, f"Loading file {sample} at byte {offset}{of_class}")


def infer_lines(count: int, stamps: tuple[int, int] | None) -> Iterator[str]:
    start, end = stamps or (0, 0)
    yield log_line(start, f"m-infer-start-{count}", "dut")
    if stamps:
        yield log_line(start, f"m-lap-us-{start}", "dut")
        yield log_line(end, f"m-lap-us-{end}", "dut")
    yield log_line(end, "m-infer-done", "dut")


def summary_text(last: str, texts: list[str], rehearsal: str) -> str:
    """``results.txt``; each figure has the text before it that the official checker wants."""
    time = last.split(" ", 1)[0]
    source = "rehearsal" if rehearsal else "tinyhil"
    head = [rehearsal] if rehearsal else []
    return "".join(f"{time} {source}: {text}\n" for text in head + texts)


def log_line(microseconds: int, text: str, source: str = "tinyhil") -> str:
    return f"{microseconds * 1e-6:09.3f} {source}: {shown(text, _MAX_TEXT)}\n"
