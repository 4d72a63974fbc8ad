"""Edges from the trace itself, where no pin leads to the monitor: its steps in power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.errors import MonitorError
from tinyhil.measure.energy.edges import is_near
from tinyhil.record.traces import Trace, blocks_of

_BLOCK_S = 1e-3
_BESIDES_S = 0.05
"""Of what the device does beside its inferences, in a stretch of higher power."""
_CLEAR = 8.0
"""How many times its own noise a step must be; of noise alone the two levels are 6 times apart."""


@dataclass(frozen=True)
class Busy:
    """A stretch of higher power."""

    first: int
    last: int
    uncertain: int
    """Samples by which each end may be off: as long as the step takes."""


def busy_stretches(trace: Trace, lasts_s: Sequence[float]) -> tuple[Busy, ...]:
    """The stretches in which the device inferred, by the power alone.

    The power is cut at the middle between its two levels, those of waiting and of inferring; of the
    stretches above, those count that last as long as an `infer` did, in their order.

    Args:
        trace: of the monitor.
        lasts_s: how long each `infer` took by the device's clock, in order.

    Raises:
        MonitorError: the power has no two levels, or the stretches are not those.
    """
    width = max(1, round(_BLOCK_S * trace.rate_hz))
    means = _means(trace, width)
    low, high, noise = _levels(means)
    if not high - low > _CLEAR * noise:
        raise MonitorError(
            f"the power does not tell when the device infers: {low:.4g} W and {high:.4g} W, with "
            f"a noise of {noise:.2g} W",
            hint="wire the device's time stamp pin to the monitor; then its edges tell",
        )
    above = np.concatenate(([False], means > (low + high) / 2, [False]))
    crossed = np.flatnonzero(np.diff(above.astype(np.int8))).reshape(-1, 2)
    left = _joined(crossed, gap=max(2, round(5e-3 * trace.rate_hz / width)))
    found = []
    for start, end in left:
        seconds = (end - start) * width / trace.rate_hz
        if any(is_near(seconds, one, _BESIDES_S) for one in lasts_s):
            rise = max(_rise(means, start, low, high), _rise(means, end, low, high))
            found.append(Busy(int(start) * width, int(end) * width, (1 + rise) * width))
    # One more, as a long upload of just that length, and nobody knows which.
    if len(found) != len(lasts_s):
        raise MonitorError(
            f"{len(lasts_s)} times the device inferred, the power shows {len(found)} of them",
            hint="wire the device's time stamp pin to the monitor; then its edges tell",
        )
    return tuple(found)


def _means(trace: Trace, width: int) -> NDArray[np.float64]:
    """Of each block; 0 where all of it was lost."""
    whole = len(trace.power_w) // width * width
    made = []
    for block in blocks_of(trace.power_w[:whole], width):
        rows = block.reshape(-1, width)
        there = np.count_nonzero(~np.isnan(rows), axis=1)
        made.append(np.nansum(rows, axis=1, dtype=np.float64) / np.maximum(there, 1))
    return np.concatenate(made) if made else np.empty(0)


def _levels(means: NDArray[np.float64]) -> tuple[float, float, float]:
    """The two levels that most of the power is near, and the noise around them."""
    if len(means) < 4:
        return 0.0, 0.0, 0.0
    # A device that never sleeps but for the moments around its inferences has few low samples.
    low, most = np.percentile(means, (1, 99))
    above = means[means > (low + most) / 2]
    high = float(np.median(above)) if len(above) else float(low)
    below = means[means <= (low + high) / 2]
    spreads = [float(np.median(np.abs(one - np.median(one)))) for one in (below, above) if len(one)]
    return float(low), high, max(spreads, default=0.0)


def _joined(bounds: NDArray[np.int64], gap: int) -> list[tuple[int, int]]:
    """Stretches, with those put together that a short dip parts."""
    found: list[tuple[int, int]] = []
    for start, end in bounds.tolist():
        if found and start - found[-1][1] <= gap:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def _rise(means: NDArray[np.float64], place: int, low: float, high: float) -> int:
    """Blocks around a step that are at neither level."""
    near = means[max(0, place - 10) : place + 10]
    share = (near - low) / (high - low)
    return int(np.sum((share > 0.1) & (share < 0.9)))
