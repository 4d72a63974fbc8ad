"""Shapes of small pictures, in parts of 1000, which the template draws in the page's colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyhil.catalog.metrics import PERCENTILES, percentile
from tinyhil.catalog.units import format_seconds
from tinyhil.publish.report.bins import edges_of

SIDE = 1000
"""Width and height of each picture; the page stretches it."""
_MARGIN = 60
_ROOM = 1.3
"""A limit within so much of the figures' range is drawn beside them."""


@dataclass(frozen=True)
class Trend:
    """A figure over runs."""

    points: Sequence[tuple[float, float]]
    """The oldest first."""
    limit_y: float | None
    text: str
    """The same in words."""


@dataclass(frozen=True)
class Mark:
    """A line across a histogram."""

    name: str
    x: float
    text: str


@dataclass(frozen=True)
class Bars:
    """A histogram."""

    bars: Sequence[tuple[float, float, float]]
    """Left side, width, height."""
    marks: Sequence[Mark]
    left: str
    right: str
    text: str


@dataclass(frozen=True)
class Matrix:
    """Counts by true class (row) and predicted class."""

    classes: Sequence[str]
    rows: Sequence[Sequence[tuple[int, float]]]
    """Count, and its share of the row."""
    text: str


def trend(values: Sequence[float], limit: float | None, text: str) -> Trend | None:
    """A line through values; None where there is one alone.

    Args:
        values: the oldest first.
        limit: drawn where it is near the values.
        text: the same in words.
    """
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    spread = (high - low) or abs(high) * 0.01 or 1.0
    if limit is not None and low - _ROOM * spread <= limit <= high + _ROOM * spread:
        low, high = min(low, limit), max(high, limit)
    else:
        limit = None
    middle, span = (low + high) / 2, max(high - low, spread)

    def y(value: float) -> float:
        return round(SIDE / 2 - (value - middle) / span * (SIDE - 2 * _MARGIN), 1)

    step = (SIDE - 2 * _MARGIN) / (len(values) - 1)
    points = tuple((round(_MARGIN + step * n, 1), y(value)) for n, value in enumerate(values))
    return Trend(points, None if limit is None else y(limit), text)


def histogram(times_s: NDArray[np.float64], tick_s: float, instruction_s: float | None) -> Bars:
    """Of the times of single queries.

    Args:
        times_s: at least one.
        tick_s: of the clock that they were measured on.
        instruction_s: emulated seconds of one instruction; None for silicon.
    """
    edges = edges_of(times_s, tick_s)
    counts, _ = np.histogram(times_s, edges)
    first, span = float(edges[0]), float(edges[-1] - edges[0])

    def x(seconds: float) -> float:
        return round((seconds - first) / span * SIDE, 1)

    bars = tuple(
        (x(float(left)), round(SIDE / len(counts), 1), round(float(count / counts.max()) * 940, 1))
        for left, count in zip(edges, counts, strict=False)
        if count
    )
    marks = []
    for percent in PERCENTILES:
        value = percentile(times_s, percent)
        marks.append(Mark(f"p{percent}", x(value), _in_words(value, instruction_s)))
    fastest, slowest = (format_seconds(float(f(times_s))) for f in (np.min, np.max))
    text = f"{len(times_s):,} queries; fastest {fastest}, slowest {slowest}"
    text += "; emulated: instruction counts, not times measured on silicon" if instruction_s else ""
    return Bars(bars, marks, format_seconds(first), format_seconds(first + span), text)


def _in_words(seconds: float, instruction_s: float | None) -> str:
    if instruction_s is None:
        return format_seconds(seconds)
    return f"{format_seconds(seconds)}, {round(seconds / instruction_s):,} instructions"


def matrix(counts: NDArray[np.int64], classes: Sequence[str]) -> Matrix:
    """Of a confusion matrix as `metrics.confusion` makes it."""
    rows = [
        [(int(count), round(float(count) / max(1, int(row.sum())), 3)) for count in row]
        for row in counts
    ]
    right, total = int(np.trace(counts)), int(counts.sum())
    return Matrix(classes, rows, f"{right:,} of {total:,} samples right")
