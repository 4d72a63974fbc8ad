"""CONCATENATION along any axis of computed tensors of one scale and zero point."""

from __future__ import annotations

from math import prod
from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, int32_array
from tinyhil.image.compiler.target import Target

NAME = "CONCATENATION"

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
    node.check(
        {(s.scale, s.zero_point) for s in sources} == {(result.scale, result.zero_point)},
        "has inputs of another scale or zero point than its output",
    )
    inner = prod(result.shape[axis + 1 :])
    return Lowered(
        kernel="concatenation_s8",
        fields={"rows": prod(result.shape[:axis]), "inputs": len(sources)},
        arrays=(int32_array("sizes", [s.shape[axis] * inner for s in sources]),),
        order=tuple(range(len(sources))),
        gathered=True,
    )
