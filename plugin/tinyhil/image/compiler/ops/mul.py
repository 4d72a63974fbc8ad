"""MUL of two tensors, axes of one element repeated; one of them may be a constant."""

from __future__ import annotations

from typing import Final

import numpy as np

from tinyhil.image.compiler.broadcast import pair
from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, channel_array
from tinyhil.image.compiler.quantize import activation_fields, channel
from tinyhil.image.compiler.target import Target

NAME = "MUL"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "MulOptions"
_LARGEST: Final = 255 * 255
"""Product of two stored values without their zero points."""
_LARGEST_WIDE: Final = 2**30
"""The same of int16."""


def lower(node: Node, _target: Target) -> Lowered:
    """The factor from products to outputs, of which the reference computes with floats."""
    both = pair(node)
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        scales = (both.first.scale, both.second.scale, node.output.scale)
        first, second, output = map(np.float32, scales)
        factor = float(first * second / output)
    wide = node.output.dtype == "INT16"
    zero_points = {
        "first_zero_point": both.first.zero_point,
        "second_zero_point": both.second.zero_point,
        "output_zero_point": node.output.zero_point,
    }
    largest = _LARGEST_WIDE if wide else _LARGEST
    return Lowered(
        kernel="mul_s16" if wide else "mul_s8",
        fields={
            **both.fields,
            **({} if wide else zero_points),
            **activation_fields(node, _OPTIONS),
        },
        arrays=(*both.arrays, channel_array([channel(node, 0, largest, factor)])),
        order=both.order,
        overlap=both.overlap,
    )
