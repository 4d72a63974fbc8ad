"""The kinds of measure: their names, as records have them, and what belongs to each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from tinyhil.catalog.facts import Metric

_AUDIT = "audit_"


class MeasureName(StrEnum):
    """What one line of a record measures."""

    ACCURACY = "accuracy"
    SINGLE_STREAM = "single_stream"
    THROUGHPUT = "throughput"
    MEMORY = "memory"
    ENERGY = "energy"
    AUDIT_MEASURES = "audit_measures"
    AUDIT_CLOCK = "audit_clock"
    AUDIT_CACHING = "audit_caching"
    AUDIT_PERFORMANCE = "audit_performance"
    AUDIT_ORDER = "audit_order"
    AUDIT_COUNT = "audit_count"
    AUDIT_DEPENDENCE = "audit_dependence"

    @classmethod
    def of_audit(cls, audit: str) -> Self:
        """The measure of an audit."""
        return cls(_AUDIT + audit)

    @property
    def audit(self) -> str | None:
        """Name of the audit; None for a measure that is not an audit."""
        return self.removeprefix(_AUDIT) if self.startswith(_AUDIT) else None

    @property
    def scenario(self) -> str | None:
        """As MLPerf names it; None where it has none."""
        return "SingleStream" if self is MeasureName.SINGLE_STREAM else None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What it may find, the first one before all. Of an audit: the number of objections."""
        return _METRICS[self]


_METRICS: Mapping[MeasureName, tuple[Metric, ...]] = {
    MeasureName.ACCURACY: ("top1", "auc"),
    MeasureName.SINGLE_STREAM: (
        "latency_p50_s", "latency_p90_s", "latency_p99_s", "instructions", "cycles",
    ),
    MeasureName.THROUGHPUT: ("throughput_ips",),
    MeasureName.MEMORY: ("flash_bytes", "ram_bytes"),
    MeasureName.ENERGY: ("energy_j", "power_w"),
    MeasureName.AUDIT_MEASURES: ("audit_measures",),
    MeasureName.AUDIT_CLOCK: ("audit_clock",),
    MeasureName.AUDIT_CACHING: ("audit_caching",),
    MeasureName.AUDIT_PERFORMANCE: ("audit_performance",),
    MeasureName.AUDIT_ORDER: ("audit_order",),
    MeasureName.AUDIT_COUNT: ("audit_count",),
    MeasureName.AUDIT_DEPENDENCE: ("audit_dependence",),
}  # fmt: skip
