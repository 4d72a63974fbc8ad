"""ADD of two activations, one of whose inputs is tabulated."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import Lowered, channel_array, int32_array
from tinyhil.image.compiler.plan import SAME_PLACE
from tinyhil.image.compiler.quantize import (
    INT8_MAX,
    INT8_MIN,
    activation_fields,
    channel,
    divide_by_power,
    multiply_high,
    quantize_multiplier,
)
from tinyhil.image.compiler.target import Target

NAME = "ADD"

_OPTIONS: Final = "AddOptions"
_LEFT_SHIFT: Final = 20
"""The reference shifts both inputs before it scales them, the coarser one by exactly 1/2."""


def lower(node: Node, _target: Target) -> Lowered:
    """The coarser input comes first; of the other one, a table of all contributions."""
    order = (0, 1) if node.activation(0).scale >= node.activation(1).scale else (1, 0)
    coarse, fine = (node.activation(position) for position in order)
    shapes = {_without_leading_ones(tensor) for tensor in (coarse, fine, node.output)}
    node.check(len(shapes) == 1, "adds tensors of different shapes, which is not supported")
    twice = 2 * coarse.scale
    multiplier, shift = quantize_multiplier(fine.scale / twice)
    shared = coarse.zero_point << _LEFT_SHIFT - 1
    table = [
        divide_by_power(multiply_high((value - fine.zero_point) << _LEFT_SHIFT, multiplier), -shift)
        - shared
        for value in range(INT8_MIN, INT8_MAX + 1)
    ]
    # The reference knows no factor of 1 or more here.
    factor = twice / (node.output.scale * 2**_LEFT_SHIFT)
    node.check(quantize_multiplier(factor)[1] <= 0, "has an output scale that is too small")
    bound = 2 * ((INT8_MAX - INT8_MIN) << _LEFT_SHIFT - 1)
    return Lowered(
        kernel="add_s8",
        fields={
            "elements": node.output.elements,
            "output_zero_point": node.output.zero_point,
            **activation_fields(node, _OPTIONS),
        },
        arrays=(int32_array("second", table), channel_array([channel(node, 0, bound, factor)])),
        order=order,
        overlap=SAME_PLACE,
    )


def _without_leading_ones(tensor: Tensor) -> tuple[int, ...]:
    """A shape in which an image and a batch of one image are the same."""
    first = next((i for i, size in enumerate(tensor.shape) if size != 1), len(tensor.shape))
    return tensor.shape[first:]
