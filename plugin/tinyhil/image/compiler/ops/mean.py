"""MEAN over any axes that make one or two groups of neighbours, such as height and width."""

from __future__ import annotations

from itertools import groupby
from math import prod
from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, channel_array
from tinyhil.image.compiler.quantize import Channel, quantize_multiplier
from tinyhil.image.compiler.target import Target

NAME = "MEAN"

_MAX_ELEMENTS: Final = 2**16
"""Of one mean: far below what overflows a 32-bit sum."""
_NAMES: Final = ("outer", "reduced", "middle", "reduced_inner", "inner")


def lower(node: Node, _target: Target) -> Lowered:
    """The factor from the sum to the mean, as the reference makes it."""
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
    node.check(count <= _MAX_ELEMENTS, f"has means of {count} elements, which is too many")
    multiplier, shift = quantize_multiplier(source.scale / node.output.scale)
    # The reference divides the multiplier, of which it keeps all bits, and not the sum.
    more = max(0, min(count.bit_length() - 1, 31 + shift))
    shift -= more
    left, right = max(shift, 0), max(-shift, 0)
    node.check((256 * count) << left < 2**31, "has sums that may not fit into 32 bits")
    factor = Channel(-source.zero_point * count, (multiplier << more) // count, left, right, 1)
    return Lowered(
        kernel="mean_s8",
        fields={
            **dict(zip(_NAMES, sizes, strict=True)),
            "output_zero_point": node.output.zero_point,
        },
        arrays=(channel_array([factor]),),
    )


def _groups(shape: tuple[int, ...], reduced: set[int]) -> list[int]:
    """Sizes of axes that are kept and reduced in turn; the first and the last are kept."""
    sizes: list[int] = []
    axes = (axis for axis in range(len(shape)) if shape[axis] != 1)
    for is_reduced, group in groupby(axes, key=lambda axis: axis in reduced):
        if is_reduced != bool(len(sizes) % 2):
            sizes.append(1)
        sizes.append(prod(shape[axis] for axis in group))
    return sizes + [1] * (len(_NAMES) - len(sizes))
