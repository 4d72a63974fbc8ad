"""SLICE with constant bounds."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.slices import Along, sliced
from tinyhil.image.compiler.target import Target

NAME = "SLICE"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """Neighbours along each axis; a size of -1 is all that is left."""
    shape = node.activation().shape
    begin, size = (node.constant(position, "INT32").data for position in (1, 2))
    assert begin is not None
    assert size is not None
    node.check(begin.size == size.size == len(shape), f"has bounds for {begin.size} axes")
    firsts, counts = begin.ravel().tolist(), size.ravel().tolist()
    return sliced(
        node,
        [
            Along(first, 1, length - first if count == -1 else count)
            for first, count, length in zip(firsts, counts, shape, strict=True)
        ],
    )
