"""From a sum to an output in two to four instructions, where that is proved exact.

The reference computes h = sum * multiplier / 2**31, halves up, then h / 2**right, halves away from
zero. Both steps rise with the sum, so an output is k or more from a certain h on, a threshold
T = k * 2**right - 2**(right - 1), one more where T is negative; and h >= T where
sum * multiplier / 2**31 >= T - 1/2. The kernels test the same with integers only (``pairs.h``):

- ``FIXED``: the sum comes scaled by 2**scale, scale >= 2, so that the upper word of its product
  with the multiplier has scale - 1 more fractional bits than h, and T - 1/2 is an integer of them.
  All channels share one right shift, the kernel's constant.
- ``SHIFTED``: the sum comes doubled, so that the product's upper word, rounded, is h.
- ``SIGNED``: the same, less 1 for a negative sum: the threshold that is one more. Only a sum of -1
  may have another sign than h, which is 0 then; with a right shift, both become the zero point.

The first two know no negative thresholds: there, all that is negative must saturate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.quantize import INT8_MAX, Channel, divide_by_power, multiply_high

FIXED, SHIFTED, SIGNED = range(3)
"""As enum rounding of ``pairs.h``."""

_WORD: Final = 2**31
_HALF_WORD: Final = 2**15
_CLOSE: Final = 2
"""How far around the nearest constants others are tried."""


@dataclass(frozen=True)
class Sums:
    """What one channel's sums can be, and what becomes of them."""

    channel: Channel
    lowest: int
    highest: int
    largest_weight: int
    zero_point: int
    """Of the output."""
    floor: int
    """The least output that the activation allows."""

    @property
    def plain(self) -> bool:
        """Whether all that is below zero becomes the same output."""
        return self.zero_point <= self.floor

    def output(self, total: int) -> int:
        """The reference's output for a sum."""
        channel = self.channel
        scaled = multiply_high(total << channel.left, channel.multiplier)
        value = divide_by_power(scaled, channel.right) + self.zero_point
        return max(self.floor, min(INT8_MAX, value))

    def fits(self, scale: int) -> bool:
        """Whether the scaled sum, and 16 bits for scaled weights, are enough."""
        most = max(abs(self.lowest), abs(self.highest))
        return most << scale < _WORD and self.largest_weight << scale < _HALF_WORD


@dataclass(frozen=True)
class Finish:
    """``struct finish_s8``, and by what power of two weights and bias are scaled; None: by 0."""

    scale: int | None
    multiplier: int
    addend: int
    right: int


def sums(
    channels: Sequence[Channel], weights: NDArray[Any], zero_point: int, floor: int
) -> list[Sums]:
    """The channels of weights [channels, inputs], whose inputs may be anything."""
    wide = weights.astype(np.int64)
    positive, negative = wide.clip(0).sum(axis=1).tolist(), wide.clip(None, 0).sum(axis=1).tolist()
    largest = np.abs(wide).max(axis=1, initial=0).tolist()
    return [
        Sums(
            channel,
            channel.bias - 128 * positive[i] + 127 * negative[i],
            channel.bias + 127 * positive[i] - 128 * negative[i],
            largest[i],
            zero_point,
            floor,
        )
        for i, channel in enumerate(channels)
    ]


def finishes(channels: Sequence[Sums], rounding: int, shift: int) -> list[Finish] | None:
    """Constants of all channels under a rounding; None if one of them can't be proved."""
    found = []
    for one in channels:
        finish = _fixed(one, shift) if rounding == FIXED else _doubled(one, rounding == SIGNED)
        finish = finish or _constant(one, shift if rounding == FIXED else 1)
        if finish is None and rounding == FIXED:
            finish = _found(one, shift)
        if finish is None:
            return None
        found.append(finish)
    return found


def _constant(one: Sums, right: int) -> Finish | None:
    output = one.output(one.lowest)
    return Finish(None, 0, output << right, right) if output == one.output(one.highest) else None


def _fixed(one: Sums, shift: int) -> Finish | None:
    channel = one.channel
    scale = shift + 1 - channel.right
    if channel.left or not one.plain or scale < 2 or not one.fits(scale):
        return None
    half = 1 << shift - 1 if channel.right else 0
    addend = (one.zero_point << shift) + half + (1 << scale - 2)
    return Finish(scale, channel.multiplier, addend, shift)


def _found(one: Sums, shift: int) -> Finish | None:
    """With a scale of 2, a multiplier of fewer bits: tried, and proved at each threshold."""
    lost = one.channel.right - shift + 1
    if one.channel.left or not one.plain or lost <= 0 or not one.fits(2):
        return None
    exact = one.channel.multiplier >> lost
    steps = _steps(one)
    for addend in range(-_CLOSE, _CLOSE + 1):
        for multiplier in range(exact - _CLOSE, exact + _CLOSE + 1):
            start = (one.zero_point << shift) + (1 << shift - 1) + addend
            finish = Finish(2, multiplier, start, shift)
            if all(_fixed_output(one, finish, total) == output for total, output in steps):
                return finish
    return None


def _steps(one: Sums) -> list[tuple[int, int]]:
    """Sums with their outputs: the last one before, and the first one from which it is larger."""
    steps = []
    low, last = one.lowest, one.output(one.lowest)
    while last < one.output(one.highest):
        high = one.highest
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (low, middle) if one.output(middle) > last else (middle, high)
        steps += [(low, last), (high, one.output(high))]
        low, last = steps[-1]
    return steps


def _fixed_output(one: Sums, finish: Finish, total: int) -> int:
    assert finish.scale is not None
    high = (total << finish.scale) * finish.multiplier >> 32
    return max(one.floor, min(INT8_MAX, high + finish.addend >> finish.right))


def _doubled(one: Sums, signed: bool) -> Finish | None:
    channel = one.channel
    if channel.left or not one.fits(1) or (not channel.right if signed else not one.plain):
        return None
    half = 1 << channel.right - 1 if channel.right else 0
    addend = (one.zero_point << channel.right) + half
    # Next to it there is a number of at most 2**30, and perhaps a 1.
    if abs(addend) >= 2**30 - 1:
        return None
    return Finish(1, channel.multiplier, addend, channel.right)
