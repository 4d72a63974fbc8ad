"""QUANTIZE: of floats to int8, or from one 8-bit type, scale and zero point to another."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, float_array
from tinyhil.image.compiler.quantize import divide_by_power, multiply_high, quantize_multiplier
from tinyhil.image.compiler.table import tabulated
from tinyhil.image.compiler.target import Target

NAME = "QUANTIZE"
OUTPUTS: Final = ("INT8", "UINT8")


def lower(node: Node, _target: Target) -> Lowered:
    """A table, but for floats."""
    source, result = node.computed(), node.output
    if source.dtype == "FLOAT32":
        node.check(result.dtype == "INT8", f"makes {result.dtype} of floats, not INT8")
        node.check(source.elements == result.elements, "changes the number of elements")
        return Lowered(
            kernel="quantize_f32",
            fields={"elements": result.elements, "zero_point": result.zero_point},
            arrays=(float_array("scale", result.scale),),
        )
    multiplier, shift = quantize_multiplier(source.scale / result.scale)
    left, right = max(shift, 0), max(-shift, 0)
    node.check(256 << left < 2**31, "has an output scale that is too small")

    def moved(stored: int) -> int:
        scaled = multiply_high((stored - source.zero_point) << left, multiplier)
        return divide_by_power(scaled, right) + result.zero_point

    return tabulated(node, moved)
