"""SOFTMAX over the last axis, with the exponentials tabulated.

An int8 input is at most 255 steps below its row's maximum, so the compiler computes every
exponential that can occur, in the fixed-point arithmetic of the TensorFlow Lite reference. Where
the sum of exponentials is 512 or more, such as of 512 equal inputs, the reference shifts numbers of
32 bits by more bits than they have: its outputs then are those of Arm's processors here, near 0.
Numbers are written as Qi: i integer bits, a sign and 31 - i fractional bits.
"""

from __future__ import annotations

import math
from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import (
    Lowered,
    channel_array,
    int16_array,
    int32_array,
)
from tinyhil.image.compiler.plan import SAME_PLACE
from tinyhil.image.compiler.quantize import (
    INT8_MIN,
    channel,
    divide_by_power,
    multiply_high,
    quantize_multiplier,
)
from tinyhil.image.compiler.table import interpolated
from tinyhil.image.compiler.target import Target

NAME = "SOFTMAX"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "SoftmaxOptions"
_INTEGER_BITS: Final = 5
"""Of a scaled distance from the maximum."""
_MAX_CLASSES: Final = 8191
"""More might overflow the sum, which has 12 integer bits and, as the reference, no sign."""
_SMALLEST_SCALE: Final = 2.0**-26
"""The reference takes larger ones only."""
_ONE: Final = 2**31 - 1  # Q0, saturated
_QUARTER: Final = 2**24  # Q5
# exp(-2**e) as Q0 for e = -2 to 4.
_POWERS: Final = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def lower(node: Node, _target: Target) -> Lowered:
    """The table for this input scale."""
    source, result = node.activation(), node.output
    beta = float(node.option(_OPTIONS, "Beta"))
    node.check(source.shape == result.shape and len(source.shape) > 0, "changes the shape")
    classes = source.shape[-1]
    if result.dtype == "INT16":
        return _wide(node, beta)
    node.check(
        (result.scale, result.zero_point) == (1 / 256, INT8_MIN),
        "has an output of another scale than 1/256 or zero point than -128",
    )
    node.check(classes <= _MAX_CLASSES, f"has {classes} classes, more than {_MAX_CLASSES}")
    node.check(math.isfinite(beta) and beta > 0, f"has beta {beta}")
    node.check(source.scale * beta > _SMALLEST_SCALE, f"has an input scale of {source.scale}")
    table = exponentials(source.scale * beta)
    return Lowered(
        kernel="softmax_s8",
        fields={
            "rows": source.elements // classes,
            "classes": classes,
            "exponentials_count": len(table),
        },
        arrays=(int32_array("exponentials", table),),
    )


def _wide(node: Node, beta: float) -> Lowered:
    """Of int16: with exponentials of -10 to 0 and reciprocals of 1 to 2, both of 513 steps."""
    source = node.activation()
    classes = source.shape[-1]
    node.check(node.output.scale == 2.0**-15, "has an output of another scale than 2**-15")
    node.check(classes < 2**16, f"has {classes} classes, more than {2**16 - 1}")
    node.check(math.isfinite(beta) and beta > 0, f"has beta {beta}")
    factor = channel(node, 0, 2**16, source.scale * beta / (10.0 / 65535.0))
    return Lowered(
        kernel="softmax_s16",
        fields={"rows": source.elements // classes, "classes": classes},
        arrays=(
            int16_array("exponentials", interpolated(math.exp, -10.0, 0.0)),
            int16_array("reciprocals", interpolated(lambda x: 1.0 / (1.0 + x), 0.0, 1.0)),
            channel_array([factor]),
        ),
        overlap=SAME_PLACE,
    )


def exponentials(scale: float) -> list[int]:
    """exp(-d * scale) as Q0 for d = 0, 1, ... as far as the reference does not call it zero."""
    real = min(scale * 2 ** (31 - _INTEGER_BITS), 2**31 - 1.0)
    multiplier, shift = quantize_multiplier(real)
    limit = math.floor((2**_INTEGER_BITS - 1) * 2 ** (31 - _INTEGER_BITS) / 2**shift)
    return [
        _exponential(multiply_high(-distance << shift, multiplier))
        for distance in range(min(limit, 255) + 1)
    ]


def _exponential(value: int) -> int:
    """exp(value) as Q0 of a value <= 0 as Q5."""
    if value == 0:
        return _ONE
    rest = (value & (_QUARTER - 1)) - _QUARTER  # in [-1/4, 0)
    result = _exponential_of_quarter(rest << _INTEGER_BITS)
    quarters = (rest - value) // _QUARTER
    for bit, power in enumerate(_POWERS):
        if quarters >> bit & 1:
            result = multiply_high(result, power)
    return result


def _exponential_of_quarter(value: int) -> int:
    """exp(value) for value in [-1/4, 0), both Q0: a Taylor polynomial of degree 4 about -1/8."""
    center = 1895147668  # exp(-1/8)
    third = 715827883
    x = value + 2**28
    x2 = multiply_high(x, x)
    x3 = multiply_high(x2, x)
    x4 = multiply_high(x2, x2)
    higher = divide_by_power(multiply_high(divide_by_power(x4, 2) + x3, third) + x2, 1)
    return center + multiply_high(center, x + higher)
