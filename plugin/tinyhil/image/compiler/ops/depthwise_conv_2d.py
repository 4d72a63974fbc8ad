"""DEPTHWISE_CONV_2D with a scale for each channel; any window, stride, padding and dilation.

Of int16, biases are int64, and must be there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from numpy.typing import NDArray

from tinyhil.image.compiler.dsp import depthwise as dsp_depthwise
from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import Lowered, channel_array, int8_array, stored_array
from tinyhil.image.compiler.mve import depthwise as mve_depthwise
from tinyhil.image.compiler.packed import packed_sums_fit
from tinyhil.image.compiler.plan import SAME_PLACE
from tinyhil.image.compiler.quantize import (
    activation_fields,
    centered,
    channels,
    factors_of,
    fits_int8,
    unfolded_channels,
    weights_zero_point,
)
from tinyhil.image.compiler.target import Target
from tinyhil.image.compiler.wide import wide_channels
from tinyhil.image.compiler.window import Axis, dilation_fields, window_fields, windows

NAME = "DEPTHWISE_CONV_2D"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "DepthwiseConv2DOptions"
_BLOCK: Final = 8
"""So many channels are done at once by a kernel that does several."""


def lower(node: Node, target: Target) -> Lowered:
    """Weights with one channel's taps next to each other."""
    image, weights = node.activation(), node.constant(1, "INT8")
    assert weights.data is not None
    node.check(
        len(weights.shape) == 4 and weights.shape[0] == 1,
        f"has weights of shape {list(weights.shape)}",
    )
    _, height, width, outputs = weights.shape
    vertical, horizontal = windows(node, _OPTIONS, height, width)
    inputs = image.shape[3]
    multiplier = outputs // inputs
    # The options repeat the multiplier; the shapes decide, as in the reference.
    node.check(outputs == multiplier * inputs, f"has {outputs} outputs for {inputs} channels")
    node.check(outputs == node.output.shape[3], f"has weights for {outputs} output channels")
    flat = centered(node, weights).reshape(-1, outputs).T
    multipliers = factors_of(node, image, weights, axis=3)
    if node.output.dtype == "INT16":
        return _wide(node, vertical, horizontal, flat, multipliers)
    if max(vertical.dilation, horizontal.dilation) > 1 or not packed_sums_fit(flat):
        return _dilated(node, vertical, horizontal, weights, multipliers)
    half = -(-vertical.outputs // 2)  # rows of outputs in each half of the folded plane
    plane_height = (half - 1) * vertical.stride + height
    plane_width = horizontal.reach
    fields = {
        **window_fields(node, vertical, horizontal),
        "input_channels": inputs,
        "multiplier": multiplier,
        "plane_height": plane_height,
        "plane_width": plane_width,
        "input_zero_point": image.zero_point,
        "output_zero_point": node.output.zero_point,
        **activation_fields(node, _OPTIONS),
    }
    found = channels(node, flat, multipliers)
    better, kernel = None, flat.reshape(outputs, height, width)
    if target.dsp:
        better = dsp_depthwise.lower(fields, kernel, found)
    elif target.vectors and fits_int8(flat):
        better = mve_depthwise.lower(fields, kernel, found)
    if not fits_int8(flat):
        return better or _dilated(node, vertical, horizontal, weights, multipliers)
    general = Lowered(
        kernel="depthwise_conv2d_s8",
        fields=fields,
        arrays=(int8_array("weights", flat), channel_array(found)),
        macs=vertical.outputs * horizontal.outputs * weights.elements,
        scratch_bytes=max(
            4 * 2 * half + 4 * plane_height * plane_width,
            _BLOCK * height * (2 * width + plane_width),
        ),
        # A channel is copied whole before its outputs are written, but not by Helium's twin.
        overlap=SAME_PLACE if multiplier == 1 and not target.vectors else None,
    )
    if better is None:
        return general
    if target.vectors and vertical.stride == 2:  # there it may be faster, in more memory
        general = replace(general, spare=True, form="8 channels")
        return replace(better, others=(*better.others, general))
    return better


def _wide(
    node: Node, vertical: Axis, horizontal: Axis, flat: NDArray[Any], multipliers: list[float]
) -> Lowered:
    """Of int16, for windows of any kind; `flat` are weights [channels, elements]."""
    node.constant(2, "INT64")
    inputs = node.activation().shape[3]
    fields = {
        **window_fields(node, vertical, horizontal),
        **dilation_fields(vertical, horizontal),
        "input_channels": inputs,
        "multiplier": len(flat) // inputs,
        **activation_fields(node, _OPTIONS),
    }
    return Lowered(
        kernel="depthwise_conv2d_s16",
        fields=fields,
        arrays=(int8_array("weights", flat.T), wide_channels(node, flat, multipliers)),
        macs=vertical.outputs * horizontal.outputs * flat.size,
    )


def _dilated(
    node: Node, vertical: Axis, horizontal: Axis, weights: Tensor, multipliers: list[float]
) -> Lowered:
    """Of windows whose elements are apart, or large, or of weights with a zero point."""
    image, outputs = node.activation(), weights.shape[3]
    fields = {
        **window_fields(node, vertical, horizontal),
        **dilation_fields(vertical, horizontal),
        "input_channels": image.shape[3],
        "multiplier": outputs // image.shape[3],
        "weights_zero_point": weights_zero_point(node, weights),
        "input_zero_point": image.zero_point,
        "output_zero_point": node.output.zero_point,
        **activation_fields(node, _OPTIONS),
    }
    flat = centered(node, weights).reshape(-1, outputs).T
    found = unfolded_channels(node, flat, multipliers)
    return Lowered(
        kernel="depthwise_dilated_s8",
        fields=fields,
        arrays=(stored_array("weights", weights), channel_array(found)),
        macs=vertical.outputs * horizontal.outputs * weights.elements,
    )
