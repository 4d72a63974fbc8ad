"""STRIDED_SLICE with constant bounds and steps of any sign, and with axes that are dropped."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.slices import Along, sliced
from tinyhil.image.compiler.target import Target

NAME = "STRIDED_SLICE"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "StridedSliceOptions"


def lower(node: Node, _target: Target) -> Lowered:
    """Which elements of each axis are taken, as the reference counts them."""
    shape = node.activation().shape
    begin, end, strides = (_numbers(node, position) for position in (1, 2, 3))
    for mask in ("EllipsisMask", "NewAxisMask"):
        node.check(node.option(_OPTIONS, mask) == 0, f"has an {mask}, which is not supported")
    node.check(not node.options.get("Offset", 0), "has ends that are counted from the beginning")
    masks = [int(node.option(_OPTIONS, f"{name}Mask")) for name in ("Begin", "End", "ShrinkAxis")]
    axes = []
    for i, size in enumerate(shape):
        no_begin, no_end, dropped = (bool(mask >> i & 1) for mask in masks)
        step = strides[i]
        node.check(step != 0, "has a step of 0")
        low, high = (0, size) if step > 0 else (-1, size - 1)
        first = begin[i] + size * (begin[i] < 0)
        first = (low if step > 0 else high) if no_begin else min(max(first, low), high)
        if dropped:
            node.check(0 <= first < size, f"takes element {begin[i]} of {size}")
            axes.append(Along(first, 1, 1))
            continue
        last = end[i] + size * (end[i] < 0)
        last = (high if step > 0 else low) if no_end else min(max(last, low), high)
        count = max(0, -(-(last - first) // step))
        axes.append(Along(first, step, count))
    return sliced(node, axes)


def _numbers(node: Node, position: int) -> list[int]:
    """One for each axis of the input."""
    tensor = node.constant(position, "INT32")
    assert tensor.data is not None
    numbers = [int(number) for number in tensor.data.ravel()]
    rank = len(node.activation().shape)
    node.check(len(numbers) == rank, f"has {len(numbers)} bounds for {rank} axes")
    return numbers
