"""The general forms of a convolution: FULLY_CONNECTED is one of a column of pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import Lowered, channel_array, int8_array, stored_array
from tinyhil.image.compiler.quantize import Channel, weights_zero_point
from tinyhil.image.compiler.wide import wide_channels


def dilated(
    node: Node, fields: Mapping[str, int], weights: Tensor, found: Sequence[Channel]
) -> Lowered:
    """Of windows whose elements are apart, or of weights with a zero point.

    Args:
        node: the operator.
        fields: of its window, its channels and its activation.
        weights: of any shape, the output channels first.
        found: output channels.
    """
    return Lowered(
        kernel="conv2d_dilated_s8",
        fields={
            **fields,
            "weights_zero_point": weights_zero_point(node, weights),
            "input_zero_point": node.activation().zero_point,
            "output_zero_point": node.output.zero_point,
        },
        arrays=(stored_array("weights", weights), channel_array(found)),
        macs=fields["output_height"] * fields["output_width"] * weights.elements,
        scratch_bytes=weights.elements // len(found),
    )


def wide(
    node: Node, fields: Mapping[str, int], flat: NDArray[Any], multipliers: list[float]
) -> Lowered:
    """Of int16, for windows of any kind; `flat` are weights [channels, inputs]."""
    return Lowered(
        kernel="conv2d_s16",
        fields=fields,
        arrays=(int8_array("weights", flat), wide_channels(node, flat, multipliers)),
        macs=fields["output_height"] * fields["output_width"] * flat.size,
    )
