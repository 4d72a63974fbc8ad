"""SPLIT_V into parts of given sizes along one axis."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.slices import axis_of, part_of_axis
from tinyhil.image.compiler.target import Target

NAME = "SPLIT_V"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """One of the parts: the operator is lowered once for each; a size of -1 is what is left."""
    axis, shape = axis_of(node, 2, 0), node.activation().shape
    given = node.constant(1, "INT32").data
    assert given is not None
    sizes = [int(size) for size in given.ravel()]
    node.check(len(sizes) == len(node.parts), f"has {len(sizes)} sizes of {len(node.parts)} parts")
    node.check(min(sizes) >= -1 and sizes.count(-1) <= 1, f"has parts of the sizes {sizes}")
    rest = shape[axis] - sum(size for size in sizes if size > 0)
    sizes = [rest if size == -1 else size for size in sizes]
    fits = sum(sizes) == shape[axis] and min(sizes) > 0
    node.check(fits, f"has parts of the sizes {sizes} of {shape[axis]}")
    return part_of_axis(node, axis, sum(sizes[: node.part]), sizes[node.part])
