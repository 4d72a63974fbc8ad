"""What the rules forbid to export: everything at once, each with the rule's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tinyhil.catalog import metrics
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.units import station_label
from tinyhil.ground.tree import Unreadable
from tinyhil.publish.submission import rules
from tinyhil.publish.submission.labels import list_of
from tinyhil.publish.submission.recompute import Quality, quality
from tinyhil.publish.submission.selection import Chosen, Measured, Selection
from tinyhil.publish.submission.session_log import Inference
from tinyhil.publish.submission.system import System
from tinyhil.record import FAULTS_MARK


@dataclass(frozen=True)
class Refusal:
    """One thing that forbids the export."""

    what: str
    """Naming the task, run or field."""
    rule: str
    """Which one, and where it stands."""


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    system: System
    division: str
    status: str
    """The category: Available, Preview or RDI."""
    rehearsal: bool


def refusals(selection: Selection, request: Request) -> tuple[Refusal, ...]:
    """Hold everything that would be exported against every rule."""
    found = list(_system(request))
    if not selection.tasks:
        found.append(Refusal("the runs hold no measurement", rules.BOTH_TESTS))
    lines = [one.line for task in selection.tasks for one in task.measured]
    stations = sorted({station_label(line.station, line.board) for line in lines})
    if len(stations) > 1:
        found.append(Refusal(f"the runs are of {', '.join(stations)}", rules.ONE_SYSTEM))
    for failed in selection.failed:
        line = failed.line
        what = f"{line.task} {line.measure} of {failed.run.name} ended with an error"
        found.append(Refusal(what, rules.BOTH_TESTS))
    for chosen in selection.tasks:
        for check in _CHECKS:
            found += check(chosen, request)
    return tuple(dict.fromkeys(found))


def measured_quality(chosen: Chosen) -> Quality:
    """Top-1 and AUC of the raw answers.

    Raises:
        Unreadable: they are not answers of this task.
    """
    inferences = [
        Inference(row.sample, number, 1, None, scores)
        for number, row in enumerate(chosen.samples, start=1)
        for scores in row.scores
    ]
    return quality(chosen.task, inferences, {row.sample: row.label for row in chosen.samples})


def _system(request: Request) -> Iterator[Refusal]:
    for key in request.system.missing:
        yield Refusal(f"the system's description lacks '{key}'", rules.SYSTEM)
    asked = {"Division": request.division, "Status": request.status}
    for key, value in asked.items():
        own = request.system.description.get(key, "").strip()
        if own and own.lower() != value.lower():
            yield Refusal(
                f"the system's description says {key} '{own}', the command '{value}'", rules.SYSTEM
            )


def _origin(chosen: Chosen, request: Request) -> Iterator[Refusal]:
    name = chosen.task.name
    for one in chosen.measured:
        where = f"{name} {one.line.measure} of {one.run.name}"
        if one.line.emulated and not request.rehearsal:
            yield Refusal(f"{where} is emulated; --rehearsal writes it, marked", rules.PHYSICAL)
        if one.line.data_set != "official" and not _later_list(chosen):
            yield Refusal(f"{where} ran on {one.line.data_set} data", rules.OFFICIAL_DATA)
        if FAULTS_MARK in one.line.link:
            yield Refusal(f"{where} ran over a link with faults on purpose", rules.EVIDENCE)
    # For energy the firmware is built to mark time by a pin: it is another image.
    timed = [one for one in chosen.measured if one is not chosen.energy]
    if len({one.line.firmware_sha256 for one in timed}) > 1:
        yield Refusal(f"{name}: accuracy and performance ran different images", rules.ONE_SYSTEM)


def _later_list(chosen: Chosen) -> bool:
    """Whether the accuracy is of the list that rounds use today, and every class is its own.

    The images of that list have no pinned sums, so a run calls them custom.
    """
    labels = {row.sample: row.label for row in chosen.samples}
    used = list_of(chosen.task, labels)
    return used is not None and bool(used.classes) and labels == dict(used.classes)


def _model(chosen: Chosen, request: Request) -> Iterator[Refusal]:
    task, declared = chosen.task, request.system.models.get(chosen.task.name)
    told = {one.line.model_sha256 for one in chosen.measured}
    if len(told) > 1:
        yield Refusal(f"{task.name}: the measures ran different models", rules.ONE_SYSTEM)
    if declared and declared.sha256 and told - {None, declared.sha256}:
        what = f"{task.name}: the runs' model is not the one that the description declares"
        yield Refusal(what, rules.EVIDENCE)
    if request.division == "open":
        if not (declared and declared.name):
            what = f"{task.name}: the description names no model (models.{task.name}.name)"
            yield Refusal(what, rules.OPEN_MODEL)
        return
    for model in sorted(told, key=str):
        sha256 = model or (declared.sha256 if declared else "")
        if not sha256:
            what = (
                f"{task.name}: the firmware does not report its model; declare it in the "
                f"description (models.{task.name}.sha256)"
            )
            yield Refusal(what, rules.CLOSED_MODEL)
        elif sha256 != task.official.model_sha256:
            yield Refusal(f"{task.name} ran another model ({sha256[:16]}…)", rules.CLOSED_MODEL)


def _complete(chosen: Chosen, _: Request) -> Iterator[Refusal]:
    if chosen.accuracy is None:
        yield Refusal(f"{chosen.task.name} has no accuracy", rules.BOTH_TESTS)
    if chosen.throughput is None:
        yield Refusal(f"{chosen.task.name} has no throughput", rules.BOTH_TESTS)


def _length(chosen: Chosen, _: Request) -> Iterator[Refusal]:
    name = chosen.task.name
    windows = [(row.sample, row.count, row.seconds) for row in chosen.windows]
    if chosen.throughput:
        for problem in rules.window_problems(windows):
            yield Refusal(f"{name} throughput, perhaps a quick run: {problem}", rules.WINDOWS)
    if chosen.single_stream:
        for problem in rules.single_stream_problems(chosen.times):
            what = f"{name} single stream, perhaps a quick run: {problem}"
            yield Refusal(what, rules.SINGLE_STREAM)
    if chosen.used:
        timed = [(one.sample, one.count, one.window.seconds) for one in chosen.used.windows]
        for problem in rules.window_problems(timed):
            yield Refusal(f"{name} energy, perhaps a quick run: {problem}", rules.WINDOWS)
    if chosen.accuracy:
        inferences = {row.sample: len(row.scores) for row in chosen.samples}
        for problem in rules.sample_problems(chosen.task, inferences):
            what = f"{name} accuracy, perhaps a quick run: {problem}"
            if "windows" in problem:
                what += "; pytest infers all of them with --hil-all-windows"
            yield Refusal(what, rules.WHOLE_SET)


def _quality(chosen: Chosen, request: Request) -> Iterator[Refusal]:
    if chosen.accuracy is None:
        return
    name = chosen.task.name
    try:
        found = measured_quality(chosen)
    except Unreadable as error:
        yield Refusal(f"{name} accuracy: {error}", rules.EVIDENCE)
        return
    yield from _follows(chosen.accuracy, "top1", found.top1)
    yield from _follows(chosen.accuracy, "auc", found.auc)
    if request.division == "closed":
        for problem in rules.target_problems(chosen.task, found.top1, found.auc):
            yield Refusal(f"{name}: {problem}", rules.TARGET)


def _speed(chosen: Chosen, _: Request) -> Iterator[Refusal]:
    if chosen.throughput and chosen.windows:
        if any(row.end_us <= row.start_us for row in chosen.windows):
            yield Refusal(f"{chosen.task.name}: a window took no time", rules.EVIDENCE)
            return
        rate = metrics.throughput([(row.count, row.seconds) for row in chosen.windows])
        yield from _follows(chosen.throughput, "throughput_ips", rate)
    if chosen.energy and chosen.used:
        yield from _follows(chosen.energy, "energy_j", chosen.used.energy_j)
    if chosen.single_stream and chosen.times:
        times = np.array([time for _, time in chosen.times], dtype=np.float64)
        p90 = metrics.percentile(times, 90)
        yield from _follows(chosen.single_stream, "latency_p90_s", p90)


def _follows(measured: Measured, metric: Metric, value: float | None) -> Iterator[Refusal]:
    """A figure of the record must be the one that the raw answers give."""
    recorded = measured.line.metrics.get(metric)
    if recorded is None and value is None:
        return
    if recorded is None or value is None or abs(recorded - value) > 1e-9 * abs(value):
        what = (
            f"{measured.line.task} {metric} of {measured.run.name} is recorded as {recorded}, "
            f"the raw answers give {value}"
        )
        yield Refusal(what, rules.EVIDENCE)


_CHECKS: tuple[Callable[[Chosen, Request], Iterator[Refusal]], ...] = (
    _origin,
    _model,
    _complete,
    _length,
    _quality,
    _speed,
)
