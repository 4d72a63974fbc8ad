"""DEQUANTIZE of int8 or int16 to floats, as at the end of a model."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, float_array
from tinyhil.image.compiler.refusals import ENDS_TYPE
from tinyhil.image.compiler.target import Target

NAME = "DEQUANTIZE"
OUTPUTS: Final = ("FLOAT32",)


def lower(node: Node, _target: Target) -> Lowered:
    """Nothing to precompute."""
    source = node.computed()
    known = source.dtype in ("INT8", "INT16")
    node.check(known, f"input 0 is {source.dtype}, not INT8 or INT16", ENDS_TYPE)
    node.check(source.elements == node.output.elements, "changes the number of elements")
    fields, scale = {"elements": source.elements}, (float_array("scale", source.scale),)
    if source.dtype == "INT16":
        return Lowered(kernel="dequantize_s16_f32", fields=fields, arrays=scale)
    fields["zero_point"] = source.zero_point
    return Lowered(kernel="dequantize_f32", fields=fields, arrays=scale)
