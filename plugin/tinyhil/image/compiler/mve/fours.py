"""Weights and constants of four channels at a time, as ``conv2d_fours_s8`` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.lowered import ConstantArray, int8_array, int32_array
from tinyhil.image.compiler.quantize import Channel

_GROUP: Final = 4
_CHUNK: Final = 16


def four_arrays(
    weights: NDArray[Any], channels: Sequence[Channel]
) -> tuple[ConstantArray, ConstantArray]:
    """Of weights [channels, inputs]: ``weights`` and ``finish``, rounded up with zeros."""
    more = -len(weights) % _GROUP
    constants = np.array([(one.bias, one.multiplier, -one.right) for one in channels], np.int64)
    finish = np.pad(constants, ((0, more), (0, 0))).reshape(-1, _GROUP, 3).transpose(0, 2, 1)
    return four_weights(weights), int32_array("finish", finish.ravel().tolist())


def four_weights(weights: NDArray[Any]) -> ConstantArray:
    """``weights`` alone."""
    outputs, inputs = weights.shape
    padded = np.pad(weights, ((0, -outputs % _GROUP), (0, -inputs % _CHUNK)))
    groups = padded.reshape(-1, _GROUP, padded.shape[1] // _CHUNK, _CHUNK).transpose(0, 2, 1, 3)
    return int8_array("weights", groups)
