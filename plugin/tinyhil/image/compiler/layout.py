"""Which memory each activation is in: the caller's buffers, the state, or a place in the arena."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tinyhil.image.compiler.graph import Graph, Home, Node, Tensor
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.plan import (
    ALIGNMENT,
    Block,
    Overlap,
    Overlaps,
    aligned,
    least_arena,
    plan_arena,
)

_Key = tuple[str, int]
"""``tensor`` or ``scratch``, and the tensor's index or the operator's position."""


@dataclass(frozen=True)
class Placed:
    """A place in the arena, from one operator to another one."""

    kind: str
    """``tensor`` or ``scratch``, which is working memory of a kernel."""
    index: int
    """Of the tensor, or the position of the operator."""
    offset: int
    """In bytes."""
    size: int
    first: int
    """Position of the operator that writes it first."""
    last: int
    """Position of the last one that needs it."""


@dataclass(frozen=True)
class Layout:
    """Where everything is that is not constant."""

    buffers: Mapping[int, str]
    """C expression of an activation's memory, by index of the tensor."""
    scratch: Mapping[int, str]
    """The same of the working memory of operators that need some, by their position."""
    arena_bytes: int
    least_bytes: int
    """What no plan can do with less than."""
    placed: tuple[Placed, ...]
    """What is in the arena, in the order in which it is written."""


def lay_out(graph: Graph, lowered: Sequence[Lowered]) -> Layout:
    """Give every activation memory for as long as it is needed."""
    homes = homes_of(graph, lowered)
    outside = outside_of(graph, homes)
    blocks, overlaps = _blocks(graph, lowered, homes, outside)
    offsets, arena_bytes = plan_arena(blocks, overlaps)
    places = {key: ("arena", offset) for key, offset in offsets.items()}
    buffers = {}
    for tensor, home in homes.items():
        name, start = outside.get(home.tensor) or places["tensor", home.tensor]
        buffers[tensor] = _expression(name, start + home.offset)
    placed = (
        Placed(kind, index, offsets[kind, index], block.size, block.first, block.last)
        for block in blocks
        for kind, index in [block.key]
    )
    return Layout(
        buffers,
        {i: _expression(*place) for (kind, i), place in places.items() if kind == "scratch"},
        arena_bytes,
        least_arena(blocks, overlaps),
        tuple(sorted(placed, key=lambda one: (one.first, one.offset))),
    )


def least_bytes(graph: Graph, lowered: Sequence[Lowered]) -> int:
    """What no plan of the arena can do with less than."""
    homes = homes_of(graph, lowered)
    return least_arena(*_blocks(graph, lowered, homes, outside_of(graph, homes)))


def _blocks(
    graph: Graph,
    lowered: Sequence[Lowered],
    homes: Mapping[int, Home],
    outside: Mapping[int, object],
) -> tuple[list[Block[_Key]], Overlaps[_Key]]:
    """What needs memory of the arena, and what may share some."""
    lives = _lives(graph, lowered, homes)
    sizes = {node.output.index: node.output.size for node in graph.nodes}
    blocks = [
        Block(("tensor", home), sizes[home], first, last)
        for home, (first, last) in lives.items()
        if home not in outside
    ]
    blocks += [
        Block(("scratch", step), low.scratch_bytes, step, step)
        for step, low in enumerate(lowered)
        if low.scratch_bytes
    ]
    return blocks, _overlaps(graph, lowered, homes, lives, outside)


class Needs:
    """What is in use at each operator, form by form: no plan of the arena can do with less."""

    def __init__(self, graph: Graph, lowered: Sequence[Lowered]) -> None:
        """Forms of one operator need the same inputs, so any of them will do."""
        self._homes = homes_of(graph, lowered)
        self._outside = outside_of(graph, self._homes)
        self._lives = _lives(graph, lowered, self._homes)
        self._sizes = {node.output.index: node.output.size for node in graph.nodes}
        self._live: Counter[int] = Counter()
        for home, (first, last) in self._lives.items():
            if home not in self._outside:
                for step in range(first, last + 1):
                    self._live[step] += self._sizes[home]

    def of(self, step: int, node: Node, low: Lowered) -> int:
        """Bytes, with the working memory of this form of the operator at position `step`."""
        own = node.output.size
        shared = (
            own + self._sizes[source] - low.overlap.union(own, self._sizes[source])
            for source in _shared((step, node), low, self._homes, self._lives, self._outside)
            if low.overlap is not None
        )
        return aligned(self._live[step] + (low.scratch_bytes or 0) - max(shared, default=0))


def sources(node: Node, low: Lowered) -> list[Tensor]:
    """The computed inputs, in the kernel's order."""
    return [node.computed(position) for position in low.order]


def homes_of(graph: Graph, lowered: Sequence[Lowered]) -> dict[int, Home]:
    """Of each activation, by index."""
    homes = homes_at_start(graph)
    for node, low in zip(graph.nodes, lowered, strict=True):
        homes[node.output.index] = home_of(node, low, homes)
    return homes


def homes_at_start(graph: Graph) -> dict[int, Home]:
    """Of what is there before the first operator."""
    there = (*graph.inputs, *(variable.tensor for variable in graph.variables))
    return {tensor.index: Home(tensor.index, 0) for tensor in there}


def home_of(node: Node, low: Lowered, homes: Mapping[int, Home]) -> Home:
    """Of an operator's output, by those of what it reads."""
    if low.kernel:
        return node.into or Home(node.output.index, 0)
    source = homes[sources(node, low)[0].index]
    return Home(source.tensor, source.offset + low.offset)


def state_offsets(graph: Graph) -> tuple[dict[int, int], int]:
    """Where each variable is in the state, by the index of its tensor; and the state's size."""
    return _one_after_the_other((one.tensor for one in graph.variables), ALIGNMENT)


def outside_of(graph: Graph, homes: Mapping[int, Home]) -> dict[int, tuple[str, int]]:
    """Of memory that is not in the arena, the C name and the offset in it."""
    places = {
        "input": _one_after_the_other(graph.inputs),
        "state": state_offsets(graph),
        "output": _one_after_the_other(graph.outputs),
    }
    return {
        homes[tensor].tensor: (name, offset)
        for name, (offsets, _) in places.items()
        for tensor, offset in offsets.items()
    }


def _one_after_the_other(
    tensors: Iterable[Tensor], alignment: int = 1
) -> tuple[dict[int, int], int]:
    offsets, end = {}, 0
    for tensor in tensors:
        offsets[tensor.index] = end
        end += -(-tensor.size // alignment) * alignment
    return offsets, end


def _expression(name: str, offset: int) -> str:
    return name if offset == 0 and name != "arena" else f"{name} + {offset}"


def _overlaps(
    graph: Graph,
    lowered: Sequence[Lowered],
    homes: Mapping[int, Home],
    lives: Mapping[int, tuple[int, int]],
    outside: Mapping[int, object],
) -> dict[tuple[_Key, _Key], Overlap]:
    """Which outputs may share the memory of inputs that end there; all of them in the arena."""
    return {
        (("tensor", node.output.index), ("tensor", source)): low.overlap
        for step, (node, low) in enumerate(zip(graph.nodes, lowered, strict=True))
        for source in _shared((step, node), low, homes, lives, outside)
        if low.overlap is not None
    }


def _shared(
    placed: tuple[int, Node],
    low: Lowered,
    homes: Mapping[int, Home],
    lives: Mapping[int, tuple[int, int]],
    outside: Mapping[int, object],
) -> list[int]:
    """The inputs' memory that the output of an operator at its position may share."""
    step, node = placed
    inputs, own = sources(node, low), homes[node.output.index]
    if low.overlap is None or any(homes[tensor.index].offset for tensor in inputs):
        return []
    if own != Home(node.output.index, 0):  # A part of what other operators write too.
        return []
    found = [homes[tensor.index].tensor for tensor in inputs]
    return [
        source
        for source in found
        if not {own.tensor, source} & outside.keys() and lives[source][1] == step
    ]


def _lives(
    graph: Graph, lowered: Sequence[Lowered], homes: Mapping[int, Home]
) -> dict[int, tuple[int, int]]:
    """First and last operator that needs each memory, by position; by the tensor whose it is."""
    lives: dict[int, tuple[int, int]] = {}
    for step, (node, low) in enumerate(zip(graph.nodes, lowered, strict=True)):
        for tensor in (*sources(node, low), node.output):
            home = homes[tensor.index].tensor
            first, _ = lives.get(home, (step, step))
            lives[home] = (first, step)
    return lives
