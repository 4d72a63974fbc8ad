"""Where in the tensor arena each activation lives."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

ALIGNMENT: Final = 16
"""Of every tensor in the arena, in bytes."""

Key = TypeVar("Key", bound=Hashable)


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


def plan_arena(blocks: Sequence[Block[Key]]) -> tuple[dict[Key, int], int]:
    """Offsets by key and the arena's size, in bytes: largest first, each as low as it fits."""
    offsets: dict[Key, int] = {}
    placed: list[Block[Key]] = []
    total = ALIGNMENT  # an arena of no bytes would not be an array in C
    for block in sorted(blocks, key=lambda block: (-block.size, block.first)):
        taken = sorted(
            (offsets[other.key], offsets[other.key] + other.size)
            for other in placed
            if other.meets(block)
        )
        offset = 0
        for start, end in taken:
            if offset + block.size <= start:
                break
            offset = max(offset, _aligned(end))
        offsets[block.key] = offset
        placed.append(block)
        total = max(total, _aligned(offset + block.size))
    return offsets, total


def least_arena(blocks: Sequence[Block[Key]]) -> int:
    """The most that is needed at the same time, in bytes: no plan can do with less."""
    steps = {block.first for block in blocks}
    live = (
        sum(_aligned(block.size) for block in blocks if block.first <= step <= block.last)
        for step in steps
    )
    return max(live, default=ALIGNMENT)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
