"""Which memory each activation is in: the caller's buffers, or a place in the tensor arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinyhil.image.compiler.graph import Graph, Node, Tensor
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.plan import Block, Overlap, least_arena, plan_arena
from tinyhil.image.compiler.refusals import OPERATOR, Blocker, refusal

_Key = tuple[str, int]
"""``tensor`` or ``scratch``, and the tensor's or the operator's index."""


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
        raise refusal(graph.path, Blocker("computes nothing", OPERATOR))
    lives = _lives(graph, lowered, homes)
    sizes = {node.output.index: node.output.size for node in graph.nodes}
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
    overlaps = _overlaps(graph, lowered, homes, lives)
    offsets, arena_bytes = plan_arena(blocks, overlaps)
    places = {key: f"arena + {offset}" for key, offset in offsets.items()}
    return Layout(
        {tensor: outside.get(home) or places["tensor", home] for tensor, home in homes.items()},
        {index: place for (kind, index), place in places.items() if kind == "scratch"},
        arena_bytes,
        least_arena(blocks, overlaps),
    )


def with_room(graph: Graph, lowered: Sequence[Lowered]) -> list[Lowered]:
    """The faster kernels where there is room for what memory they need more."""
    chosen = list(lowered)
    size = lay_out(graph, chosen).arena_bytes
    for i, low in enumerate(lowered):
        if low.faster is not None:
            chosen[i] = low.faster
            if lay_out(graph, chosen).arena_bytes > size:
                chosen[i] = low
    return chosen


def sources(node: Node, low: Lowered) -> list[Tensor]:
    """The computed inputs, in the kernel's order."""
    return [node.computed(position) for position in low.order]


def _homes(graph: Graph, lowered: Sequence[Lowered]) -> dict[int, int]:
    """Of each activation, by index, the one whose memory it is in: its own, or its source's."""
    homes = {graph.input.index: graph.input.index}
    for node, low in zip(graph.nodes, lowered, strict=True):
        source = homes[sources(node, low)[0].index]
        homes[node.output.index] = node.output.index if low.kernel else source
    return homes


def _overlaps(
    graph: Graph,
    lowered: Sequence[Lowered],
    homes: Mapping[int, int],
    lives: Mapping[int, tuple[int, int]],
) -> dict[tuple[_Key, _Key], Overlap]:
    """Which outputs may share the memory of inputs that end there; all of them in the arena."""
    outside = (homes[graph.input.index], homes[graph.output.index])
    return {
        (("tensor", node.output.index), ("tensor", homes[tensor.index])): low.overlap
        for node, low in zip(graph.nodes, lowered, strict=True)
        for tensor in sources(node, low)
        if low.overlap is not None
        and not {homes[node.output.index], homes[tensor.index]} & {*outside}
        and lives[homes[tensor.index]][1] == node.index
    }


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
