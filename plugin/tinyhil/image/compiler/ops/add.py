"""ADD of two tensors, axes of one element repeated; one of them may be a constant."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import Lowered, int32_array
from tinyhil.image.compiler.plan import SAME_PLACE
from tinyhil.image.compiler.quantize import INT8_MAX, INT8_MIN, activation_fields
from tinyhil.image.compiler.refusals import REQUANTIZE
from tinyhil.image.compiler.sums import EVERY, LEFT_SHIFT, contributions, from_sum, summed
from tinyhil.image.compiler.target import Target

NAME = "ADD"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "AddOptions"


def lower(node: Node, _target: Target) -> Lowered:
    """The coarser input comes first; of the other one, a table of all contributions."""
    if node.output.dtype == "INT16":
        return summed(node, _OPTIONS, 1)
    if any(tensor is not None and tensor.data is not None for tensor in node.inputs[:2]):
        return _with_constant(node)
    order = (0, 1) if node.activation(0).scale >= node.activation(1).scale else (1, 0)
    coarse, fine = (node.activation(position) for position in order)
    shapes = {_without_leading_ones(tensor) for tensor in (coarse, fine, node.output)}
    if len(shapes) > 1:
        return summed(node, _OPTIONS, 1)
    twice = 2 * coarse.scale
    shared = coarse.zero_point << LEFT_SHIFT - 1
    table = [made - shared for made in contributions(fine, twice, EVERY)]
    bound = 2 * ((INT8_MAX - INT8_MIN) << LEFT_SHIFT - 1)
    return Lowered(
        kernel="add_s8",
        fields={
            "elements": node.output.elements,
            "output_zero_point": node.output.zero_point,
            **activation_fields(node, _OPTIONS),
        },
        arrays=(int32_array("second", table), from_sum(node, bound, twice)),
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
    suffix = shape[len(shape) - len(repeated) :] if len(repeated) <= len(shape) else ()
    if shape != _without_leading_ones(node.output) or repeated != suffix:
        return summed(node, _OPTIONS, 1)
    twice = 2 * max(source.scale, constant.scale)
    table = contributions(source, twice, EVERY)
    added = contributions(constant, twice, constant.data.ravel().tolist())
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
            from_sum(node, bound, twice),
        ),
        order=(place,),
        overlap=SAME_PLACE,
    )


def _without_leading_ones(tensor: Tensor) -> tuple[int, ...]:
    """A shape in which an image and a batch of one image are the same."""
    first = next((i for i, size in enumerate(tensor.shape) if size != 1), len(tensor.shape))
    return tensor.shape[first:]
