"""Functions of one value of 8 bits: the compiler tabulates them, as they have 256 inputs only."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import Lowered, channel_array, int8_array
from tinyhil.image.compiler.plan import SAME_PLACE
from tinyhil.image.compiler.quantize import (
    INT16_MAX,
    INT16_MIN,
    channel,
    divide_by_power,
    multiply_high,
    quantize_multiplier,
    stored,
)


def tabulated(node: Node, function: Callable[[int], int]) -> Lowered:
    """The operator that makes `function` of each stored value, saturated."""
    source, result = node.computed(), node.output
    node.check(source.elements == result.elements, "changes the number of elements")
    least, most = _range(result)
    values = [min(max(function(value), least), most) for value in range(*_range(source, 1))]
    # By the byte: of int8, those of negative values come last.
    table = np.roll(np.array(values, np.int64), -128 if source.dtype == "INT8" else 0)
    return Lowered(
        kernel="table_s8",
        fields={"elements": result.elements},
        arrays=(int8_array("table", table),),
        overlap=SAME_PLACE,
    )


def of_reals(node: Node, function: Callable[[np.float32], np.float32]) -> Lowered:
    """The same of a function of real numbers; the reference computes with floats."""
    source, result = node.activation(), node.output
    step, steps = np.float32(source.scale), np.float32(1) / np.float32(result.scale)

    def made(value: int) -> int:
        with np.errstate(over="ignore"):
            real = float(function(step * np.float32(value - source.zero_point)) * steps)
        return _nearest(real) + result.zero_point

    return tabulated(node, made)


def rescaled(node: Node, ratio: float) -> Callable[[int], int]:
    """The stored output for a stored input; `ratio` is that of their scales."""
    zero_points = node.computed().zero_point, node.output.zero_point
    multiplier, shift = quantize_multiplier(ratio)
    left, right = max(shift, 0), max(-shift, 0)
    node.check(256 << left < 2**31, "has an output scale that is too small")

    def moved(value: int) -> int:
        scaled = multiply_high((value - zero_points[0]) << left, multiplier)
        return divide_by_power(scaled, right) + zero_points[1]

    return moved


def clamped(node: Node, least: float, most: float | None) -> Lowered:
    """What an activation function makes of its input: `least` and `most` are real numbers."""
    if node.output.dtype == "INT16":
        return _wide_clamped(node, least, most)
    source, result = node.activation(), node.output
    with np.errstate(over="ignore"):
        ratio = float(np.float32(source.scale) / np.float32(result.scale))
    node.check(math.isfinite(ratio), "has scales whose quotient is not a number")
    moved, low = rescaled(node, ratio), stored(node, least)
    high = result.limits[1] if most is None else stored(node, most)
    return tabulated(node, lambda value: min(max(moved(value), low), high))


def _wide_clamped(node: Node, least: float, most: float | None) -> Lowered:
    """The same of int16, which has too many values for a table."""
    with np.errstate(over="ignore"):
        ratio = float(np.float32(node.activation().scale) / np.float32(node.output.scale))
    high = INT16_MAX if most is None else min(INT16_MAX, stored(node, most))
    return rescaled_wide(node, ratio, (max(INT16_MIN, stored(node, least)), high))


def rescaled_wide(node: Node, ratio: float, bounds: tuple[int, int] | None = None) -> Lowered:
    """Where one of input and output is int16: the stored output for each stored input.

    Args:
        node: the operator.
        ratio: of the input's scale to the output's.
        bounds: least and greatest output; None: all that its type has.
    """
    source, result = node.computed(), node.output
    node.check(source.elements == result.elements, "changes the number of elements")
    least, most = bounds or result.limits
    factor = channel(node, -source.zero_point, 2**16, ratio)
    return Lowered(
        kernel="requantize_s16",
        fields={
            "elements": result.elements,
            "input_bytes": source.item,
            "output_bytes": result.item,
            "output_zero_point": result.zero_point,
            "activation_min": least,
            "activation_max": most,
        },
        arrays=(channel_array([factor]),),
        overlap=SAME_PLACE if source.item == result.item else None,
    )


def interpolated(function: Callable[[float], float], low: float, high: float) -> list[int]:
    """513 values of a function, in units of 2**-15, that are joined by straight lines.

    The reference moves each by half the error in the middle of its line.
    """
    step = (high - low) / 512

    def stored_value(place: float) -> int:
        return _nearest(function(place) * 2**15)

    values = []
    for i in range(512):
        value, middle = stored_value(low + i * step), stored_value(low + i * step + step / 2)
        following = function(low + (i + 1) * step) * 2**15
        error = _nearest((following + value) / 2) - middle
        values.append(value - _nearest(error / 2))
    values.append(stored_value(high))
    return [min(max(value, INT16_MIN), INT16_MAX) for value in values]


def _nearest(real: float) -> int:
    """Halves away from zero."""
    return int(math.copysign(math.floor(abs(real) + 0.5), real))


def _range(tensor: Tensor, beyond: int = 0) -> tuple[int, int]:
    """Least and greatest stored value, that one and `beyond` of it."""
    return (0, 255 + beyond) if tensor.dtype == "UINT8" else (-128, 127 + beyond)
