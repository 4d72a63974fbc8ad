"""Which memory each activation is in: the caller's buffers, or a place in the tensor arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinyhil.image.compiler.graph import Graph, Node, Tensor, refusal
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.plan import Block, least_arena, plan_arena


@dataclass(frozen=True)
class Layout:
    """Where everything is that is not constant."""

    buffers: Mapping[int, str]
    """C expression of an activation's memory, by index of the tensor."""
    scratch: Mapping[int, str]
    """The same of the working memory of operators that need some, by index of the operator."""
    arena_bytes: int
    least_bytes: int
    """What no plan can do with less than."""


def lay_out(graph: Graph, lowered: Sequence[Lowered]) -> Layout:
    """Give every activation memory for as long as it is needed.

    Raises:
        ModelError: the model's output is its input.
    """
    homes = _homes(graph, lowered)
    outside = {homes[graph.input.index]: "input", homes[graph.output.index]: "output"}
    if len(outside) == 1:
        raise refusal(str(graph.path), "computes nothing")
    lives = _lives(graph, lowered, homes)
    sizes = {node.output.index: node.output.elements for node in graph.nodes}
    blocks = [
        Block(("tensor", home), sizes[home], first, last)
        for home, (first, last) in lives.items()
        if home not in outside
    ]
    blocks += [
        Block(("scratch", node.index), low.scratch_bytes, node.index, node.index)
        for node, low in zip(graph.nodes, lowered, strict=True)
        if low.scratch_bytes
    ]
    offsets, arena_bytes = plan_arena(blocks)
    places = {key: f"arena + {offset}" for key, offset in offsets.items()}
    return Layout(
        {tensor: outside.get(home) or places["tensor", home] for tensor, home in homes.items()},
        {index: place for (kind, index), place in places.items() if kind == "scratch"},
        arena_bytes,
        least_arena(blocks),
    )


def sources(node: Node, low: Lowered) -> list[Tensor]:
    """The computed inputs, in the kernel's order."""
    return [node.activation(position) for position in low.order]


def _homes(graph: Graph, lowered: Sequence[Lowered]) -> dict[int, int]:
    """Of each activation, by index, the one whose memory it is in: its own or an earlier one's."""
    own = {graph.input.index: graph.input.index}
    for node, low in zip(graph.nodes, lowered, strict=True):
        source = own[sources(node, low)[0].index]
        own[node.output.index] = node.output.index if low.kernel else source
    lives = _lives(graph, lowered, own)
    outside = (own[graph.input.index], own[graph.output.index])
    taken: dict[int, int] = {}  # instead of its own, the memory of an input that ends there
    for node, low in zip(graph.nodes, lowered, strict=True):
        if not low.in_place or node.output.index in outside:
            continue
        for tensor in sources(node, low):
            home = own[tensor.index]
            ends = home not in outside and lives[home][1] == node.index
            if ends and tensor.elements == node.output.elements:
                taken[node.output.index] = taken.get(home, home)
                break
    return {tensor: taken.get(home, home) for tensor, home in own.items()}


def _lives(
    graph: Graph, lowered: Sequence[Lowered], homes: Mapping[int, int]
) -> dict[int, tuple[int, int]]:
    """First and last operator that needs each memory, by the tensor whose it is."""
    lives: dict[int, tuple[int, int]] = {}
    for node, low in zip(graph.nodes, lowered, strict=True):
        for tensor in (*sources(node, low), node.output):
            first, _ = lives.get(homes[tensor.index], (node.index, node.index))
            lives[homes[tensor.index]] = (first, node.index)
    return lives
