"""Weights as words of two 16-bit numbers, in the order of ``firmware/kernels/include/pairs.h``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.dsp.finish import Finish

_BYTE_LIMIT: Final = 2**23
"""Of the size of a sum that is to be the upper one of two: 256 times it is below 2**31."""


def scaled(values: NDArray[Any], finishes: Sequence[Finish]) -> NDArray[np.int64]:
    """Values [channels, ...] by their channels' powers of two; 0 where the output is constant."""
    factors = [0 if finish.scale is None else 1 << finish.scale for finish in finishes]
    result: NDArray[np.int64] = (values.astype(np.int64).T * np.array(factors, np.int64)).T
    return result


def pairs(weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """[..., inputs] to words [..., inputs / 2]: of each four inputs 0 and 2, then 1 and 3."""
    fours = weights.reshape(*weights.shape[:-1], -1, 4)
    words = (fours[..., :2] & 0xFFFF) | (fours[..., 2:] & 0xFFFF) << 16
    return words.reshape(*weights.shape[:-1], -1)


def shared(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """The weights of two channels in 16 bits."""
    return 256 * second + first


def sharing_fits(weights: NDArray[Any], biases: NDArray[np.int64]) -> bool:
    """Whether weights [channels, inputs] may share, with any inputs."""
    wide = np.abs(weights.astype(np.int64))
    most = 128 * wide.sum(axis=1) + np.abs(biases)
    return bool(wide.max(initial=0) <= 127 and most.max(initial=0) < _BYTE_LIMIT)


def signed(words: NDArray[np.int64]) -> list[int]:
    """The same 32 bits each, as C writes them."""
    numbers: list[int] = (words & 0xFFFFFFFF).astype(np.uint32).view(np.int32).tolist()
    return numbers
