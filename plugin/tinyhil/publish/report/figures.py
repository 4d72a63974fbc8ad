"""Pictures of measurements, as SVG whose bytes depend on the figures alone."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyhil.catalog.metrics import PERCENTILES, percentile
from tinyhil.catalog.units import format_seconds
from tinyhil.measure.energy.result import Energy
from tinyhil.measure.measures import SingleStream
from tinyhil.publish.report.bins import edges_of
from tinyhil.publish.report.envelope import envelope
from tinyhil.publish.report.title import Title

STYLE: dict[Any, Any] = {
    # Text stays text: it can be searched, read by a screen reader, and needs no font here.
    "svg.fonttype": "none",
    "svg.hashsalt": "tinyhil",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
"""Matplotlib's settings of every picture."""

_MARKS = {50: ("#1b7837", "solid"), 90: ("#b35806", (0, (5, 3))), 99: ("#b2182b", (0, (1.5, 2)))}
"""Colour and dashes of each percentile: they differ even at the same place, and without colour."""

_NARROW = 0.01
"""A spread below this share of the median is drawn as the difference from the median."""

_UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))


def latency_histogram(single: SingleStream, *, title: Title, instruction_s: float | None) -> bytes:
    """Histogram of single-query latency with p50, p90 and p99 marked and named.

    Args:
        single: the measurement, of at least one query.
        title: see `title_of`.
        instruction_s: emulated seconds of one instruction when the board is emulated: the picture
            then says that its times are instruction counts. None for silicon.

    Returns:
        An SVG document.
    """
    times, tick_s = single.times_s, 1.0 / single.tick_hz
    middle = percentile(times, 50)
    narrow = float(np.ptp(times)) < _NARROW * middle
    origin = middle if narrow else 0.0
    edges = edges_of(times, tick_s) - origin
    widest = max(abs(edges[0]), abs(edges[-1]))
    unit, scale = next((name, size) for name, size in _UNITS if widest >= size or name == "ns")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 4.4), layout="constrained")
        axes = figure.add_subplot()
        axes.hist((times - origin) / scale, bins=list(edges / scale), color="#92c5de", ec="#4393c3")
        axes.margins(x=0.02)
        for row, percent in enumerate(PERCENTILES):
            value_s = percentile(times, percent)
            label = f"p{percent} = {_in_words(value_s, instruction_s)}"
            _mark(axes, (value_s - origin) / scale, label, percent, len(PERCENTILES) - row)
        axes.set_xlabel(
            f"difference from p50 ({unit})" if narrow else f"time of one inference ({unit})"
        )
        axes.set_ylabel("queries")
        figure.suptitle(f"{title}\n{_sub_title(single, instruction_s)}", fontsize=10.0)
        return as_svg(figure)


def confusion_matrix(counts: NDArray[np.int64], classes: Sequence[str], *, title: Title) -> bytes:
    """Counts by true class (row) and predicted class (column), coloured by share of the row.

    Args:
        counts: ``(classes, classes)``, as `metrics.confusion` makes it.
        classes: names, in the order of `counts`.
        title: see `title_of`.

    Returns:
        An SVG document.
    """
    sums = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(sums, 1)
    side = 1.8 + 0.52 * len(classes)
    with mpl.rc_context({**STYLE, "axes.spines.left": False, "axes.spines.bottom": False}):
        figure = Figure(figsize=(max(5.0, side + 0.6), max(3.6, side)), layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
        places = range(len(classes))
        axes.set_xticks(places, classes, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, classes)
        axes.tick_params(length=0)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.6 else "black" if count else "#999999"
            axes.text(column, row, f"{count}", ha="center", va="center", color=colour, fontsize=8.0)
        figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
        right, total = int(np.trace(counts)), int(counts.sum())
        figure.suptitle(f"{title}\n{right} of {total} samples right", fontsize=10.0)
        return as_svg(figure)


def power_trace(energy: Energy, *, title: Title) -> bytes:
    """Power over time with the timed windows shaded and the idle floor, and each window's energy.

    Args:
        energy: the measurement.
        title: see `title_of`.

    Returns:
        An SVG document.
    """
    trace = energy.trace
    low, mean, high = envelope(trace) * 1e3
    times = (np.arange(len(mean)) + 0.5) * trace.seconds / len(mean)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 4.4), layout="constrained")
        axes, beside = figure.subplots(1, 2, width_ratios=(3, 1))
        for one in energy.windows:
            axes.axvspan(one.first / trace.rate_hz, one.last / trace.rate_hz, color="#d1e5f0")
        axes.fill_between(times, low, high, color="#4393c3", lw=0)
        axes.plot(times, mean, color="#053061", lw=0.7)
        if energy.idle_w is not None:
            axes.axhline(energy.idle_w * 1e3, color="#b35806", ls=(0, (5, 3)), lw=1.2)
        axes.set(xlabel="time by the monitor (s)", ylabel="power (mW)", ylim=(0, None))
        numbers = range(1, len(energy.windows) + 1)
        values = [one.energy_j * 1e6 for one in energy.windows]
        beside.bar(numbers, values, color="#92c5de", ec="#4393c3")
        beside.axhline(energy.energy_j * 1e6, color="#053061", lw=1.0)
        beside.set(xlabel="window", ylabel="energy of an inference (µJ)", xticks=numbers)
        model = "modelled, not measured" if energy.heading["modelled"] else "measured"
        told = f"{len(trace.power_w):,} samples, {energy.lost:,} lost; {model}"
        figure.suptitle(f"{title}\n{told}", fontsize=10.0)
        return as_svg(figure)


def _mark(axes: Axes, x: float, label: str, percent: int, row: int) -> None:
    """A line at `x` that ends at its label; each label has its own row above the axes."""
    colour, dashes = _MARKS[percent]
    top = 1.0 + 0.065 * row
    low, high = axes.get_xlim()
    to_the_left = x > (low + high) / 2
    axes.plot(
        [x, x],
        [0.0, top],
        color=colour,
        ls=dashes,
        lw=1.6,
        clip_on=False,
        transform=axes.get_xaxis_transform(),
    )
    axes.annotate(
        label,
        (x, top),
        (-4.0 if to_the_left else 4.0, 0.0),
        color=colour,
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        ha="right" if to_the_left else "left",
        va="top",
        annotation_clip=False,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )


def _in_words(seconds: float, instruction_s: float | None) -> str:
    if instruction_s is None:
        return format_seconds(seconds)
    return f"{round(seconds / instruction_s):,} instructions ({format_seconds(seconds)} emulated)"


def _sub_title(single: SingleStream, instruction_s: float | None) -> str:
    fastest, slowest = float(single.times_s.min()), float(single.times_s.max())
    text = (
        f"{len(single.times_s)} queries by the device's {single.clock} "
        f"({single.tick_hz / 1e6:g} MHz); "
        f"fastest {format_seconds(fastest)}, slowest {format_seconds(slowest)}"
    )
    if instruction_s is None:
        return text
    nanoseconds = f"{instruction_s * 1e9:g} ns"
    return f"{text}\nemulated: instruction count x {nanoseconds}, not a time measured on silicon"


def as_svg(figure: Figure) -> bytes:
    """The picture as a file, the same bytes for the same picture."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
