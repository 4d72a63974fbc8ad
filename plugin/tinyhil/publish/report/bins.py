"""Bins of a histogram of times on a device's clock."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_BINS = 60


def edges_of(times: NDArray[np.float64], tick_s: float) -> NDArray[np.float64]:
    """Edges of bins that are whole timer ticks wide: other widths show a false comb.

    Each bin holds its ticks in its middle; a few bins have some empty ones on either side.
    """
    ticks = np.rint(times / tick_s)
    first, last = int(ticks.min()), int(ticks.max())
    width = math.ceil((last - first + 1) / _BINS)
    spare = max(1, 5 - (last - first)) * width
    starts = np.arange(first - spare, last + spare + width + 1, width, dtype=np.float64)
    return (starts - 0.5) * tick_s
