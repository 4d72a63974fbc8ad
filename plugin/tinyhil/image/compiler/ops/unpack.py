"""UNPACK into the elements along one axis."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.slices import part_of_axis
from tinyhil.image.compiler.target import Target

NAME = "UNPACK"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """One of the parts, without the axis: the operator is lowered once for each."""
    shape = node.activation().shape
    rank, axis = len(shape), int(node.option("UnpackOptions", "Axis"))
    node.check(-rank <= axis < rank, f"has the axis {axis} of {rank}")
    axis %= rank
    there = shape[axis] == len(node.parts)
    node.check(there, f"has {len(node.parts)} outputs of {shape[axis]} elements")
    return part_of_axis(node, axis, node.part, 1)
