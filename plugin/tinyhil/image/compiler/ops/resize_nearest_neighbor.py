"""RESIZE_NEAREST_NEIGHBOR of an image to any size."""

from __future__ import annotations

from typing import Final

import numpy as np

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, int32_array
from tinyhil.image.compiler.resize import sides
from tinyhil.image.compiler.target import Target

NAME = "RESIZE_NEAREST_NEIGHBOR"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "ResizeNearestNeighborOptions"


def lower(node: Node, _target: Target) -> Lowered:
    """Where each row and each column of the output comes from, as the reference has it."""
    both, aligned, half = sides(node, _OPTIONS)
    rows, columns = (_places(*side, aligned=aligned, half=half) for side in both)
    channels = node.output.channels * node.output.item  # in bytes
    row = both[1][0] * channels
    return Lowered(
        kernel="resize_nearest_s8",
        fields={"height": len(rows), "width": len(columns), "channels": channels},
        arrays=(
            int32_array("rows", [place * row for place in rows]),
            int32_array("columns", [place * channels for place in columns]),
        ),
    )


def _places(size: int, outputs: int, *, aligned: bool, half: bool) -> list[int]:
    """In floats of 32 bits."""
    corners = aligned and outputs > 1
    scale = np.float32(size - corners) / np.float32(outputs - corners)
    offset = np.float32(0.5 if half else 0.0)
    moved = (np.arange(outputs, dtype=np.float32) + offset) * scale
    # Halves away from zero; none is negative.
    places = np.floor(moved + np.float32(0.5)) if aligned else np.floor(moved)
    return [int(place) for place in places.clip(0, size - 1)]
