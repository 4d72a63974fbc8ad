"""Sums of two inputs, in units that both share: what ADD and SUB share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tinyhil.image.compiler.broadcast import Pair, pair
from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import ConstantArray, Lowered, channel_array, int32_array
from tinyhil.image.compiler.quantize import (
    INT8_MAX,
    INT8_MIN,
    Channel,
    activation_fields,
    channel,
    divide_by_power,
    multiply_high,
    power_of_two,
    quantize_multiplier,
)

LEFT_SHIFT: Final = 20
"""The reference shifts both inputs before it scales them, the coarser one by exactly 1/2."""
_WIDE_SHIFT: Final = 15
"""The same of int16."""
EVERY: Final = range(INT8_MIN, INT8_MAX + 1)


def summed(node: Node, options: str, sign: int) -> Lowered:
    """The first input and `sign` times the second one, axes of one element repeated."""
    both = pair(node)
    if node.output.dtype == "INT16":
        return _wide(node, both, options, sign)
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


def _wide(node: Node, both: Pair, options: str, sign: int) -> Lowered:
    """Of int16: too many values for tables."""
    factors = _shifts(node, both, options)
    left = 0
    if factors is None:
        left, twice = _WIDE_SHIFT, 2 * max(both.first.scale, both.second.scale)
        parts = [channel(node, 0, 2**30, t.scale / twice) for t in (both.first, both.second)]
        factors = [*parts, _from_sum(node, 2**30, twice, left)]
    return Lowered(
        kernel="sum_s16",
        fields={
            **both.fields,
            "left": left,
            "subtract": int(sign < 0),
            **activation_fields(node, options),
        },
        arrays=(*both.arrays, channel_array(factors)),
        order=both.order,
        overlap=both.overlap,
    )


def _shifts(node: Node, both: Pair, options: str) -> list[Channel] | None:
    """What the reference does instead where all scales are powers of two, unless it is told not to:
    it shifts one input to the right, and rounds, before it adds."""
    powers = [power_of_two(t.scale) for t in (both.first, both.second, node.output)]
    if not node.option(options, "PotScaleInt16") or None in powers:
        return None
    first, second, output = (power or 0 for power in powers)
    fits = max(first, second) == output and output - min(first, second) < 2**5
    node.check(fits, "has an output scale that is not the larger one of its inputs")
    # Twice a half: the number itself.
    return [Channel(0, 2**30, 1, output - power, 1) for power in (first, second, output)]


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
    return channel_array([_from_sum(node, bound, twice, LEFT_SHIFT)])


def _from_sum(node: Node, bound: int, twice: float, left: int) -> Channel:
    # The reference knows no factor of 1 or more here.
    factor = twice / (node.output.scale * 2**left)
    node.check(quantize_multiplier(factor)[1] <= 0, "has an output scale that is too small")
    return channel(node, 0, bound, factor)
