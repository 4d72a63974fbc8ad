"""DEQUANTIZE of int8 to floats, as at the end of a model."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, float_array
from tinyhil.image.compiler.target import Target

NAME = "DEQUANTIZE"
OUTPUTS: Final = ("FLOAT32",)


def lower(node: Node, _target: Target) -> Lowered:
    """Nothing to precompute."""
    source = node.activation()
    node.check(source.elements == node.output.elements, "changes the number of elements")
    return Lowered(
        kernel="dequantize_f32",
        fields={"elements": source.elements, "zero_point": source.zero_point},
        arrays=(float_array("scale", source.scale),),
    )
