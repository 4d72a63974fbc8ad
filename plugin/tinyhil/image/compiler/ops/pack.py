"""PACK of tensors of one shape, scale and zero point along a new axis."""

from __future__ import annotations

from math import prod
from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.joined import joined
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.target import Target

NAME = "PACK"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "PackOptions"


def lower(node: Node, _target: Target) -> Lowered:
    """As a concatenation of rows, which are all that lies before the new axis."""
    result = node.output.shape
    axis, rank = int(node.option(_OPTIONS, "Axis")), len(result)
    node.check(-rank <= axis < rank, f"has the axis {axis} of {rank}")
    axis %= rank
    shapes = {node.activation(position).shape for position in range(len(node.inputs))}
    wanted = (*result[:axis], *result[axis + 1 :])
    fits = shapes == {wanted} and result[axis] == len(node.inputs)
    node.check(fits, "has tensors whose shapes do not fit together")
    return joined(node, prod(result[:axis]))
