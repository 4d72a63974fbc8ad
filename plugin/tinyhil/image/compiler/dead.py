"""Leaves out channels that are proved constant, or that nothing reads.

What a constant channel adds to its reader's sums goes into the reader's bias. A channel is unread
where all weights for it are zero, of those of its reader's outputs that are read themselves. Both
hold for every input, so this is dead code; no output of the model changes.

Channels are left out from the operator that makes them up to the one that mixes them: through
depthwise convolutions, pooling and RESHAPE, as long as each has one reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.graph import Graph, Node, Tensor
from tinyhil.image.compiler.intervals import Range, padded, ranges

_MIXERS: Final = ("CONV_2D", "FULLY_CONNECTED")
_CARRIERS: Final = ("DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "RESHAPE")
_MULTIPLE: Final = 4
"""Kernels want so many channels: as many dead ones stay, with weights of zero."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Dead:
    """Output channels that are not computed, from one operator to the next one that mixes them."""

    constant: int = 0
    unread: int = 0


@dataclass(frozen=True)
class _Group:
    """Operators that have the same channels."""

    maker: int
    carriers: tuple[int, ...]
    reader: int


@dataclass(frozen=True)
class _Cut:
    """Of a group's channels: those that stay, in order, and which of them have no weights."""

    kept: NDArray[np.int64]
    empty: NDArray[np.int64]
    """Places in `kept`."""
    values: NDArray[np.int64]
    """By channel, what the reader sees of it less the zero point; 0 where it matters not."""


def fold(graph: Graph) -> tuple[Graph, Mapping[int, Dead]]:
    """The graph without its dead channels, and which, by index of the operator that makes them."""
    found = ranges(graph)
    groups = _groups(graph)
    nodes = list(graph.nodes)
    dead: dict[int, Mask] = {}
    report: dict[int, Dead] = {}
    cuts: dict[_Group, _Cut] = {}
    for group in reversed(groups):  # from the back, so that what is unread spreads
        last = nodes[(group.maker, *group.carriers)[-1]]
        constant, unread = _dead(nodes[group.reader], found[last.output.index], dead)
        mask = constant | unread
        dead[nodes[group.maker].index] = mask
        if mask.any():
            told = Dead(int(constant.sum()), int((unread & ~constant).sum()))
            report[nodes[group.maker].index] = told
            cuts[group] = _cut(mask, constant, found[last.output.index], nodes[group.reader])
    for group, cut in cuts.items():
        nodes[group.maker] = _outputs_cut(nodes[group.maker], cut)
        for i in group.carriers:
            nodes[i] = _carrier_cut(nodes[i], cut)
        nodes[group.reader] = _inputs_cut(nodes[group.reader], cut)
    return replace(graph, nodes=tuple(nodes)), report


def _groups(graph: Graph) -> list[_Group]:
    """All groups, in the order of their makers."""
    readers: dict[int, list[int]] = {tensor.index: [-1] for tensor in graph.outputs}
    for i, node in enumerate(graph.nodes):
        for tensor in node.inputs:
            if tensor is not None and tensor.data is None and not node.folded:
                readers.setdefault(tensor.index, []).append(i)
    found = (
        _group(graph, maker, readers)
        for maker, node in enumerate(graph.nodes)
        if node.name in _MIXERS and node.output.dtype == "INT8" and not node.legacy
    )
    return [group for group in found if group is not None]


def _group(graph: Graph, maker: int, readers: Mapping[int, list[int]]) -> _Group | None:
    carriers: list[int] = []
    output = graph.nodes[maker].output
    channels = output.channels
    if graph.nodes[maker].constant(1, "INT8").shape[0] != channels:
        return None
    while len(following := readers.get(output.index, [])) == 1 and following[0] >= 0:
        node = graph.nodes[following[0]]
        if node.name in _MIXERS:
            fits = node.constant(1, "INT8").shape[-1] == channels
            return _Group(maker, tuple(carriers), following[0]) if fits else None
        if node.name not in _CARRIERS or node.output.channels != channels:
            return None
        carriers.append(following[0])
        output = node.output
    return None


def _dead(reader: Node, source: Range, dead: Mapping[int, Mask]) -> tuple[Mask, Mask]:
    """Which channels of what `reader` reads are constant, and which unread."""
    weights = reader.constant(1, "INT8")
    assert weights.data is not None
    rows = weights.data.reshape(weights.shape[0], -1, len(source.low))
    live = ~dead.get(reader.index, np.zeros(len(rows), np.bool_))
    constant = source.constant
    if reader.name == "CONV_2D" and padded(reader):
        # Beside the image there is the zero point: only that is the same everywhere.
        constant = constant & (source.low == reader.activation().zero_point)
    return constant, (rows[live] == 0).all(axis=(0, 1))


def _cut(mask: Mask, constant: Mask, source: Range, reader: Node) -> _Cut:
    live = np.flatnonzero(~mask)
    missing = _MULTIPLE if live.size == 0 else -live.size % _MULTIPLE
    fillers = np.flatnonzero(mask)[:missing]
    kept = np.sort(np.concatenate([live, fillers]))
    values = np.where(constant, source.low - reader.activation().zero_point, 0)
    return _Cut(kept, np.flatnonzero(np.isin(kept, fillers)), values)


def _outputs_cut(node: Node, cut: _Cut) -> Node:
    source, weights, *rest = node.inputs
    assert weights is not None
    axis = 3 if node.name == "DEPTHWISE_CONV_2D" else 0
    others = [tensor and _taken(tensor, cut, 0) for tensor in rest]
    inputs = (source, _taken(weights, cut, axis), *others)
    return replace(node, inputs=inputs, output=_taken(node.output, cut, -1))


def _carrier_cut(node: Node, cut: _Cut) -> Node:
    source = node.inputs[0]
    assert source is not None
    if node.name == "DEPTHWISE_CONV_2D":
        node = _outputs_cut(node, cut)
    inputs = (_taken(source, cut, -1), *node.inputs[1:])
    return replace(node, inputs=inputs, output=_taken(node.output, cut, -1))


def _inputs_cut(node: Node, cut: _Cut) -> Node:
    source, weights = node.activation(), node.constant(1, "INT8")
    assert weights.data is not None
    outputs = weights.shape[0]
    bias = node.optional_constant(2, "INT32")
    start = 0 if bias is None or bias.data is None else bias.data.reshape(-1).astype(np.int64)
    gained = weights.data.astype(np.int64).reshape(outputs, -1, len(cut.values)).sum(axis=1)
    # As large as the sums at most, of which their operator's module has proved that they fit.
    data = (start + gained @ cut.values).astype(np.int32)
    folded = Tensor(-1, "INT32", (outputs,), None, data)
    kept = np.take(weights.data, cut.kept, axis=-1)
    kept[..., cut.empty] = 0
    smaller = replace(weights, data=kept, shape=kept.shape)
    return replace(node, inputs=(_taken(source, cut, -1), smaller, folded))


def _taken(tensor: Tensor, cut: _Cut, axis: int) -> Tensor:
    """The channels that stay, along an axis; constants of the empty ones are zero."""
    shape = list(tensor.shape)
    shape[axis] = len(cut.kept)
    if tensor.data is None:
        return replace(tensor, shape=tuple(shape))
    data = np.take(tensor.data, cut.kept, axis)
    np.moveaxis(data, axis, 0)[cut.empty] = 0
    quantization = tensor.quantization
    if quantization is not None and quantization.scales.size > 1:
        scales = quantization.scales[cut.kept]
        live = np.setdiff1d(np.arange(len(scales)), cut.empty)
        scales[cut.empty] = scales[live[0]] if live.size else scales[0]
        zero_points = quantization.zero_points[cut.kept]
        quantization = replace(quantization, scales=scales, zero_points=zero_points)
    return replace(tensor, data=data, shape=tuple(shape), quantization=quantization)
