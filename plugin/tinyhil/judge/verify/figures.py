"""Figures of a measure, made again from its rows; what the record must say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tinyhil.catalog import metrics
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.rules import PERFORMANCE_INPUTS, QUICK, Rules
from tinyhil.catalog.verdict import Margin
from tinyhil.measure.audit import AUDITS, always
from tinyhil.measure.audit.answers import Scores
from tinyhil.measure.energy.result import energy_of
from tinyhil.record.description import JobFacts
from tinyhil.record.rows import (
    NO_STACK,
    Row,
    accuracy_of,
    plain,
    single_stream_of,
    throughput_of,
)
from tinyhil.record.schema import SingleStreamRow


@dataclass(frozen=True)
class Figures:
    """What the rows of a measure give."""

    samples: int
    metrics: Mapping[Metric, float]
    details: Mapping[str, Any]
    """Those of the record's details that rows decide."""
    unjudged: bool = False
    """Whether it may not be judged, with any limits."""
    objections: tuple[str, ...] = ()
    """What is against the rules of measuring."""
    errors: Mapping[Metric, Margin] = field(default_factory=dict)
    """See `verdict.judge`."""
    unknown: Mapping[Metric, str] = field(default_factory=dict)
    """See `verdict.judge`."""


def figures(
    measure: MeasureName,
    rows: Sequence[Row],
    facts: JobFacts,
    told: Mapping[str, Any],
    *,
    quick: bool,
    known: dict[str, Scores],
    raw: Path,
) -> Figures | None:
    """Make the figures of a measure again.

    Args:
        measure: its name.
        rows: all of them, at least one.
        facts: what its task is measured with.
        told: the record's details, for what no row holds.
        quick: whether the run was a quick one.
        known: answers of the measures before, by sample; this one's are added.
        raw: the run's raw folder, with the samples of a power monitor.

    Returns:
        None for a measure of which this version makes none.

    Raises:
        TinyhilError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError: rows
            that give no figure.
    """
    rules = QUICK if quick else Rules()
    match measure:
        case MeasureName.ACCURACY:
            return _checked(_accuracy(plain(rows), facts, told), rows, known)
        case MeasureName.SINGLE_STREAM:
            return _checked(_single_stream(plain(rows), facts, rules, told), rows, known)
        case MeasureName.THROUGHPUT:
            return _checked(_throughput(plain(rows), rules), rows, known)
        case MeasureName.MEMORY:
            return _memory(rows, facts)
        case MeasureName.ENERGY:
            return _energy(rows, rules, raw)
    return _audit(measure, rows)


def _checked(made: Figures, rows: Sequence[Row], known: dict[str, Scores]) -> Figures:
    """With what a measure's own checks have against it."""
    report = always.judge(rows, known)
    known.update(always.remember(rows))
    if report is None:
        return made
    checks = json.loads(json.dumps(report.as_json()))
    return replace(made, details={**made.details, "checks": checks})


def _accuracy(rows: Sequence[Row], facts: JobFacts, told: Mapping[str, Any]) -> Figures:
    result = accuracy_of(rows)
    found: dict[Metric, float] = {}
    right = facts.subject.data_set != "random"  # Whether anybody knows the right answers.
    if right and result.scores.shape[1] > 1:
        found["top1"] = metrics.top1(result.labels, result.scores)
    area = metrics.auc(result.labels, result.scores) if right else None
    if area is not None:
        found["auc"] = area
    doubled = len(result.names) - len(set(result.names))
    return Figures(
        samples=len(rows),
        metrics=found,
        details={"inferences": result.inferences},
        unjudged=told.get("inferences_of_the_full_set") != result.inferences,
        objections=(f"{doubled} samples are there twice",) if doubled else (),
    )


def _single_stream(
    rows: Sequence[Row], facts: JobFacts, rules: Rules, told: Mapping[str, Any]
) -> Figures:
    units = {row["unit"] for row in rows}
    if len(units) > 1:
        raise ValueError("its rows have different units")
    hertz = SingleStreamRow.model_validate(rows[0]).hertz
    result = single_stream_of(rows, None if "us" in units else hertz)
    p50, p90, p99 = (metrics.percentile(result.times_s, percent) for percent in (50, 90, 99))
    found: dict[Metric, float] = {"latency_p50_s": p50, "latency_p90_s": p90, "latency_p99_s": p99}
    if facts.instruction_s:
        # Of the 90th percentile in runs from before a gate and a run had the same.
        of_s = float(result.times_s.mean()) if "instructions_of" in told else p90
        found["instructions"] = round(of_s / facts.instruction_s)
    elif "us" not in units and hertz == told.get("running", {}).get("core_hz"):
        found["cycles"] = round(float(result.times_s.mean()) * hertz)
    seconds = float(result.times_s.sum())
    details: dict[str, Any] = {
        "clock": result.clock,
        "tick_hz": result.tick_hz,
        "device_s": round(seconds, 6),
        "inputs": len({row["sample"] for row in rows}),
        "resolution_s": result.resolution_s,
        "bracket_s": result.bracket_s,
    }
    short = len(result.times_s) < rules.queries or seconds < rules.single_stream_s
    rule = f"fewer than {rules.queries} queries or {rules.single_stream_s:g} s"
    objections = (rule,) if short else ()
    errors = result.errors(facts.instruction_s)
    return Figures(len(result.times_s), found, details, objections=objections, errors=errors)


def _throughput(rows: Sequence[Row], rules: Rules) -> Figures:
    result = throughput_of(rows)
    windows, rate = result.windows, metrics.throughput(result.windows)
    short = any(
        count < rules.window_inferences or seconds < rules.window_s for count, seconds in windows
    )
    fine = {"resolution_s": result.resolution_s, "bracket_s": result.bracket_s}
    rule = f"a window of fewer than {rules.window_inferences} inferences or {rules.window_s:g} s"
    return Figures(
        samples=sum(count for count, _ in windows),
        metrics={"throughput_ips": rate},
        details={"windows": [{"inferences": count, "device_s": s} for count, s in windows], **fine},
        objections=(rule,) if short else (),
        errors=result.errors(rate),
    )


def _memory(rows: Sequence[Row], facts: JobFacts) -> Figures:
    row, image = rows[-1], facts.image
    sizes = (row["text"], row["data"], row["bss"] + (row["stack_reserved"] or 0))
    other = image is None or sizes != (image.text, image.data, image.bss)
    return Figures(
        samples=1,
        metrics={
            "flash_bytes": row["text"] + row["data"],
            "ram_bytes": row["data"] + row["bss"] + (row["stack_used"] or 0),
        },
        details=dict(row),
        objections=("sizes that are not the image's in run.json",) if other else (),
        unknown={"ram_bytes": NO_STACK} if row["stack_used"] is None else {},
    )


def _energy(rows: Sequence[Row], rules: Rules, raw: Path) -> Figures:
    """From the samples of the trace up."""
    result = energy_of(rows, raw)
    short = len(result.windows) < PERFORMANCE_INPUTS or any(
        one.count < rules.window_inferences or one.window.seconds < rules.window_s
        for one in result.windows
    )
    rule = (
        f"fewer than {PERFORMANCE_INPUTS} inputs, or a window of fewer than "
        f"{rules.window_inferences} inferences or {rules.window_s:g} s"
    )
    return Figures(
        samples=sum(one.count for one in result.windows),
        metrics=result.metrics,
        details=result.details,
        objections=(rule,) if short else (),
        errors=result.errors,
    )


def _audit(measure: MeasureName, rows: Sequence[Row]) -> Figures | None:
    audit = AUDITS.get(measure.audit or "")
    if audit is None:
        return None
    report = audit.report(rows)
    # As the record has them: JSON does not know this difference, so it is not one.
    details = json.loads(json.dumps(report.as_json()))
    return Figures(report.answers, {measure.metrics[0]: len(report.objections)}, details)
