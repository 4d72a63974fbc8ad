"""The tensor arena over time: rectangles of bytes, for as many steps as they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tinyhil.image.compiler.compiled import CompiledModel, InArena

SIDE: Final = 1000
"""Width and height of the picture; the page stretches it."""
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_DIGITS: Final = "12345678"


@dataclass(frozen=True)
class Box:
    """A place in the arena: in the picture, and in words."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True)
class Picture:
    """Steps from left to right, bytes from the bottom to the top."""

    boxes: Sequence[Box]
    peak_x: float
    peak_width: float
    least_y: float
    """Of the line of what no plan can do with less than."""
    text: str


def in_use(model: CompiledModel) -> list[int]:
    """Bytes of the arena that each step needs; those that two share are counted once."""
    return [
        _union([one for one in model.arena if one.first <= step <= one.last])
        for step in range(len(model.steps))
    ]


def _union(places: Sequence[InArena]) -> int:
    total = end = 0
    for one in sorted(places, key=lambda one: one.offset):
        total += max(0, one.offset + one.size - max(end, one.offset))
        end = max(end, one.offset + one.size)
    return total


def step_name(model: CompiledModel, step: int) -> str:
    """A step in words, as in ``operator 3 (CONV_2D), band 2``."""
    one = model.steps[step]
    operator = model.operators[one.operator]
    band = f", band {one.band}" if one.band else ""
    return f"operator {operator.index} ({operator.name}){band}"


def peak_text(model: CompiledModel) -> str:
    """Which step needs the most, against what the arena is and could be."""
    used = in_use(model)
    most = max(used, default=0)
    where = f", by {step_name(model, used.index(most))}" if most else ""
    return (
        f"the most in use is {most:,} bytes{where}; the arena has {model.arena_bytes:,}, "
        f"no plan can do with less than {model.arena_least_bytes:,}"
    )


def line(model: CompiledModel, width: int, *, plain: bool = False) -> str:
    """The bytes in use, step by step, in one line of characters.

    Args:
        model: compiled.
        width: characters at most; several steps share one then, which shows the most of them.
        plain: digits instead of bars, for a terminal without them.
    """
    used, marks = in_use(model), _DIGITS if plain else _BLOCKS
    if not used:
        return ""
    width = min(width, len(used))
    shares = [used[len(used) * i // width : len(used) * (i + 1) // width] for i in range(width)]
    most = max(model.arena_bytes, 1)
    return "".join(
        marks[min(len(marks) - 1, max(share) * len(marks) // most)] if max(share) else " "
        for share in shares
    )


def picture(model: CompiledModel) -> Picture:
    """Draw the arena."""
    steps, size = max(1, len(model.steps)), model.arena_bytes
    across, up = SIDE / steps, SIDE / max(1, size)
    used = in_use(model) or [0]
    peak = used.index(max(used))
    boxes = [
        Box(
            one.kind,
            round(one.first * across, 2),
            round(SIDE - (one.offset + one.size) * up, 2),
            round((one.last - one.first + 1) * across, 2),
            round(one.size * up, 2),
            place_text(model, one),
        )
        for one in model.arena
    ]
    least_y = round(SIDE - model.arena_least_bytes * up, 2)
    return Picture(boxes, round(peak * across, 2), round(across, 2), least_y, peak_text(model))


def place_text(model: CompiledModel, one: InArena) -> str:
    """A place in words."""
    what = "working memory" if one.kind == "scratch" else "output"
    since = "" if one.whole == one.first else f", since {step_name(model, one.first)}"
    until = "" if one.last == one.whole else f", until {step_name(model, one.last)}"
    where = f"{one.size:,} bytes from {one.offset:,} on"
    return f"{what} of {step_name(model, one.whole)}{since}{until}: {where}"
