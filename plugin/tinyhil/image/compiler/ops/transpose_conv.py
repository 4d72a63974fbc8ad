"""TRANSPOSE_CONV with a scale for each output channel; any window, stride and padding.

Of int16, biases are int64 or int32.
"""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, channel_array, int8_array
from tinyhil.image.compiler.quantize import (
    activation_fields,
    centered,
    factors_of,
    fits_int8,
    unfolded_channels,
)
from tinyhil.image.compiler.refusals import REQUANTIZE
from tinyhil.image.compiler.target import Target
from tinyhil.image.compiler.wide import wide_channels

NAME = "TRANSPOSE_CONV"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "TransposeConvOptions"
_SAME: Final = 0  # Padding of the schema


def lower(node: Node, _target: Target) -> Lowered:
    """Weights with one output channel's next to each other, as they are in the model."""
    weights, image, result = node.constant(1, "INT8"), node.activation(2), node.output
    assert weights.data is not None
    for tensor in (weights, image, result):
        shape = list(tensor.shape)
        node.check(len(shape) == 4, f"has a tensor of the shape {shape}, not of four axes")
    node.check(image.shape[0] == 1 and result.shape[0] == 1, "has a batch of more than one image")
    outputs, height, width, inputs = weights.shape
    node.check(inputs == image.shape[3], f"has weights for {inputs} of {image.shape[3]} channels")
    node.check(outputs == result.shape[3], f"has weights for {outputs} output channels")
    values = centered(node, weights)
    node.check(fits_int8(values), "has weights with a zero point", step=REQUANTIZE)
    flat = values.reshape(outputs, -1)
    multipliers = factors_of(node, image, weights, axis=0)
    strides = [int(node.option(_OPTIONS, f"Stride{axis}")) for axis in "HW"]
    fields = {
        "input_height": image.shape[1],
        "input_width": image.shape[2],
        "input_channels": inputs,
        "output_height": result.shape[1],
        "output_width": result.shape[2],
        "output_channels": outputs,
        "kernel_height": height,
        "kernel_width": width,
        "stride_height": strides[0],
        "stride_width": strides[1],
        "pad_top": _pad(node, 1, height, strides[0]),
        "pad_left": _pad(node, 2, width, strides[1]),
        **activation_fields(node, _OPTIONS),
    }
    if result.dtype == "INT16":
        kernel = "transpose_conv_s16"
        channels = wide_channels(node, flat, multipliers, bias=3)
    else:
        kernel = "transpose_conv_s8"
        channels = channel_array(unfolded_channels(node, flat, multipliers, bias=3))
        fields["input_zero_point"] = image.zero_point
        fields["output_zero_point"] = result.zero_point
    return Lowered(
        kernel=kernel,
        fields=fields,
        arrays=(int8_array("weights", flat), channels),
        macs=image.shape[1] * image.shape[2] * weights.elements,
        order=(2,),
    )


def _pad(node: Node, axis: int, size: int, stride: int) -> int:
    """Elements that windows hang over before the first output: that of a convolution back."""
    node.check(0 < stride < 2**16, f"has stride {stride}")
    outputs = node.output.shape[axis]
    padding = int(node.option(_OPTIONS, "Padding"))
    node.check(padding in (0, 1), f"has the padding {padding}, which is not known")
    back = -(-outputs // stride) if padding == _SAME else (outputs - size) // stride + 1
    return max(0, (back - 1) * stride + size - outputs) // 2
