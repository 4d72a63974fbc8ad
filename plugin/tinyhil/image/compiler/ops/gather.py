"""GATHER of elements along one axis, by constant numbers."""

from __future__ import annotations

from math import prod
from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, int32_array
from tinyhil.image.compiler.slices import Along, sliced
from tinyhil.image.compiler.target import Target

NAME = "GATHER"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "GatherOptions"


def lower(node: Node, _target: Target) -> Lowered:
    """The numbers themselves, or a slice where they are equally far apart."""
    source, numbers = node.activation(), node.constant(1, "INT32")
    assert numbers.data is not None
    rank, axis = len(source.shape), int(node.option(_OPTIONS, "Axis"))
    node.check(node.option(_OPTIONS, "BatchDims") == 0, "has dimensions of a batch")
    node.check(-rank <= axis < rank, f"has the axis {axis} of {rank}")
    axis %= rank
    outer, size, inner = source.shape[:axis], source.shape[axis], source.shape[axis + 1 :]
    made = (*outer, *numbers.shape, *inner)
    node.check(node.output.shape == made, f"has the output {list(node.output.shape)}, not {made}")
    node.check_scale_kept()
    taken = [int(number) for number in numbers.data.ravel()]
    there = all(0 <= number < size for number in taken)
    node.check(there, f"takes elements that are not among its {size}")
    step = taken[1] - taken[0] if len(taken) > 1 else 1
    even = step != 0 and taken == [taken[0] + i * step for i in range(len(taken))]
    if even and len(numbers.shape) < 2:
        axes = [Along(0, 1, length) for length in source.shape]
        axes[axis] = Along(taken[0], step, len(taken))
        return sliced(node, axes)
    run = prod(inner) * source.item
    return Lowered(
        kernel="gather_s8",
        fields={"outer": prod(outer), "size": size * run, "inner": run, "count": len(taken)},
        arrays=(int32_array("places", [number * run for number in taken]),),
    )
