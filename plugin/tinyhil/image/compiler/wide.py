"""Arithmetic of operators that compute with int16: weights of 8 bits, sums of 64 bits.

Activations of 16 bits have no zero point. Unlike with int8, a sum is rescaled by a factor of 15
bits, and rounded once; but where biases are int32, sums are those of int8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import ConstantArray
from tinyhil.image.compiler.quantize import INT16_MIN, biases_of, channel, quantize_multiplier

_CHANNEL_BYTES: Final = 16
_LARGEST_SUM: Final = 2**47
"""The reference takes smaller ones only."""
_MOST_LEFT: Final = 7
"""Bits by which it can shift to the left."""


@dataclass(frozen=True)
class WideChannel:
    """``struct channel_s16`` of ``firmware/kernels/include/int16.h``."""

    bias: int
    multiplier: int
    shift: int
    left: int = 0
    right: int = 0

    def __str__(self) -> str:
        numbers = (self.bias, self.multiplier, self.shift, self.left, self.right)
        return f"{{{', '.join(map(str, numbers))}}}"


def wide_channels(
    node: Node, weights: NDArray[Any], multipliers: Sequence[float], bias: int = 2
) -> ConstantArray:
    """Everything that the kernels need for each output channel, proved free of overflow.

    Args:
        node: whose input `bias`, if it is there, is int64, one for each channel.
        weights: of shape [channels, inputs of one channel].
        multipliers: real factor from sum to output.
        bias: position of the biases.
    """
    narrow = is_narrow(node, bias)
    biases = biases_of(node, len(weights), bias, "INT32" if narrow else "INT64").tolist()
    products = (-INT16_MIN * np.abs(weights.astype(np.int64)).sum(axis=1)).tolist()
    made = [
        (_narrow_channel if narrow else _channel)(node, start, abs(start) + bound, real)
        for start, bound, real in zip(biases, products, multipliers, strict=True)
    ]
    size = _CHANNEL_BYTES * len(made)
    return ConstantArray("channels", "struct channel_s16", made, size, alignment=8)


def is_narrow(node: Node, bias: int) -> bool:
    """Whether the reference sums in 32 bits, as biases of int64 say that it must not."""
    tensor = node.inputs[bias] if bias < len(node.inputs) else None
    return tensor is None or tensor.dtype == "INT32"


def _narrow_channel(node: Node, bias: int, bound: int, real: float) -> WideChannel:
    """As those of int8."""
    made = channel(node, bias, bound, real)
    return WideChannel(bias, made.multiplier, 0, made.left, made.right)


def _channel(node: Node, bias: int, bound: int, real: float) -> WideChannel:
    node.check(math.isfinite(real), "has scales whose quotient is not a number")
    multiplier, left = quantize_multiplier(real)
    node.check(left <= _MOST_LEFT, "has an output scale that is too small")
    reduced = min((multiplier + 2**15) >> 16, 2**15 - 1)
    shift = 15 - left
    fits = bound < _LARGEST_SUM and (bound * reduced >> shift) + 1 < 2**31
    node.check(fits, "has sums that may be too large")
    return WideChannel(bias, reduced, shift)
