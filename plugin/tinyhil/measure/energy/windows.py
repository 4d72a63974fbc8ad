"""Energy between two places of a trace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyhil.record.traces import Trace, blocks_of


@dataclass(frozen=True)
class Window:
    """What was used between two edges."""

    energy_j: float
    seconds: float
    """By the power monitor's clock."""
    power_w: float
    """The mean of the samples between them."""
    lost: int = 0
    """Samples that never came; each counts as the mean of the others."""
    error_j: float = 0.0
    """By how much the energy may be off, as an edge is known to a sample, and by what was lost."""
    late: int = 0
    """Samples that are missing in the second after it: of an LPM01A it is known only once a second
    that some were lost, so that they may have been of this window."""


def window_of(trace: Trace, first: int, last: int, uncertain: int = 1) -> Window:
    """The window from one edge to another.

    Args:
        trace: of the monitor.
        first: place of the first edge.
        last: place of the last edge; there is a sample between them.
        uncertain: samples by which each edge may be off.
    """
    part = trace.power_w[first:last]
    total, there, most = 0.0, 0, 0.0
    for block in blocks_of(part):
        good = block[~np.isnan(block)]
        total += float(good.sum())
        there += len(good)
        most = max(most, float(np.abs(good).max(initial=0.0)))
    mean, lost = total / max(there, 1), len(part) - there
    after = trace.power_w[last : last + math.ceil(trace.rate_hz)]
    late = sum(int(np.isnan(block).sum()) for block in blocks_of(after))
    error_w = (2 * uncertain + lost + late) * most
    seconds = len(part) / trace.rate_hz
    return Window(mean * seconds, seconds, mean, lost, error_w / trace.rate_hz, late)


def per_inference(windows: Sequence[tuple[int, float]]) -> float:
    """The benchmark's figure: the median over the windows of energy for each inference, in joules.

    Args:
        windows: inferences and joules of each.
    """
    return float(np.median([energy_j / count for count, energy_j in windows]))


def idle_floor(trace: Trace, busy: Sequence[tuple[int, int]]) -> float | None:
    """Power of the device while it waits, in watts; None where there is too little of it.

    Of the means of a hundredth of a second outside the windows, that which 5 % are below.

    Args:
        trace: of the monitor.
        busy: first and last place of each window, in order.
    """
    width = max(1, round(trace.rate_hz / 100))
    means: list[np.ndarray] = []
    bounds = [0, *(place for pair in busy for place in pair), len(trace.power_w)]
    for start, end in zip(bounds[::2], bounds[1::2], strict=True):
        whole = start + (end - start) // width * width
        for block in blocks_of(trace.power_w[start:whole], width):
            # NaN where a sample was lost: not counted.
            means.append(block.reshape(-1, width).mean(axis=1))
    found = np.concatenate(means) if means else np.empty(0)
    found = found[~np.isnan(found)]
    return float(np.percentile(found, 5)) if len(found) >= 20 else None
