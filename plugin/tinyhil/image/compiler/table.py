"""Functions of one value of 8 bits: the compiler tabulates them, as they have 256 inputs only."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import Lowered, int8_array
from tinyhil.image.compiler.plan import SAME_PLACE
from tinyhil.image.compiler.quantize import (
    INT8_MAX,
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
        return int(math.copysign(math.floor(abs(real) + 0.5), real)) + result.zero_point

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
    source, result = node.activation(), node.output
    with np.errstate(over="ignore"):
        ratio = float(np.float32(source.scale) / np.float32(result.scale))
    node.check(math.isfinite(ratio), "has scales whose quotient is not a number")
    moved, low = rescaled(node, ratio), stored(node, least)
    high = INT8_MAX if most is None else stored(node, most)
    return tabulated(node, lambda value: min(max(moved(value), low), high))


def _range(tensor: Tensor, beyond: int = 0) -> tuple[int, int]:
    """Least and greatest stored value, that one and `beyond` of it."""
    return (0, 255 + beyond) if tensor.dtype == "UINT8" else (-128, 127 + beyond)
