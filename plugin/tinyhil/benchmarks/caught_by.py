"""What a run's own checks, and its audits, have against a device that is asked here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from tinyhil.catalog.rules import Rules
from tinyhil.catalog.task import Task
from tinyhil.data.material import Sample
from tinyhil.device.info import DeviceInfo
from tinyhil.device.queries import Queries
from tinyhil.measure import measures as measure
from tinyhil.measure.audit import AUDITS, Asker, Report, Setting, always
from tinyhil.measure.witness import Proof
from tinyhil.record.rows import Row


def checked(
    queries: Queries,
    info: DeviceInfo,
    material: tuple[Task, Sequence[Sample]],
    rules: Rules,
    proofs: dict[str, Proof],
) -> dict[str, Report]:
    """What the measures of a default run have against themselves.

    Args:
        queries: the way to ask the device.
        info: what it said about itself.
        material: the task and its samples.
        rules: of performance measurements.
        proofs: how each measure's answers are proved, by its name: ``accuracy``, ``latency`` or
            ``throughput``; they are made in this order.
    """
    task, samples = material
    found, known = dict[str, Report](), dict[str, tuple[float, ...]]()
    inputs = measure.performance_inputs(task, samples)
    for name, proof in proofs.items():
        rows: list[Row] = []
        silent = rows.append, lambda *_: None
        match name:
            case "accuracy":
                measure.accuracy(queries, task, samples, *silent, proof=proof)
            case "latency":
                measure.single_stream(queries, info, inputs, rules, *silent, proof=proof)
            case _:
                measure.throughput(queries, inputs, rules, *silent, proof=proof)
        report = always.judge(rows, known)
        known |= always.remember(rows)
        assert report is not None, "the rows have a heading"
        found[name] = report
    return found


def objections(
    queries: Queries,
    setting: Callable[[], Setting],
    tick_hz: int | None,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[str, str]]:
    """Name and first objection of each audit that objects; those behind are asked only when wanted.

    Args:
        queries: the way to ask the device.
        setting: makes each audit's.
        tick_hz: of the laps that the device tells; None where it tells none.
        now: the host's clock, in seconds.
    """
    for name, audit in AUDITS.items():
        rows: list[Row] = []
        audit.ask(Asker(queries, tick_hz, rows.append, now), setting())
        report = audit.report(rows)
        if report.objections:
            yield f"audit of {name}", report.objections[0].seen
