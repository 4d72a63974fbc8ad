"""TRANSPOSE, of which four groups of axes are left when those that stay together are one."""

from __future__ import annotations

from math import prod
from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.target import Target

NAME = "TRANSPOSE"
OUTPUTS: Final = ("INT8", "INT16")

_AXES: Final = 4


def lower(node: Node, _target: Target) -> Lowered:
    """Sizes of the output's axes, and how far apart their neighbours are in the input."""
    source, result, order = node.activation(), node.output, node.constant(1, "INT32")
    assert order.data is not None
    rank = len(source.shape)
    axes = [int(axis) for axis in order.data.ravel()]
    node.check(sorted(axes) == list(range(rank)), f"has the order {axes} of {rank} axes")
    made = tuple(source.shape[axis] for axis in axes)
    node.check(result.shape == made, f"has the output {list(result.shape)}, not {list(made)}")
    node.check_scale_kept()
    merged: list[tuple[int, int]] = []  # size and step of the output's axes
    for axis in axes:
        size, step = source.shape[axis], prod(source.shape[axis + 1 :]) * source.item
        if merged and merged[-1][1] == size * step:
            size *= merged.pop()[0]
        if size > 1:
            merged.append((size, step))
    node.check(len(merged) <= _AXES, f"has the order {axes}, which mixes too many axes")
    merged = [(1, 0)] * (_AXES - len(merged)) + merged
    fields = {f"size_{i}": size for i, (size, _) in enumerate(merged)}
    steps = {f"step_{i}": step for i, (_, step) in enumerate(merged)}
    return Lowered(kernel="transpose_s8", fields={**fields, **steps, "item": source.item})
