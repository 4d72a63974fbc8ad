"""CONV_2D with a scale for each output channel; any window, stride, padding and dilation.

Of int16, biases are int64 or int32, and must be there.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tinyhil.image.compiler.dsp import conv2d as dsp_conv2d
from tinyhil.image.compiler.general import dilated, wide
from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import (
    Lowered,
    channel_array,
    int8_array,
    interleave,
)
from tinyhil.image.compiler.mve import conv2d as mve_conv2d
from tinyhil.image.compiler.overlaps import reach_overlap
from tinyhil.image.compiler.packed import ALWAYS_FITS, packed_sums_fit
from tinyhil.image.compiler.quantize import (
    activation_fields,
    centered,
    channels,
    factors_of,
    fits_int8,
)
from tinyhil.image.compiler.target import Target
from tinyhil.image.compiler.window import dilation_fields, window_fields, windows

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
    general = {
        **window_fields(node, vertical, horizontal),
        "input_channels": inputs,
        "output_channels": outputs,
        **activation_fields(node, _OPTIONS),
    }
    apart = {**general, **dilation_fields(vertical, horizontal)}
    if node.output.dtype == "INT16":
        node.check(len(node.inputs) > 2 and node.inputs[2] is not None, "has int16 and no biases")
        return wide(node, apart, flat, multipliers)
    patch = flat.shape[1] + -flat.shape[1] % _UNROLL
    padded = np.pad(flat, ((0, 0), (0, patch - flat.shape[1])))
    fields = {
        **general,
        "patch": patch,
        "run": patch if packed_sums_fit(flat) else ALWAYS_FITS // _UNROLL * _UNROLL,
        "input_zero_point": image.zero_point,
        "output_zero_point": node.output.zero_point,
    }
    found = channels(node, flat, multipliers)
    if max(vertical.dilation, horizontal.dilation) > 1:
        return dilated(node, apart, weights, found)
    better = None
    if target.dsp:
        better = dsp_conv2d.lower(fields, values, found, target)
    elif target.vectors and fits_int8(values):
        better = mve_conv2d.lower(fields, values, found)
    if better is not None:
        return better
    if not fits_int8(values):
        return dilated(node, apart, weights, found)
    return Lowered(
        kernel="conv2d_s8",
        fields=fields,
        arrays=(int8_array("weights", interleave(padded, 2)), channel_array(found)),
        macs=vertical.outputs * horizontal.outputs * weights.elements,
        scratch_bytes=8 * patch,
        # Helium's twin reads pixels where they are.
        overlap=None if target.vectors else reach_overlap(fields),
    )
