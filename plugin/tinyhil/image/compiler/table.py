"""Functions of one value of 8 bits: the compiler tabulates them, as they have 256 inputs only."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import Lowered, int8_array
from tinyhil.image.compiler.plan import SAME_PLACE


def tabulated(node: Node, function: Callable[[int], int]) -> Lowered:
    """The operator that makes `function` of each stored value, saturated."""
    source, result = node.computed(), node.output
    node.check(source.elements == result.elements, "changes the number of elements")
    least, most = _range(result)
    values = [min(max(function(stored), least), most) for stored in range(*_range(source, 1))]
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

    def stored(value: int) -> int:
        with np.errstate(over="ignore"):
            real = float(function(step * np.float32(value - source.zero_point)) * steps)
        return int(math.copysign(math.floor(abs(real) + 0.5), real)) + result.zero_point

    return tabulated(node, stored)


def _range(tensor: Tensor, beyond: int = 0) -> tuple[int, int]:
    """Least and greatest stored value, that one and `beyond` of it."""
    return (0, 255 + beyond) if tensor.dtype == "UINT8" else (-128, 127 + beyond)
