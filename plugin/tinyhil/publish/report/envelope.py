"""A long trace as a few columns, so that a picture of it shows its highest and lowest samples."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tinyhil.record.traces import Trace, blocks_of

COLUMNS = 500


def envelope(trace: Trace, columns: int = COLUMNS) -> NDArray[np.float64]:
    """Lowest, mean and highest power of each column, ``(3, columns)``, in watts.

    Args:
        trace: with at least one sample.
        columns: at most; a short trace has one for each sample.
    """
    bounds = np.linspace(0, len(trace.power_w), min(columns, len(trace.power_w)) + 1, dtype=int)
    made = []
    for start, end in pairwise(bounds):
        low, high, total, there = np.inf, -np.inf, 0.0, 0
        for block in blocks_of(trace.power_w[start:end]):
            good = block[~np.isnan(block)]
            if len(good):
                low, high = min(low, float(good.min())), max(high, float(good.max()))
                total, there = total + float(good.sum()), there + len(good)
        made.append((low, total / there, high) if there else (0.0, 0.0, 0.0))
    return np.array(made).T
