"""LOGISTIC and TANH of int16: what both share."""

from __future__ import annotations

import math
from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, int16_array
from tinyhil.image.compiler.plan import SAME_PLACE
from tinyhil.image.compiler.quantize import power_of_two

_UNIT: Final = 3 * 4096
"""Parts of 1 that the reference counts inputs in: a step of the table, 1/24, is 512 of them."""
_STEPS: Final = 256
_ONE_MORE: Final = frozenset({
    4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41,
    43, 44, 45, 46, 49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255,
})  # fmt: skip
"""Where its table has one more than the nearest number, as its outputs show: of TANH, with inputs
in steps of 1/48, they are the table itself."""
_LARGEST: Final = 32767.0
"""That the factor may be, with as many more bits behind the point as it has room for."""
_MOST_SHIFT: Final = 31


def curve(node: Node, *, tanh: bool) -> Lowered:
    """The factor from inputs to units of the table, and the table, of the logistic function."""
    source, result = node.activation(), node.output
    node.check(source.elements == result.elements, "changes the number of elements")
    node.check(result.scale == 2.0**-15, "has an output of another scale than 2**-15")
    factor, shift = source.scale * _UNIT, 0
    if power_of_two(source.scale) == -12:
        factor = 3.0
    else:
        while factor <= _LARGEST / 2 and shift < _MOST_SHIFT:
            factor, shift = factor * 2, shift + 1
    node.check(factor < 2**15, f"has an input scale of {source.scale}")
    values = [round(2**16 / (1 + math.exp(-i / 24))) + (i in _ONE_MORE) for i in range(_STEPS)]
    return Lowered(
        kernel="curve_s16",
        fields={
            "elements": result.elements,
            "tanh": int(tanh),
            "multiplier": int(factor),
            "shift": shift,
        },
        arrays=(int16_array("logistic", values, "uint16_t"),),
        overlap=SAME_PLACE,
    )
