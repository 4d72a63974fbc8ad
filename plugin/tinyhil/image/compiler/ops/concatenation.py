"""CONCATENATION along any axis of computed tensors of one scale and zero point."""

from __future__ import annotations

from math import prod
from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.joined import joined
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.target import Target

NAME = "CONCATENATION"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "ConcatenationOptions"


def lower(node: Node, _target: Target) -> Lowered:
    """Rows, which are all that lies before the axis; and of each input, the size of its own."""
    sources = [node.activation(position) for position in range(len(node.inputs))]
    result, rank = node.output, len(node.output.shape)
    axis = int(node.option(_OPTIONS, "Axis"))
    node.check(-rank <= axis < rank, f"has the axis {axis} of {rank}")
    axis %= rank
    node.check(
        node.option(_OPTIONS, "FusedActivationFunction") == 0, "has a fused activation function"
    )
    beside = {(*s.shape[:axis], *s.shape[axis + 1 :]) for s in (*sources, result)}
    fits = sum(s.shape[axis] if len(s.shape) == rank else 0 for s in sources) == result.shape[axis]
    node.check(len(beside) == 1 and fits, "has tensors whose shapes do not fit together")
    return joined(node, prod(result.shape[:axis]))
