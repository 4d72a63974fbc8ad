"""SPLIT into equal parts along one axis."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.slices import axis_of, part_of_axis
from tinyhil.image.compiler.target import Target

NAME = "SPLIT"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """One of the parts: the operator is lowered once for each."""
    axis, shape = axis_of(node, 0, 1), node.activation(1).shape
    count = len(node.parts)
    node.check(shape[axis] % count == 0, f"splits {shape[axis]} elements into {count} parts")
    size = shape[axis] // count
    return part_of_axis(node, axis, node.part * size, size, source=1)
