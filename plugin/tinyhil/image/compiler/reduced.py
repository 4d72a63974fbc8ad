"""Axes that are reduced to one value: what MEAN and REDUCE_MAX share."""

from __future__ import annotations

from itertools import groupby
from math import prod
from typing import Final

from tinyhil.image.compiler.graph import Node

_NAMES: Final = ("outer", "reduced", "middle", "reduced_inner", "inner")


def reduced_fields(node: Node) -> tuple[dict[str, int], int]:
    """Sizes of axes that are kept and reduced in turn; and how many values become one.

    Raises:
        ModelError: more than two groups of neighbouring axes are reduced, or there are none such.
    """
    source, axes = node.activation(), node.constant(1, "INT32")
    assert axes.data is not None
    rank = len(source.shape)
    chosen = [int(axis) for axis in axes.data.ravel()]
    node.check(all(-rank <= axis < rank for axis in chosen), f"has the axes {chosen}")
    reduced = {axis % rank for axis in chosen}
    sizes = _groups(source.shape, reduced)
    node.check(len(sizes) == len(_NAMES), f"has the axes {chosen}, more than two groups of them")
    count = sizes[1] * sizes[3]
    kept = source.elements // count
    node.check(node.output.elements == kept, f"does not have {kept} outputs")
    return dict(zip(_NAMES, sizes, strict=True)), count


def _groups(shape: tuple[int, ...], reduced: set[int]) -> list[int]:
    """Sizes of axes that are kept and reduced in turn; the first and the last are kept."""
    sizes: list[int] = []
    axes = (axis for axis in range(len(shape)) if shape[axis] != 1)
    for is_reduced, group in groupby(axes, key=lambda axis: axis in reduced):
        if is_reduced != bool(len(sizes) % 2):
            sizes.append(1)
        sizes.append(prod(shape[axis] for axis in group))
    return sizes + [1] * (len(_NAMES) - len(sizes))
