"""Models that compute with uint8, as converters of old wrote them: made models of int8.

What is stored is 128 less, and so is each zero point: the numbers that are meant stay the same. A
model's ends stay uint8; operators that flip their bytes are added next to them.

A few operators of the reference round uint8 otherwise than int8, and weights have a zero point.
The nodes say that they are `legacy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tinyhil.image.compiler.graph import Graph, Node, Tensor

_HALF: Final = 128


def is_legacy(nodes: Iterable[Node]) -> bool:
    """Whether anything but a QUANTIZE reads or writes uint8."""
    return any(map(_computes_uint8, nodes))


def as_int8(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The same operators on int8."""
    return tuple(
        node  # which its own module then refuses
        if _mixes(node)
        else _changed(replace(node, legacy=_computes_uint8(node)), _narrowed)
        for node in nodes
    )


def with_ends(graph: Graph) -> Graph:
    """A graph whose nodes are `as_int8`, with operators that flip the bytes of its ends."""
    nodes = list(graph.nodes)
    tensors = (t for node in nodes for t in (*node.inputs, node.output) if t is not None)
    number = max(tensor.index for tensor in tensors) + 1 + len(graph.variables)
    for ends, place, index in (
        (graph.inputs, 0, nodes[0].index),
        (graph.outputs, len(nodes), nodes[-1].index),
    ):
        for end in ends:
            if end.dtype != "UINT8":
                continue
            inner = replace(_narrowed(end), index=number)
            nodes = [_changed(node, _renamed(end.index, inner)) for node in nodes]
            source, made = (end, inner) if place == 0 else (inner, end)
            flip = Node(index, "QUANTIZE", graph.path, (source,), made, "", {}, added=True)
            nodes.insert(0 if place == 0 else len(nodes), flip)
            number += 1
    return replace(graph, nodes=tuple(nodes))


def _computes_uint8(node: Node) -> bool:
    tensors = (tensor for tensor in (*node.inputs, node.output) if tensor is not None)
    return node.name != "QUANTIZE" and any(tensor.dtype == "UINT8" for tensor in tensors)


def _mixes(node: Node) -> bool:
    """Whether it reads one of both types and writes the other, as only a QUANTIZE may."""
    computed = [tensor for tensor in node.inputs if tensor is not None and tensor.data is None]
    types = {tensor.dtype for tensor in (*computed, node.output)}
    return node.name != "QUANTIZE" and types >= {"INT8", "UINT8"}


def _changed(node: Node, change: Callable[[Tensor], Tensor]) -> Node:
    inputs = tuple(tensor and change(tensor) for tensor in node.inputs)
    parts = tuple(map(change, node.parts))
    return replace(node, inputs=inputs, output=change(node.output), parts=parts)


def _renamed(index: int, inner: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda tensor: inner if tensor.index == index and tensor.dtype == "INT8" else tensor


def _narrowed(tensor: Tensor) -> Tensor:
    quantization, data = tensor.quantization, tensor.data
    if tensor.dtype != "UINT8":
        return tensor
    if quantization is not None:
        quantization = replace(quantization, zero_points=quantization.zero_points - _HALF)
    if data is not None:
        data = (data.astype(np.int16) - _HALF).astype(np.int8)
    return replace(tensor, dtype="INT8", quantization=quantization, data=data)
