"""The bound of ``firmware/kernels/include/packed.h``."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_LIMIT: Final = 2**22

ALWAYS_FITS: Final = _LIMIT // (128 * 128) - 1
"""So many products of int8 fit, with any weights."""


def packed_sums_fit(weights: NDArray[Any]) -> bool:
    """Whether sums of products with `weights` [channels, inputs] fit, with any inputs."""
    return 128 * int(np.abs(weights.astype(np.int64)).sum(axis=1).max()) < _LIMIT
