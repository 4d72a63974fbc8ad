"""What values each channel of an activation can have, whatever the model's input is.

Each channel of the input may be anything from -128 to 127. A sum of products lies between the sums
of its terms' bounds; where a window may hang over the edge, its terms may be those of the padding
too; and outputs never fall as sums rise. Channels count as independent of each other: the bounds
may be wider than what is true, never narrower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.graph import Graph, Node
from tinyhil.image.compiler.ops import fully_connected
from tinyhil.image.compiler.quantize import (
    INT8_MAX,
    INT8_MIN,
    activation_fields,
    divide_by_power,
    multiply_high,
    quantize_multiplier,
    weight_scales,
)

_SAME = 0  # Padding of the schema


@dataclass(frozen=True)
class Range:
    """Least and greatest stored value of each channel, the last axis of a tensor."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Which channels have one value only."""
        same: NDArray[np.bool_] = self.low == self.high
        return same


def ranges(graph: Graph) -> Mapping[int, Range]:
    """By index of each activation; operators must have been checked by their own modules."""
    there = (*graph.inputs, *(variable.tensor for variable in graph.variables))
    found = {tensor.index: _anything(tensor.channels) for tensor in there}
    for node in graph.nodes:
        source = next(t for t in node.inputs if t is not None and t.data is None)
        channels = node.output.channels
        known = node.output.dtype == "INT8" and not node.legacy
        made = _range(node, found[source.index]) if known else _anything(channels)
        # A FULLY_CONNECTED may have its outputs in another shape.
        found[node.output.index] = made if len(made.low) == channels else _anything(channels)
    return found


def padded(node: Node) -> bool:
    """Whether a CONV_2D's or DEPTHWISE_CONV_2D's window may hang over the edge."""
    weights = node.constant(1, "INT8")
    same = int(node.options["Padding"]) == _SAME
    return any(node.around) or (same and weights.shape[1] * weights.shape[2] > 1)


def _anything(channels: int) -> Range:
    return Range(np.full(channels, INT8_MIN), np.full(channels, INT8_MAX))


def _range(node: Node, source: Range) -> Range:
    channels = node.output.channels
    if node.name == "CONV_2D":
        weights = node.constant(1, "INT8")
        assert weights.data is not None
        real = node.activation().scale * weight_scales(node, weights, channels, 0)
        flat = weights.data.reshape(channels, -1)
        factors = (real / node.output.scale).tolist()
        return _sums(node, flat, source, factors, "Conv2DOptions", padded=padded(node))
    if node.name == "DEPTHWISE_CONV_2D" and len(source.low) == channels:
        weights = node.constant(1, "INT8")
        assert weights.data is not None
        real = node.activation().scale * weight_scales(node, weights, channels, 3)
        flat = weights.data.reshape(-1, channels).T
        factors = (real / node.output.scale).tolist()
        options = "DepthwiseConv2DOptions"
        own = Range(source.low[:, None], source.high[:, None])
        return _sums(node, flat, own, factors, options, padded=padded(node))
    if node.name == "FULLY_CONNECTED" and len(source.low) == node.constant(1, "INT8").shape[1]:
        weights = node.constant(1, "INT8")
        assert weights.data is not None
        factors = fully_connected.multipliers(node, node.activation(), weights)
        return _sums(node, weights.data, source, factors, "FullyConnectedOptions", padded=False)
    if node.name == "RESHAPE" and len(source.low) == channels:
        return source
    if node.name == "AVERAGE_POOL_2D":
        bounds = activation_fields(node, "Pool2DOptions")
        low, high = bounds["activation_min"], bounds["activation_max"]
        return Range(source.low.clip(low, high), source.high.clip(low, high))
    return _anything(channels)


def _sums(
    node: Node,
    weights: NDArray[Any],
    source: Range,
    factors: list[float],
    options: str,
    *,
    padded: bool,
) -> Range:
    """Of an operator with weights [channels, inputs]; inputs are channels again and again."""
    wide = weights.astype(np.int64)
    zero_point = node.activation().zero_point
    low, high = source.low - zero_point, source.high - zero_point
    if padded:
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    if low.ndim == 1:
        low, high = (np.tile(end, wide.shape[1] // len(end)) for end in (low, high))
    bias = node.optional_constant(2, "INT32")
    start = 0 if bias is None or bias.data is None else bias.data.reshape(-1).astype(np.int64)
    least = np.minimum(wide * low, wide * high).sum(axis=1) + start
    most = np.maximum(wide * low, wide * high).sum(axis=1) + start
    bounds = activation_fields(node, options)

    def outputs(totals: NDArray[np.int64]) -> NDArray[np.int64]:
        values = []
        for total, factor in zip(totals.tolist(), factors, strict=True):
            multiplier, shift = quantize_multiplier(factor)
            scaled = multiply_high(total << max(shift, 0), multiplier)
            values.append(divide_by_power(scaled, max(-shift, 0)) + node.output.zero_point)
        return np.array(values, np.int64).clip(bounds["activation_min"], bounds["activation_max"])

    return Range(outputs(least), outputs(most))
