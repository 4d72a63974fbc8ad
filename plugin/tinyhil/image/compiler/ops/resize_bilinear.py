"""RESIZE_BILINEAR of an image to any size."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, int32_array
from tinyhil.image.compiler.resize import sides
from tinyhil.image.compiler.target import Target

NAME = "RESIZE_BILINEAR"
OUTPUTS: Final = ("INT8", "INT16")

_OPTIONS: Final = "ResizeBilinearOptions"
_ONE: Final = 2**10
"""The reference computes with 10 fractional bits."""


def lower(node: Node, _target: Target) -> Lowered:
    """The two rows and the two columns that each one of the output lies between, and where."""
    node.check(not node.legacy, "is of uint8, which the reference computes with floats")
    both, aligned, half = sides(node, _OPTIONS)
    channels = node.output.channels
    arrays = []
    for name, side, step in (
        ("rows", both[0], both[1][0] * channels),
        ("columns", both[1], channels),
    ):
        lower, upper, share = _between(*side, aligned=aligned, half=half)
        arrays += [
            int32_array(f"lower_{name}", [place * step for place in lower]),
            int32_array(f"upper_{name}", [place * step for place in upper]),
            int32_array(f"{name}_share", share),
        ]
    height, width = both[0][1], both[1][1]
    fields = {"height": height, "width": width, "channels": channels}
    kernel = "resize_bilinear_s16" if node.output.dtype == "INT16" else "resize_bilinear_s8"
    return Lowered(kernel=kernel, fields=fields, arrays=tuple(arrays))


def _between(
    size: int, outputs: int, *, aligned: bool, half: bool
) -> tuple[list[int], list[int], list[int]]:
    """Both neighbours, and the upper one's share in units of 2**-10."""
    corners = aligned and outputs > 1
    scale = (_ONE * (size - corners) + (outputs - corners) // 2) // (outputs - corners)
    lower, upper, share = [], [], []
    for place in range(outputs):
        scaled = place * scale + (scale // 2 - _ONE // 2 if half else 0)
        lower.append(min(max(int(scaled / _ONE), 0), size - 1))  # to zero, as in C
        upper.append(min(int((scaled + _ONE - 1) / _ONE), size - 1))
        share.append(scaled - _ONE * lower[-1])
    return lower, upper, share
