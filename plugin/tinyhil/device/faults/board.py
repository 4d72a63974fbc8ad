"""Breaks the board itself: what it holds."""

from __future__ import annotations

import struct
from dataclasses import replace

from tinyhil.catalog.board import Board
from tinyhil.flash import flash
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError
from tinyhil.image.elf import Image, Segment

_FOREVER = bytes.fromhex("fee7")
"""The instruction ``b .``."""


def spoil(image: Image, board: Board, probe_uid: str, deadline: Deadline) -> None:
    """Let the board hold an image that goes no further than its first instruction.

    Args:
        image: that it holds.
        board: facts of it.
        probe_uid: of its probe.
        deadline: of flashing.

    Raises:
        BenchError: see `flash`.
        ConfigError: the image has no vector table at the start of one of its parts.
    """
    for segment in image.segments:
        start = struct.unpack_from("<I", segment.data, 4)[0] & ~1 if segment.size >= 8 else 0
        for other in image.segments:
            if other.address <= start < other.end and start == image.entry & ~1:
                parts = {each.address: each for each in image.segments}
                parts[other.address] = _patched(other, start)
                broken = replace(image, segments=tuple(parts[at] for at in sorted(parts)))
                flash(broken, board, probe_uid, deadline)
                return
    raise ConfigError(
        f"faults: {image.path} can't be spoiled: its vector table is not found",
        hint="leave 'corrupt' out of 'kinds'",
    )


def _patched(segment: Segment, address: int) -> Segment:
    at = address - segment.address
    data = segment.data[:at] + _FOREVER + segment.data[at + len(_FOREVER) :]
    return replace(segment, data=data)
