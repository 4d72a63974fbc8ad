"""Where an output can't be its input's memory after all, though nothing is computed: it is copied.

That is so of an output of the model, which has a place of its own, and of what is read from a
variable that is written again before the last one has read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tinyhil.image.compiler.graph import Graph, Home, Tensor
from tinyhil.image.compiler.layout import home_of, homes_at_start, sources
from tinyhil.image.compiler.lowered import Lowered


def copied(source: Tensor, result: Tensor, offset: int = 0) -> Lowered:
    """A copy of all of `result`'s bytes, from `offset` bytes behind the source's beginning on."""
    assert offset + result.size <= source.size
    return Lowered(kernel="copy_s8", fields={"start": offset, "elements": result.size})


def with_copies(graph: Graph, lowered: Sequence[Lowered]) -> list[Lowered]:
    """The same operators, with copies where memory can't be shared."""
    chosen = list(lowered)
    homes = homes_at_start(graph)
    outputs = {tensor.index for tensor in graph.outputs}
    taken = set(homes)
    sizes = {node.output.index: node.output.size for node in graph.nodes}
    writers = _writers(graph)
    for i, (node, low) in enumerate(zip(graph.nodes, lowered, strict=True)):
        home = home_of(node, low, homes)
        end = node.output.index in outputs
        if not low.kernel:
            whole = home.offset == 0 and sizes.get(home.tensor) == node.output.size
            placeless = end and (home.tensor in taken or not whole)
            later = next((w for w in writers.get(home.tensor, ()) if w > i), None)
            if placeless or (later is not None and _is_read_from(graph, lowered, i, later)):
                copy = copied(sources(node, low)[0], node.output, low.offset)
                chosen[i] = replace(copy, order=low.order)
                home = Home(node.output.index, 0)
        homes[node.output.index] = home
        if end:
            taken.add(home.tensor)
    return chosen


def _writers(graph: Graph) -> dict[int, list[int]]:
    """Positions of the operators that write each variable, by its tensor's index."""
    writers: dict[int, list[int]] = {one.tensor.index: [] for one in graph.variables}
    for i, node in enumerate(graph.nodes):
        if node.output.index in writers:
            writers[node.output.index].append(i)
    return writers


def _is_read_from(graph: Graph, lowered: Sequence[Lowered], position: int, start: int) -> bool:
    """Whether a node's output, or what is in its memory, is read from position `start` on."""
    same = {graph.nodes[position].output.index}
    for i in range(position + 1, len(graph.nodes)):
        node, low = graph.nodes[i], lowered[i]
        reads = any(tensor.index in same for tensor in sources(node, low))
        if reads and not low.kernel:
            same.add(node.output.index)
        elif reads and i >= start:
            return True
    return any(tensor.index in same for tensor in graph.outputs)
