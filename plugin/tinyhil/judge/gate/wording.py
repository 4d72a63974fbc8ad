"""Values and changes in words."""

from __future__ import annotations

from tinyhil.catalog.units import format_metric, scaled
from tinyhil.judge.gate.tolerance import Gated

_BYTES = ("flash_bytes", "ram_bytes")
_TICKS = 9
"""Digits that show a tick in a second."""


def value_text(metric: Gated, value: float) -> str:
    """A figure with its unit, with the digits that tell one instruction or one byte."""
    if metric == "outputs":
        return f"{value:,.0f} changed"
    if metric == "instructions":
        return f"{value:,.1f}"
    if metric == "throughput_ips":
        return f"{value:.9g} inf/s"
    if metric in _BYTES:
        return f"{value:,.0f} B"
    if metric.startswith("latency"):
        return scaled(value, "s", _TICKS)
    return format_metric(metric, value)


def change_text(metric: Gated, old: float | None, new: float | None) -> str:
    """From `old` to `new`: in points for shares, in per cent for all else; empty without both."""
    if old is None or new is None or metric == "outputs":
        return ""
    if old == new:
        return "0"
    if metric == "top1":
        return f"{100 * (new - old):+.3g} points"
    if metric == "auc":
        return f"{new - old:+.3g}"
    share = f"{100 * (new / old - 1):+.3g} %" if old else ""
    if metric == "instructions":
        return f"{new - old:+,.1f}, {share}"
    return f"{new - old:+,.0f} B, {share}" if metric in _BYTES else share
