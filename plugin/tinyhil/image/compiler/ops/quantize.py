"""QUANTIZE: of floats to int8 or int16, or from one type, scale and zero point to another."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, float_array
from tinyhil.image.compiler.table import rescaled, rescaled_wide, tabulated
from tinyhil.image.compiler.target import Target

NAME = "QUANTIZE"
OUTPUTS: Final = ("INT8", "UINT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """A table, but for floats."""
    source, result = node.computed(), node.output
    if source.dtype == "FLOAT32":
        node.check(result.dtype != "UINT8", "makes UINT8 of floats, not INT8")
        node.check(source.elements == result.elements, "changes the number of elements")
        fields, scale = {"elements": result.elements}, (float_array("scale", result.scale),)
        if result.dtype == "INT16":
            return Lowered(kernel="quantize_f32_s16", fields=fields, arrays=scale)
        fields["zero_point"] = result.zero_point
        return Lowered(kernel="quantize_f32", fields=fields, arrays=scale)
    types = {source.dtype, result.dtype}
    if "INT16" in types:
        node.check("UINT8" not in types, f"makes {result.dtype} of {source.dtype}")
        return rescaled_wide(node, source.scale / result.scale)
    return tabulated(node, rescaled(node, source.scale / result.scale))
