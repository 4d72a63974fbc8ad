"""Where in the tensor arena each activation lives."""

from __future__ import annotations

import random
import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Generic, TypeVar

ALIGNMENT: Final = 16
"""Of every tensor in the arena, in bytes."""
_TRIES: Final = 60
"""Orders that are tried, where the first ones do not reach what is least."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Overlap:
    """An output may share an input's memory: the kernel has read what it writes over.

    It may begin `most` bytes behind the input's beginning (before it, if negative), and anywhere
    before that unless it must be `exact`.
    """

    most: int
    exact: bool = False

    def allows(self, output: int, source: int) -> bool:
        """Whether both may be at these offsets."""
        distance = output - source
        return distance == self.most if self.exact else distance <= self.most

    def union(self, output: int, source: int) -> int:
        """Bytes that both of these sizes take together, at least."""
        starts = [self.most] if self.exact else [min(self.most, s) for s in (0, source - output)]
        together = min(max(source, start + output) - min(0, start) for start in starts)
        return min(together, output + source)


SAME_PLACE: Final = Overlap(0, exact=True)


@dataclass(frozen=True)
class Block(Generic[Key]):
    """Memory that is needed from step `first` to step `last`, both included."""

    key: Key
    size: int
    """In bytes."""
    first: int
    last: int

    def meets(self, other: Block[Key]) -> bool:
        """Whether both are needed at the same time."""
        return self.first <= other.last and other.first <= self.last


Overlaps = Mapping[tuple[Key, Key], Overlap]
"""By keys of an output and of an input whose last step is the output's first one."""


def plan_arena(
    blocks: Sequence[Block[Key]], overlaps: Overlaps[Key] | None = None
) -> tuple[dict[Key, int], int]:
    """Offsets by key and the arena's size, in bytes: the best of some orders, largest first.

    In every other one, blocks that may share a place do, where that is possible.
    """
    allowed = overlaps or {}
    least = least_arena(blocks, allowed)
    offsets: dict[Key, int] = {}
    total = sys.maxsize
    for order, sharing in product(_orders(blocks), (False, True)):
        offsets, total = _place(order, allowed, total, sharing=sharing) or (offsets, total)
        if total <= least:
            break
    return offsets, total


def least_arena(blocks: Sequence[Block[Key]], overlaps: Overlaps[Key] | None = None) -> int:
    """The most that is needed at the same time, in bytes: no plan can do with less."""
    sizes = {block.key: block.size for block in blocks}
    saved: dict[int, int] = {}  # by step, what its output and one of its inputs share at most
    for (output, source), overlap in (overlaps or {}).items():
        step = next(block.first for block in blocks if block.key == output)
        both = sizes[output] + sizes[source]
        shared = both - overlap.union(sizes[output], sizes[source])
        saved[step] = max(saved.get(step, 0), shared)
    live = (
        sum(block.size for block in blocks if block.first <= step <= block.last)
        - saved.get(step, 0)
        for step in {block.first for block in blocks}
    )
    return aligned(max(live, default=ALIGNMENT))


def _orders(blocks: Sequence[Block[Key]]) -> Iterator[list[Block[Key]]]:
    yield sorted(blocks, key=lambda block: (-block.size, block.first))
    yield sorted(blocks, key=lambda block: (-block.size, -block.first))
    shuffled = random.Random(0)  # noqa: S311 - the same orders each time
    for _ in range(_TRIES):
        yield sorted(blocks, key=lambda block: -block.size * 2.0 ** shuffled.uniform(0, 3))


def _place(
    order: Sequence[Block[Key]], overlaps: Overlaps[Key], limit: int, *, sharing: bool
) -> tuple[dict[Key, int], int] | None:
    """Each block as low as it fits; if `sharing`, rather where another one is.

    Returns:
        None where that takes `limit` bytes or more.
    """
    offsets: dict[Key, int] = {}
    placed: list[Block[Key]] = []
    total = ALIGNMENT  # an arena of no bytes would not be an array in C
    for block in order:
        others = [other for other in placed if other.meets(block)]
        places, shared = {0}, set[int]()
        for other in others:
            at = offsets[other.key]
            places.add(aligned(at + other.size))
            if overlap := overlaps.get((block.key, other.key)):
                shared.add((at + overlap.most) // ALIGNMENT * ALIGNMENT)
            if overlap := overlaps.get((other.key, block.key)):
                shared.add(aligned(at - overlap.most))
        offset = next(
            place
            for place in (
                [*sorted(shared), *sorted(places)] if sharing else sorted(places | shared)
            )
            if place >= 0 and all(_fit(block, place, o, offsets[o.key], overlaps) for o in others)
        )
        offsets[block.key] = offset
        placed.append(block)
        total = max(total, aligned(offset + block.size))
        if total >= limit:
            return None
    return offsets, total


def _fit(
    block: Block[Key], place: int, other: Block[Key], at: int, overlaps: Overlaps[Key]
) -> bool:
    if place + block.size <= at or at + other.size <= place:
        return True
    if overlap := overlaps.get((block.key, other.key)):
        return overlap.allows(place, at)
    if overlap := overlaps.get((other.key, block.key)):
        return overlap.allows(at, place)
    return False


def aligned(size: int) -> int:
    """Rounded up to what tensors begin at."""
    return -(-size // ALIGNMENT) * ALIGNMENT
