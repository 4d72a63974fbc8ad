"""CONV_2D with a scale for each output channel; any window, stride, padding and dilation.

Of int16, biases are int64 or int32, and must be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.dsp import conv2d as dsp_conv2d
from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import (
    Lowered,
    channel_array,
    int8_array,
    interleave,
    stored_array,
)
from tinyhil.image.compiler.mve import conv2d as mve_conv2d
from tinyhil.image.compiler.overlaps import reach_overlap
from tinyhil.image.compiler.packed import ALWAYS_FITS, packed_sums_fit
from tinyhil.image.compiler.quantize import (
    Channel,
    activation_fields,
    centered,
    channels,
    factors_of,
    fits_int8,
    weights_zero_point,
)
from tinyhil.image.compiler.target import Target
from tinyhil.image.compiler.wide import wide_channels
from tinyhil.image.compiler.window import Axis, dilation_fields, window_fields, windows

NAME = "CONV_2D"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "Conv2DOptions"
_UNROLL: Final = 8
"""A patch is rounded up to this many elements."""


def lower(node: Node, target: Target) -> Lowered:
    """Weights in pairs of output channels, patches rounded up with zeros."""
    image, weights = node.activation(), node.constant(1, "INT8")
    assert weights.data is not None
    node.check(len(weights.shape) == 4, f"has weights of shape {list(weights.shape)}")
    outputs, height, width, inputs = weights.shape
    vertical, horizontal = windows(node, _OPTIONS, height, width)
    node.check(inputs == image.shape[3], f"has weights for {inputs} of {image.shape[3]} channels")
    node.check(outputs == node.output.shape[3], f"has weights for {outputs} output channels")
    multipliers = factors_of(node, image, weights, axis=0)
    values = centered(node, weights)
    flat = values.reshape(outputs, -1)
    if node.output.dtype == "INT16":
        return _wide(node, vertical, horizontal, flat, multipliers)
    patch = flat.shape[1] + -flat.shape[1] % _UNROLL
    padded = np.pad(flat, ((0, 0), (0, patch - flat.shape[1])))
    fields = {
        **window_fields(node, vertical, horizontal),
        "input_channels": inputs,
        "output_channels": outputs,
        "patch": patch,
        "run": patch if packed_sums_fit(flat) else ALWAYS_FITS // _UNROLL * _UNROLL,
        "input_zero_point": image.zero_point,
        "output_zero_point": node.output.zero_point,
        **activation_fields(node, _OPTIONS),
    }
    found = channels(node, flat, multipliers)
    if max(vertical.dilation, horizontal.dilation) > 1:
        return _dilated(node, vertical, horizontal, weights, found)
    better = None
    if target.dsp:
        better = dsp_conv2d.lower(fields, values, found, target)
    elif target.vectors and fits_int8(values):
        better = mve_conv2d.lower(fields, values, found)
    if better is not None:
        return better
    if not fits_int8(values):
        return _dilated(node, vertical, horizontal, weights, found)
    return Lowered(
        kernel="conv2d_s8",
        fields=fields,
        arrays=(int8_array("weights", interleave(padded, 2)), channel_array(found)),
        macs=vertical.outputs * horizontal.outputs * weights.elements,
        scratch_bytes=8 * patch,
        # Helium's twin reads pixels where they are.
        overlap=None if target.vectors else reach_overlap(fields),
    )


def _wide(
    node: Node, vertical: Axis, horizontal: Axis, flat: NDArray[Any], multipliers: list[float]
) -> Lowered:
    """Of int16, for windows of any kind; `flat` are weights [channels, inputs]."""
    node.check(len(node.inputs) > 2 and node.inputs[2] is not None, "has int16 and no biases")
    fields = {
        **window_fields(node, vertical, horizontal),
        **dilation_fields(vertical, horizontal),
        "input_channels": node.activation().shape[3],
        "output_channels": len(flat),
        **activation_fields(node, _OPTIONS),
    }
    return Lowered(
        kernel="conv2d_s16",
        fields=fields,
        arrays=(int8_array("weights", flat), wide_channels(node, flat, multipliers)),
        macs=vertical.outputs * horizontal.outputs * flat.size,
    )


def _dilated(
    node: Node, vertical: Axis, horizontal: Axis, weights: Tensor, found: Sequence[Channel]
) -> Lowered:
    """Of windows whose elements are apart, or of weights with a zero point."""
    image, size = node.activation(), weights.elements // len(found)
    fields = {
        **window_fields(node, vertical, horizontal),
        **dilation_fields(vertical, horizontal),
        "input_channels": image.shape[3],
        "output_channels": len(found),
        "weights_zero_point": weights_zero_point(node, weights),
        "input_zero_point": image.zero_point,
        "output_zero_point": node.output.zero_point,
        **activation_fields(node, _OPTIONS),
    }
    return Lowered(
        kernel="conv2d_dilated_s8",
        fields=fields,
        arrays=(stored_array("weights", weights), channel_array(found)),
        macs=vertical.outputs * horizontal.outputs * weights.elements,
        scratch_bytes=size,
    )
