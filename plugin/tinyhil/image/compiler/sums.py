"""Sums of two inputs, in units that both share: what ADD and SUB share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tinyhil.image.compiler.broadcast import pair
from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import ConstantArray, Lowered, channel_array, int32_array
from tinyhil.image.compiler.quantize import (
    INT8_MAX,
    INT8_MIN,
    activation_fields,
    channel,
    divide_by_power,
    multiply_high,
    quantize_multiplier,
)

LEFT_SHIFT: Final = 20
"""The reference shifts both inputs before it scales them, the coarser one by exactly 1/2."""
EVERY: Final = range(INT8_MIN, INT8_MAX + 1)


def summed(node: Node, options: str, sign: int) -> Lowered:
    """The first input and `sign` times the second one, axes of one element repeated."""
    both = pair(node)
    twice = 2 * max(both.first.scale, both.second.scale)
    first = contributions(both.first, twice, EVERY)
    second = [sign * made for made in contributions(both.second, twice, EVERY)]
    bound = max(map(abs, first)) + max(map(abs, second))
    return Lowered(
        kernel="sum_s8",
        fields={
            **both.fields,
            "output_zero_point": node.output.zero_point,
            **activation_fields(node, options),
        },
        arrays=(
            int32_array("first_table", first),
            int32_array("second_table", second),
            *both.arrays,
            from_sum(node, bound, twice),
        ),
        order=both.order,
        overlap=both.overlap,
    )


def contributions(tensor: Tensor, twice: float, values: Iterable[int]) -> list[int]:
    """What stored values add to a sum, in units that both inputs share."""
    multiplier, shift = quantize_multiplier(tensor.scale / twice)
    return [
        divide_by_power(
            multiply_high((value - tensor.zero_point) << LEFT_SHIFT, multiplier), -shift
        )
        for value in values
    ]


def from_sum(node: Node, bound: int, twice: float) -> ConstantArray:
    """From a sum of contributions, none beyond `bound`, to the output."""
    # The reference knows no factor of 1 or more here.
    factor = twice / (node.output.scale * 2**LEFT_SHIFT)
    node.check(quantize_multiplier(factor)[1] <= 0, "has an output scale that is too small")
    return channel_array([channel(node, 0, bound, factor)])
