"""CONCATENATION and PACK without a copy: what they join is written into their output's memory.

That is possible where each input's rows are one piece of the output, as its axis is the outermost
one of more than one element; and where each input has memory of its own, which nothing but its
operator writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tinyhil.image.compiler.graph import Graph, Home
from tinyhil.image.compiler.joined import KERNEL
from tinyhil.image.compiler.layout import Layout, homes_of, lay_out, outside_of, sources
from tinyhil.image.compiler.lowered import Lowered

_TRIES: Final = 64
"""Operators that are looked at: each takes a plan of the arena."""

Joined = tuple[Graph, Sequence[Lowered]]


def laid_out(graph: Graph, lowered: Sequence[Lowered]) -> tuple[Graph, Sequence[Lowered], Layout]:
    """Operators with their places in memory; without copies, where the arena does not grow by it.

    The output's memory is needed from its first input on, and so may be in the way of others'.
    """
    layout = lay_out(graph, lowered)
    # From the back: a join can be an input of a later one.
    copying = [
        i for i, low in enumerate(lowered) if low.kernel == KERNEL and low.fields["rows"] == 1
    ]
    for position in copying[: -_TRIES - 1 : -1]:
        if made := _joined(graph, lowered, position):
            found = lay_out(*made)
            if found.arena_bytes <= layout.arena_bytes:
                (graph, lowered), layout = made, found
    return graph, lowered, layout


def _joined(graph: Graph, lowered: Sequence[Lowered], position: int) -> Joined | None:
    """The same with an operator whose inputs are written in its output's memory; None: they can't.

    Args:
        graph: whose operators are changed.
        lowered: these.
        position: of the operator, which copies rows.
    """
    node, low, homes = graph.nodes[position], lowered[position], homes_of(graph, lowered)
    outside, target = outside_of(graph, homes), homes[node.output.index]
    if outside.get(target.tensor, ("output", 0))[0] != "output":  # a variable, which others read
        return None
    writers = {one.output.index: i for i, one in enumerate(graph.nodes)}
    into: dict[int, Home] = {}
    end = target.offset
    for tensor in sources(node, low):
        home = homes[tensor.index]
        writer = writers.get(home.tensor, position)
        whole = home.offset == 0 and graph.nodes[writer].output.size == tensor.size
        taken = home.tensor in outside or writer in into
        if taken or not whole or not lowered[writer].kernel:
            return None
        into[writer] = Home(target.tensor, end)
        end += tensor.size
    nodes, made = list(graph.nodes), list(lowered)
    for writer, place in into.items():
        nodes[writer] = replace(nodes[writer], into=place)
    made[position] = Lowered(kernel=None, order=low.order, form="written in place")
    return replace(graph, nodes=tuple(nodes)), made
