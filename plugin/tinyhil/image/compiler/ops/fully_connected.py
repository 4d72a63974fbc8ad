"""FULLY_CONNECTED with one scale, or one for each output.

Of int16, biases are int64 or int32.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tinyhil.image.compiler.dsp import fully_connected as dsp_fully_connected
from tinyhil.image.compiler.general import dilated, wide
from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import (
    Lowered,
    channel_array,
    int8_array,
    interleave,
)
from tinyhil.image.compiler.mve import fully_connected as mve_fully_connected
from tinyhil.image.compiler.quantize import (
    activation_fields,
    centered,
    channels,
    fits_int8,
    weight_scales,
)
from tinyhil.image.compiler.target import Target

NAME = "FULLY_CONNECTED"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "FullyConnectedOptions"
_BLOCK: Final = 4
"""Outputs are rounded up to a multiple of this."""
_UNROLL: Final = 8
"""And inputs of this."""


def lower(node: Node, target: Target) -> Lowered:
    """Weights in pairs of outputs, both rounded up with zeros."""
    source, weights = node.activation(), node.constant(1, "INT8")
    assert weights.data is not None
    node.check(len(weights.shape) == 2, f"has weights of shape {list(weights.shape)}")
    node.check(node.option(_OPTIONS, "WeightsFormat") == 0, "has shuffled weights")
    outputs, inputs = weights.shape
    rows = source.elements // inputs
    node.check(source.elements == rows * inputs, f"has {source.elements} inputs, not {inputs}")
    node.check(node.output.elements == rows * outputs, f"does not have {rows * outputs} outputs")
    if node.output.dtype == "INT16":
        factors = multipliers(node, source, weights)
        return wide(node, _column(node, rows, weights), weights.data, factors)
    fields = {
        "rows": rows,
        "inputs": inputs,
        "outputs": outputs,
        "output_zero_point": node.output.zero_point,
        **activation_fields(node, _OPTIONS),
    }
    values = centered(node, weights)
    found = channels(node, values, multipliers(node, source, weights))
    if not fits_int8(values):
        return dilated(node, _column(node, rows, weights), weights, found)
    better = None
    if target.dsp:
        better = dsp_fully_connected.lower(fields, values, found)
    elif target.vectors:
        better = mve_fully_connected.lower(fields, values, found)
    if better is not None:
        return better
    padded = np.pad(values, ((0, -outputs % _BLOCK), (0, -inputs % _UNROLL)))
    return Lowered(
        kernel="fully_connected_s8",
        fields=fields,
        arrays=(int8_array("weights", interleave(padded, 2)), channel_array(found)),
        macs=rows * weights.elements,
        scratch_bytes=2 * padded.shape[1] if target.dsp else 0,
    )


def _column(node: Node, rows: int, weights: Tensor) -> dict[str, int]:
    """Fields of the convolution of a column of pixels that does the same."""
    outputs, inputs = weights.shape
    ones = ("kernel_height", "kernel_width", "stride_height", "stride_width",
            "dilation_height", "dilation_width", "input_width", "output_width")  # fmt: skip
    return {
        "input_height": rows,
        "output_height": rows,
        "input_channels": inputs,
        "output_channels": outputs,
        **dict.fromkeys(ones, 1),
        **activation_fields(node, _OPTIONS),
    }


def multipliers(node: Node, source: Tensor, weights: Tensor) -> list[float]:
    """Factors from sums to outputs.

    The reference multiplies a single weight scale in float32, several ones in float64.
    """
    scales = weight_scales(node, weights, weights.shape[0], axis=0)
    assert weights.quantization is not None
    products = source.scale * scales
    if weights.quantization.scales.size == 1:
        with np.errstate(over="ignore"):
            products = products.astype(np.float32).astype(np.float64)
    factors: list[float] = (products / node.output.scale).tolist()
    return factors
