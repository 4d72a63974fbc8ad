"""Folds a PAD into the convolution that reads it: windows hang over the image instead.

Both put the zero point around an image. So nothing is computed twice or copied, and the padded
image, which is larger than the one before it, needs no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tinyhil.image.compiler.graph import Around, Graph, Node, Tensor
from tinyhil.image.compiler.window import is_valid, reach_of

_READERS: Final = {"CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions"}


def fold_pads(graph: Graph) -> Graph:
    """The graph, in which each PAD that can be has become a part of its readers.

    Its operators have been checked by their own modules.
    """
    nodes = list(graph.nodes)
    outputs = {tensor.index for tensor in graph.outputs}
    for i, node in enumerate(nodes):
        around = _around(node) if node.name == "PAD" else None
        readers = [j for j, other in enumerate(nodes) if _reads(other, node.output)]
        fits = around is not None and all(_takes(nodes[j], around) for j in readers)
        if around is None or not fits or not readers or node.output.index in outputs:
            continue
        source = node.activation()
        for j in readers:
            given = (source, *nodes[j].inputs[1:])
            nodes[j] = replace(nodes[j], inputs=given, around=around)
        nodes[i] = replace(node, folded=True)
    changed = any(node.folded for node in nodes)
    return replace(graph, nodes=tuple(nodes)) if changed else graph


def _around(node: Node) -> Around | None:
    """What it adds to the height and the width of an image; None if it adds elsewhere too."""
    padding = node.constant(1, "INT32")
    assert padding.data is not None
    sides: Sequence[list[int]] = padding.data.tolist()
    if len(sides) != 4 or any(sides[0]) or any(sides[3]):
        return None
    (above, below), (left, right) = sides[1], sides[2]
    return above, below, left, right


def _reads(node: Node, tensor: Tensor) -> bool:
    return any(one is not None and one.index == tensor.index for one in node.inputs)


def _takes(node: Node, around: Around) -> bool:
    """Whether it is a convolution of which each window still meets the image."""
    kind = _READERS.get(node.name)
    if kind is None or not is_valid(node, kind) or any(node.around):
        return False
    _, height, width, _ = node.constant(1, "INT8").shape
    reach = (reach_of(node, "H", height), reach_of(node, "W", width))
    return max(around[:2]) < reach[0] and max(around[2:]) < reach[1]
