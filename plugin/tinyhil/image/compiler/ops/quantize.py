"""QUANTIZE: of floats to int8, or from one 8-bit type, scale and zero point to another."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, float_array
from tinyhil.image.compiler.table import rescaled, tabulated
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
    return tabulated(node, rescaled(node, source.scale / result.scale))
