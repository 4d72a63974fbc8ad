"""AVERAGE_POOL_2D over the whole image or a part of it, one scale for input and output."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.quantize import activation_fields
from tinyhil.image.compiler.target import Target
from tinyhil.image.compiler.window import window_fields, windows

NAME = "AVERAGE_POOL_2D"

_OPTIONS: Final = "Pool2DOptions"
_MAX_WINDOW: Final = 2**16
"""Elements in the image: far below what overflows a 32-bit sum."""


def lower(node: Node, _target: Target) -> Lowered:
    """Nothing to precompute but the range."""
    image, result = node.activation(), node.output
    height = int(node.option(_OPTIONS, "FilterHeight"))
    width = int(node.option(_OPTIONS, "FilterWidth"))
    node.check(0 < height < 2**12 and 0 < width < 2**12, f"has the window {height}x{width}")
    vertical, horizontal = windows(node, _OPTIONS, height, width)
    node.check(image.shape[3] == result.shape[3], "changes the number of channels")
    node.check(
        (image.scale, image.zero_point) == (result.scale, result.zero_point),
        "has an output of another scale or zero point than its input",
    )
    node.check(
        min(height, image.shape[1]) * min(width, image.shape[2]) <= _MAX_WINDOW,
        f"has the window {height}x{width}, which is too large",
    )
    return Lowered(
        kernel="avg_pool_s8",
        fields={
            **window_fields(node, vertical, horizontal),
            "channels": image.shape[3],
            **activation_fields(node, _OPTIONS),
        },
    )
