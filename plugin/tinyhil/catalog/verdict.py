"""Metrics and limits to verdicts. A missed limit is a verdict, never an exception."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.units import format_metric

Status = Literal["pass", "fail", "not judged"]


@dataclass(frozen=True)
class Margin:
    """Where the true value of a figure may lie, in its unit."""

    below: float = 0.0
    above: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """The result for one metric."""

    metric: Metric
    value: float
    limit: Limit | None
    status: Status
    reason: str
    """Why it is not judged, or which limit it missed or kept."""
    since: str = ""
    """Since when it misses its limit, by the earlier runs that are here; empty if it does not."""

    @property
    def defined(self) -> bool:
        """Whether the metric has a value: not every task and set of samples defines each."""
        return not math.isnan(self.value)

    def __bool__(self) -> bool:
        return self.status != "fail"

    def __str__(self) -> str:
        value = format_metric(self.metric, self.value)
        since = self.since and f"; {self.since}"
        return f"{self.metric} = {value}: {self.status} ({self.reason}){since}"


def keeps(value: float, limit: Limit) -> bool:
    """Whether a value keeps a limit."""
    if limit.min is not None:
        return value >= limit.min
    assert limit.max is not None  # a limit has one of the two
    return value <= limit.max


def judge(
    metrics: Mapping[Metric, float],
    limits: Mapping[Metric, Limit],
    *,
    unjudged: str | None = None,
    errors: Mapping[Metric, Margin] = MappingProxyType({}),
    unknown: Mapping[Metric, str] = MappingProxyType({}),
    objected: str | None = None,
) -> tuple[Verdict, ...]:
    """One verdict a metric, in the order of `metrics`.

    Args:
        metrics: values by name.
        limits: limits by name; a metric without one is not judged.
        unjudged: why nothing may be judged at all (a quick run, say), or None.
        errors: by how much a value may be off, such as by its clock's resolution, or by what the
            protocol times with it; a limit that is so near is not judged.
        unknown: why a single metric may not be judged.
        objected: what was seen in the measure that no honest device does: nothing passes then,
            whatever its limit.
    """
    if objected:
        return tuple(
            Verdict(name, value, limits.get(name), "fail", objected)
            for name, value in metrics.items()
        )
    return tuple(
        _judge_one(
            name, value, limits.get(name), unjudged or unknown.get(name), errors.get(name, Margin())
        )
        for name, value in metrics.items()
    )


def _judge_one(
    metric: Metric, value: float, limit: Limit | None, unjudged: str | None, error: Margin
) -> Verdict:
    if unjudged or limit is None:
        return Verdict(metric, value, limit, "not judged", unjudged or "no limit is set")
    word, bound = ("at most", limit.max) if limit.min is None else ("at least", limit.min)
    assert bound is not None
    asked = f"{word} {format_metric(metric, bound)}"
    if value - error.below < bound < value + error.above:
        near = "than the device's clock can tell"
        if metric in ("energy_j", "power_w"):
            near = "than the power monitor can tell"
        elif bound <= value - error.above:
            near = "than what the protocol times with each inference"
        why = f"{asked}, which is nearer {near}; {limit.source}"
        return Verdict(metric, value, limit, "not judged", why)
    status: Status = "pass" if keeps(value, limit) else "fail"
    return Verdict(metric, value, limit, status, f"{asked}; {limit.source}")
