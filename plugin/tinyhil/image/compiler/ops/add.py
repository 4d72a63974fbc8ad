"""ADD of two activations of one shape, or of one and a constant that is repeated over it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import ConstantArray, Lowered, channel_array, int32_array
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
from tinyhil.image.compiler.refusals import REQUANTIZE
from tinyhil.image.compiler.target import Target

NAME = "ADD"

_OPTIONS: Final = "AddOptions"
_EVERY: Final = range(INT8_MIN, INT8_MAX + 1)
_LEFT_SHIFT: Final = 20
"""The reference shifts both inputs before it scales them, the coarser one by exactly 1/2."""


def lower(node: Node, _target: Target) -> Lowered:
    """The coarser input comes first; of the other one, a table of all contributions."""
    if any(tensor is not None and tensor.data is not None for tensor in node.inputs[:2]):
        return _with_constant(node)
    order = (0, 1) if node.activation(0).scale >= node.activation(1).scale else (1, 0)
    coarse, fine = (node.activation(position) for position in order)
    shapes = {_without_leading_ones(tensor) for tensor in (coarse, fine, node.output)}
    node.check(len(shapes) == 1, "adds tensors of different shapes, which is not supported")
    twice = 2 * coarse.scale
    shared = coarse.zero_point << _LEFT_SHIFT - 1
    table = [made - shared for made in _contributions(fine, twice, _EVERY)]
    bound = 2 * ((INT8_MAX - INT8_MIN) << _LEFT_SHIFT - 1)
    return Lowered(
        kernel="add_s8",
        fields={
            "elements": node.output.elements,
            "output_zero_point": node.output.zero_point,
            **activation_fields(node, _OPTIONS),
        },
        arrays=(int32_array("second", table), _from_sum(node, bound, twice)),
        order=order,
        overlap=SAME_PLACE,
    )


def _with_constant(node: Node) -> Lowered:
    """What each value of the input contributes, and what each element of the constant does."""
    first = node.inputs[0]
    place = 0 if first is not None and first.data is None else 1
    source, constant = node.activation(place), node.constant(1 - place, "INT8")
    quantization = constant.quantization
    whole = quantization is not None and quantization.scales.size == 1
    node.check(whole, "has a constant that is not quantized as a whole", step=REQUANTIZE)
    assert constant.data is not None
    shape, repeated = _without_leading_ones(source), _without_leading_ones(constant)
    node.check(shape == _without_leading_ones(node.output), "has an output of another shape")
    suffix = shape[len(shape) - len(repeated) :] if len(repeated) <= len(shape) else ()
    node.check(repeated == suffix, "has a constant that does not repeat over leading axes alone")
    twice = 2 * max(source.scale, constant.scale)
    table = _contributions(source, twice, _EVERY)
    added = _contributions(constant, twice, constant.data.ravel().tolist())
    bound = max(map(abs, table)) + max(map(abs, added))
    return Lowered(
        kernel="add_constant_s8",
        fields={
            "elements": node.output.elements,
            "period": constant.elements,
            "output_zero_point": node.output.zero_point,
            **activation_fields(node, _OPTIONS),
        },
        arrays=(
            int32_array("table", table),
            int32_array("added", added),
            _from_sum(node, bound, twice),
        ),
        order=(place,),
        overlap=SAME_PLACE,
    )


def _contributions(tensor: Tensor, twice: float, values: Iterable[int]) -> list[int]:
    """What stored values add to a sum, in units that both inputs share."""
    multiplier, shift = quantize_multiplier(tensor.scale / twice)
    return [
        divide_by_power(
            multiply_high((value - tensor.zero_point) << _LEFT_SHIFT, multiplier), -shift
        )
        for value in values
    ]


def _from_sum(node: Node, bound: int, twice: float) -> ConstantArray:
    """From a sum of contributions, none beyond `bound`, to the output."""
    # The reference knows no factor of 1 or more here.
    factor = twice / (node.output.scale * 2**_LEFT_SHIFT)
    node.check(quantize_multiplier(factor)[1] <= 0, "has an output scale that is too small")
    return channel_array([channel(node, 0, bound, factor)])


def _without_leading_ones(tensor: Tensor) -> tuple[int, ...]:
    """A shape in which an image and a batch of one image are the same."""
    first = next((i for i, size in enumerate(tensor.shape) if size != 1), len(tensor.shape))
    return tensor.shape[first:]
