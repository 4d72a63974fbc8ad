"""Figures in the words of a title: a name, four digits, the unit, and the limit beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.verdict import keeps

NAMES: Mapping[str, str] = {
    "latency_p50_s": "p50 latency",
    "latency_p90_s": "p90 latency",
    "latency_p99_s": "p99 latency",
    "throughput_ips": "throughput",
    "top1": "top-1",
    "auc": "AUC",
    "energy_j": "energy",
    "power_w": "power",
    "flash_bytes": "flash",
    "ram_bytes": "RAM",
    "audit_measures": "audit of the measures themselves",
    "audit_clock": "audit of the clock",
    "audit_caching": "audit of caching",
    "audit_performance": "audit of the answers of performance runs",
    "audit_order": "audit of the order",
    "audit_count": "audit of the number of queries",
    "audit_dependence": "audit of the dependence on the input",
}
"""Of metrics, for people; a name that is not here is shown as it is."""

_PREFIXED = {"s": "s", "j": "J", "w": "W"}
_SCALED = {"ips": (1.0, " inf/s"), "top1": (100.0, " %")}
_DIGITS = 4
_MOST_DIGITS = 9


def named(metric: str) -> str:
    """A metric's name for people."""
    return NAMES.get(metric, metric)


def is_timed(metric: str) -> bool:
    """Whether a metric comes of the device's clock, which an emulated board does not have."""
    return metric.startswith(("latency", "throughput", "energy", "power"))


def mark_of(metric: str) -> str:
    """What an emulated board's figure is: ``emulated`` for a time, ``modelled`` for energy and
    power, of which a core in an emulator has none; else empty."""
    if metric.startswith(("energy", "power")):
        return "modelled"
    return "emulated" if is_timed(metric) else ""


def in_short(metric: Metric, value: float, digits: int = _DIGITS) -> str:
    """A value with its unit in so many digits, as in ``166.0 ms``."""
    if math.isnan(value):
        return "none"
    kind = metric.rpartition("_")[2]
    if kind in _PREFIXED:
        return _prefixed(value, _PREFIXED[kind], digits)
    if kind == "bytes":
        return f"{_rounded(value / 1024, digits)} KiB" if value >= 1024 else f"{value:.0f} B"
    if metric in ("instructions", "cycles"):
        return f"{value:,.0f}"
    if metric.startswith("audit"):
        return f"{value:.0f} objection{'s' * (value != 1)}"
    scale, unit = _SCALED.get(kind, (1.0, ""))
    return _rounded(scale * value, digits) + unit


def bound(metric: Metric, limit: Limit, digits: int = _DIGITS) -> str:
    """A limit as in ``≤ 246.4 ms``."""
    if limit.max is not None:
        return f"≤ {in_short(metric, limit.max, digits)}"
    assert limit.min is not None  # a limit has one of the two
    return f"≥ {in_short(metric, limit.min, digits)}"


def beside_limit(metric: Metric, value: float, limit: Limit) -> str:
    """A value and its limit, as in ``166.0 ms ≤ 246.4 ms``: with the digits that tell them apart.

    The sign is what is true, so a missed limit reads ``260.1 ms > 246.4 ms``.
    """
    bar = limit.max if limit.max is not None else limit.min
    assert bar is not None  # a limit has one of the two
    kept, missed = "≤>" if limit.max is not None else "≥<"
    for digits in range(_DIGITS, _MOST_DIGITS + 1):
        texts = in_short(metric, value, digits), in_short(metric, bar, digits)
        if texts[0] != texts[1] or value == bar:
            break
    return f"{texts[0]} {kept if keeps(value, limit) else missed} {texts[1]}"


def _prefixed(value: float, unit: str, digits: int) -> str:
    """With the SI prefix that leaves one to three digits before the point."""
    for prefix, size in (("", 1.0), ("m", 1e-3), ("µ", 1e-6), ("n", 1e-9)):
        if abs(value) >= size or prefix == "n":
            return f"{_rounded(value / size, digits)} {prefix}{unit}"
    raise AssertionError("the last prefix takes all")


def _rounded(value: float, digits: int) -> str:
    """In so many digits, trailing zeros too, and never with an exponent."""
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(0, places)}f}"


RANDOM = "RANDOM: inputs drawn at random, for latency and memory; they tell nothing of quality."
"""What is said of figures on such inputs."""


def data_label(data_set: str) -> str:
    """A data set's kind as it is shown: ``official``; what is of no benchmark loudly."""
    return data_set.upper() if data_set in ("stand-in", "random") else data_set
