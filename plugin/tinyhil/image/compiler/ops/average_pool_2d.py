"""AVERAGE_POOL_2D over the whole image or a part of it, one scale for input and output."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.pool import pool_fields
from tinyhil.image.compiler.target import Target

NAME = "AVERAGE_POOL_2D"
OUTPUTS: Final = ("INT8", "INT16")

_MAX_WINDOW: Final = 2**16
"""Bytes in the image of one channel: far below what overflows a 32-bit sum."""


def lower(node: Node, _target: Target) -> Lowered:
    """Nothing to precompute but the range."""
    fields = pool_fields(node)
    height, width = fields["kernel_height"], fields["kernel_width"]
    largest = min(height, fields["input_height"]) * min(width, fields["input_width"])
    node.check(
        largest * node.output.item <= _MAX_WINDOW,
        f"has the window {height}x{width}, which is too large",
    )
    kernel = "avg_pool_s16" if node.output.dtype == "INT16" else "avg_pool_s8"
    if node.legacy:
        kernel = "avg_pool_u8"
    return Lowered(kernel=kernel, fields=fields)
