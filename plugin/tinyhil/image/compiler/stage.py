"""Where the arena is too large for the board: which operators to compute in bands of rows, and in
how many. Of what fits, the plan is taken that computes the least twice; see `bands`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tinyhil.image.compiler.bands import (
    JOIN,
    VIEW,
    Banded,
    BandLowering,
    Sketch,
    ends,
    sketch,
    split,
)
from tinyhil.image.compiler.graph import Graph
from tinyhil.image.compiler.joins import laid_out
from tinyhil.image.compiler.layout import Layout, least_bytes
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.plan import SAME_PLACE
from tinyhil.image.compiler.target import Target

_COUNTS: Final = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32, 40, 48, 64, 96, 128)
"""Numbers of bands that are looked at."""
_TRIES: Final = 24
"""Plans that are made in full, at most."""


@dataclass(frozen=True)
class Plan:
    """Operators with their places in memory."""

    graph: Graph
    lowered: Sequence[Lowered]
    layout: Layout
    origins: Sequence[int]
    """By position, which operator of the model each is, or a part of it."""


def whole_plan(graph: Graph, lowered: Sequence[Lowered]) -> Plan:
    """Each operator at once."""
    return Plan(*laid_out(graph, lowered), range(len(lowered)))


def banded_plan(graph: Graph, lowered: Sequence[Lowered], target: Target, room: int) -> Plan | None:
    """The plan with an arena of at most `room` bytes that computes the least twice.

    Args:
        graph: the model.
        lowered: its operators, in forms that need little memory.
        target: for whom.
        room: for the arena, in bytes.

    Returns:
        None if none is found.
    """
    lowering, tries = BandLowering(lowered, target), 0
    for each in _sketches(graph, lowered, room):
        banded = split(graph, each.last, each.bands)
        if banded is None or least_bytes(banded.graph, _guess(banded, lowered)) > room:
            continue
        plan = Plan(*laid_out(banded.graph, lowering.lower(banded)), banded.origins)
        if plan.layout.arena_bytes <= room:
            return plan
        tries += 1
        if tries == _TRIES:
            break
    return None


def _sketches(graph: Graph, lowered: Sequence[Lowered], room: int) -> Sequence[Sketch]:
    """What could fit; what computes the least twice comes first."""
    macs = [low.macs for low in lowered]
    found = []
    for last in ends(graph):
        for bands in _COUNTS if lowered[last].kernel else ():
            one = sketch(graph, macs, last, bands) if bands <= _rows(graph, last) else None
            if one is None:
                break
            if one.least_bytes <= room:
                found.append(one)
    return sorted(found, key=lambda one: (one.macs, one.bands))


def _rows(graph: Graph, position: int) -> int:
    return graph.nodes[position].output.shape[1]


def _guess(banded: Banded, lowered: Sequence[Lowered]) -> list[Lowered]:
    """The operators at their best: they need no memory of their own, and are all in place."""
    made = []
    for node, origin in zip(banded.graph.nodes, banded.origins, strict=True):
        low = lowered[origin]
        if node.band is not None and node.name in (VIEW, JOIN):
            low = Lowered(kernel=None, offset=node.band.offset)
        elif node.band is not None and low.kernel:
            low = replace(low, scratch_bytes=0, overlap=SAME_PLACE)
        made.append(low)
    return made
