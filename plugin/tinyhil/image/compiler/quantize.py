"""Quantization arithmetic as the TensorFlow Lite reference does it, on Python's exact integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.graph import LIMITS, Node, Tensor
from tinyhil.image.compiler.refusals import REQUANTIZE

INT8_MIN, INT8_MAX = LIMITS["INT8"]
INT16_MIN, INT16_MAX = LIMITS["INT16"]
MAX_CHANNELS: Final = 2**14
_NONE, _RELU, _RELU_N1_TO_1, _RELU6 = range(4)  # ActivationFunctionType of the schema


@dataclass(frozen=True)
class Channel:
    """``struct channel_s8`` of ``firmware/kernels/include/requantize.h``."""

    bias: int
    multiplier: int
    left: int
    right: int
    careful: int

    def __str__(self) -> str:
        return f"{{{self.bias}, {self.multiplier}, {self.left}, {self.right}, {self.careful}}}"


def quantize_multiplier(real: float) -> tuple[int, int]:
    """`real` (>= 0) as (multiplier, shift): about multiplier * 2**(shift - 31).

    The multiplier is 0 or in [2**30, 2**31); what is below 2**-32 is 0.
    """
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    return (0, 0) if shift < -31 or multiplier == 0 else (multiplier, shift)


def power_of_two(scale: float) -> int | None:
    """The exponent of a scale that the reference takes for a power of two, as floats of 32 bits."""
    exact = np.log(np.float32(scale)) * np.float32(1 / math.log(2.0))
    nearest = math.floor(abs(exact) + np.float32(0.5)) * (-1 if exact < 0 else 1)
    return nearest if abs(exact - np.float32(nearest)) < np.float32(1e-3) else None


def multiply_high(a: int, b: int) -> int:
    """a * b / 2**31, halves up."""
    return (a * b + 2**30) >> 31


def divide_by_power(value: int, exponent: int) -> int:
    """value / 2**exponent, halves away from zero."""
    if exponent == 0:
        return value
    return (value + (1 << exponent - 1) - (value < 0)) >> exponent


def activation_fields(node: Node, kind: str) -> dict[str, int]:
    """Smallest and largest output under the fused activation in options of the table `kind`.

    Raises:
        ModelError: the activation is not known.
    """
    activation = node.option(kind, "FusedActivationFunction")
    bounds = {
        _NONE: (None, None),
        _RELU: (0.0, None),
        _RELU_N1_TO_1: (-1.0, 1.0),
        _RELU6: (0.0, 6.0),
    }
    if activation not in bounds:
        raise node.refuse(f"has the fused activation {activation}, which is not known")
    low, high = bounds[int(activation)]
    least, most = node.output.limits
    lowest = least if low is None else max(least, stored(node, low))
    highest = most if high is None else min(most, stored(node, high))
    node.check(lowest <= highest, "has an output range that its activation leaves empty")
    return {"activation_min": lowest, "activation_max": highest}


def stored(node: Node, real: float) -> int:
    """Nearest stored output, halves away from zero; the quotient is a float32."""
    with np.errstate(over="ignore"):
        quotient = float(np.float32(real) / np.float32(node.output.scale))
    node.check(abs(quotient) < 2**31, f"has an output scale of {node.output.scale}")
    return node.output.zero_point + int(math.copysign(math.floor(abs(quotient) + 0.5), quotient))


def centered(node: Node, weights: Tensor) -> NDArray[np.int16]:
    """Weights without their zero point, which only those of a legacy model have."""
    assert weights.data is not None
    values: NDArray[np.int16] = weights.data.astype(np.int16)
    return values - np.int16(weights_zero_point(node, weights))


def factors_of(node: Node, source: Tensor, weights: Tensor, axis: int) -> list[float]:
    """The factor from sums to outputs, of each output channel."""
    scales = weight_scales(node, weights, weights.shape[axis], axis)
    products = source.scale * scales
    if node.legacy:  # the reference multiplies a single weight scale in float32
        with np.errstate(over="ignore"):
            products = products.astype(np.float32).astype(np.float64)
    made: list[float] = (products / node.output.scale).tolist()
    return made


def fits_int8(values: NDArray[np.int16]) -> bool:
    """Whether weights without their zero point still have 8 bits."""
    return bool(values.min() >= INT8_MIN and values.max() <= INT8_MAX)


def weights_zero_point(node: Node, weights: Tensor) -> int:
    """0 but in a legacy model."""
    quantization = weights.quantization
    if not node.legacy or quantization is None or quantization.scales.size != 1:
        return 0
    return int(quantization.zero_points[0])


def weight_scales(node: Node, weights: Tensor, channels: int, axis: int) -> NDArray[np.float64]:
    """Scale of each output channel's weights, which must be symmetric."""
    quantization = weights.quantization
    if quantization is None:
        raise node.refuse("has weights without quantization", REQUANTIZE)
    symmetric = node.legacy or not quantization.zero_points.any()
    node.check(symmetric, "has weights with a zero point", step=REQUANTIZE)
    scales = quantization.scales.astype(np.float64)
    node.check(scales.size == 1 or not node.legacy, "has uint8 weights of several scales")
    if scales.size == 1:
        return np.repeat(scales, channels)
    node.check(scales.size == channels, f"has {scales.size} weight scales for {channels} channels")
    node.check(quantization.axis == axis, f"has weights quantized along axis {quantization.axis}")
    return scales


def channels(
    node: Node, weights: NDArray[Any], multipliers: Sequence[float]
) -> tuple[Channel, ...]:
    """Everything that the kernels need for each output channel, proved free of overflow.

    Args:
        node: whose third input, if it is there, is the bias: int32, one for each channel.
        weights: of shape [channels, inputs of one channel].
        multipliers: real factor from accumulator to output.
    """
    count = weights.shape[0]
    wide = weights.astype(np.int64)
    folded = biases_of(node, count, 2) - node.activation().zero_point * wide.sum(axis=1)
    bounds = np.abs(folded) + 128 * np.abs(wide).sum(axis=1)
    return tuple(
        channel(node, int(folded[i]), int(bounds[i]), multipliers[i]) for i in range(count)
    )


def unfolded_channels(
    node: Node, weights: NDArray[Any], multipliers: Sequence[float], bias: int = 2
) -> tuple[Channel, ...]:
    """The same for kernels that take the zero point from each input; `bias` is its position."""
    biases = biases_of(node, len(weights), bias)
    bounds = np.abs(biases) + 255 * np.abs(weights.astype(np.int64)).sum(axis=1)
    return tuple(
        channel(node, int(biases[i]), int(bounds[i]), multipliers[i]) for i in range(len(weights))
    )


def biases_of(node: Node, count: int, position: int, dtype: str = "INT32") -> NDArray[np.int64]:
    """One for each channel; 0 if they are left out."""
    node.check(count <= MAX_CHANNELS, f"has {count} output channels, more than {MAX_CHANNELS}")
    bias = node.optional_constant(position, dtype)
    if bias is None:
        return np.zeros(count, dtype=np.int64)
    assert bias.data is not None
    node.check(bias.elements == count, f"has {bias.elements} biases for {count} channels")
    return bias.data.reshape(count).astype(np.int64)


def channel(node: Node, bias: int, bound: int, real: float) -> Channel:
    """One channel; `bound` is on the size of its accumulator, `real` the factor to the output.

    Raises:
        ModelError: the factor is not finite, or the accumulator may overflow.
    """
    node.check(math.isfinite(real), "has scales whose quotient is not a number")
    multiplier, shift = quantize_multiplier(real)
    left, right = max(shift, 0), max(-shift, 0)
    # The zero point and 128 are still to be added.
    node.check((bound << left) + 256 < 2**31, "has sums that may not fit into 32 bits")
    careful = _needs_care(left, right, bound, node.output.zero_point)
    return Channel(bias, multiplier, left, right, careful)


def _needs_care(left: int, right: int, bound: int, zero_point: int) -> int:
    """1 unless the kernels' short requantization is the same as the full one.

    The short one knows no left shift; it doubles the sum; it always rounds as a right shift must,
    which does not matter where everything below zero saturates; and what it adds before the right
    shift may be 2**30 at most, next to a scaled sum that is as large.
    """
    added = (2 * (zero_point - INT8_MIN) + 1) << right
    unshifted = right == 0 and zero_point > INT8_MIN
    return int(left > 0 or bound >= 2**30 or unshifted or added > 2**31)
