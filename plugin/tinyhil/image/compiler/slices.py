"""Parts of a tensor: what SLICE, STRIDED_SLICE, SPLIT, SPLIT_V, UNPACK and GATHER share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered

_AXES: Final = 4


@dataclass(frozen=True)
class Along:
    """Which elements of an axis are taken."""

    first: int
    step: int
    count: int


def axis_of(node: Node, position: int, source: int) -> int:
    """The axis of input `source` that the constant at `position` names.

    Raises:
        ModelError: it is no single number, or there is no such axis.
    """
    tensor, rank = node.constant(position, "INT32"), len(node.activation(source).shape)
    assert tensor.data is not None
    node.check(tensor.elements == 1, f"has {tensor.elements} axes, not one")
    axis = int(tensor.data.ravel()[0])
    node.check(-rank <= axis < rank, f"has the axis {axis} of {rank}")
    return axis % rank


def part_of_axis(node: Node, axis: int, first: int, count: int, source: int = 0) -> Lowered:
    """The part of input `source` that has `count` elements of one axis, and all of the others."""
    axes = [Along(0, 1, size) for size in node.activation(source).shape]
    axes[axis] = Along(first, 1, count)
    return sliced(node, axes, source)


def sliced(node: Node, axes: Sequence[Along], source: int = 0) -> Lowered:
    """What is taken of input `source` along each of its axes; no kernel if it is in one piece.

    Raises:
        ModelError: it is not inside of the input, or not what the output holds.
    """
    given, result = node.activation(source), node.output
    for along, size in zip(axes, given.shape, strict=True):
        last = along.first + (along.count - 1) * along.step
        inside = along.count > 0 and 0 <= along.first < size and 0 <= last < size
        node.check(inside, f"takes elements {along.first} to {last} of {size}")
    counts = [along.count for along in axes if along.count > 1]
    fits = counts == [size for size in result.shape if size > 1]
    node.check(fits, f"has the output {list(result.shape)}, not {[along.count for along in axes]}")
    same = (given.scale, given.zero_point) == (result.scale, result.zero_point)
    node.check(same, "has an output of another scale or zero point than its input")
    start = 0
    # Size and step of the output's axes, in the input; the bytes of a number are the last axis.
    merged: list[tuple[int, int]] = []
    item = Along(0, 1, given.item)
    shape = (*given.shape, given.item)
    for i, along in enumerate((*axes, item)):
        inner = prod(shape[i + 1 :])
        start += along.first * inner
        size, step = along.count, along.step * inner
        if size == 1:
            continue
        if merged and merged[-1][1] == size * step:
            size *= merged.pop()[0]
        merged.append((size, step))
    run = merged.pop()[0] if merged and merged[-1][1] == 1 else 1
    if not merged:
        return Lowered(kernel=None, offset=start, order=(source,))
    node.check(len(merged) <= _AXES, f"takes parts of more than {_AXES} axes")
    merged = [(1, 0)] * (_AXES - len(merged)) + merged
    sizes = {f"size_{i}": size for i, (size, _) in enumerate(merged)}
    steps = {f"step_{i}": step for i, (_, step) in enumerate(merged)}
    fields = {"start": start, "run": run, **sizes, **steps}
    return Lowered(kernel="slice_s8", fields=fields, order=(source,))
