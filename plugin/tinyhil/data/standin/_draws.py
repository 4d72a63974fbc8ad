"""Random numbers for stand-in samples that are the same on every platform.

NumPy has frozen the stream of ``RandomState.randint`` with an explicit type (NEP 19), so sets made
of these draws and of integer arithmetic alone can be pinned by their SHA-256.
"""

from __future__ import annotations

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray


def draw(random: RandomState, low: int, high: int) -> int:
    """One integer from ``low`` to ``high``, both included."""
    return int(random.randint(low, high + 1, dtype=np.int64))


def bell(random: RandomState, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Sums of four uniform draws: bell-shaped, -512 to 508, standard deviation 148."""
    draws = random.randint(-128, 128, size=(4, *shape), dtype=np.int64)
    return np.asarray(draws.sum(axis=0), dtype=np.int64)
