"""AVERAGE_POOL_2D over the whole image or a part of it, one scale for input and output."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.pool import pool_fields
from tinyhil.image.compiler.target import Target

NAME = "AVERAGE_POOL_2D"

_MAX_WINDOW: Final = 2**16
"""Elements in the image: far below what overflows a 32-bit sum."""


def lower(node: Node, _target: Target) -> Lowered:
    """Nothing to precompute but the range."""
    fields = pool_fields(node)
    height, width = fields["kernel_height"], fields["kernel_width"]
    node.check(
        min(height, fields["input_height"]) * min(width, fields["input_width"]) <= _MAX_WINDOW,
        f"has the window {height}x{width}, which is too large",
    )
    return Lowered(kernel="avg_pool_s8", fields=fields)
