"""MAX_POOL_2D over the whole image or a part of it, one scale for input and output."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.pool import pool_fields
from tinyhil.image.compiler.target import Target

NAME = "MAX_POOL_2D"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """Nothing to precompute but the range."""
    kernel = "max_pool_s16" if node.output.dtype == "INT16" else "max_pool_s8"
    return Lowered(kernel=kernel, fields=pool_fields(node))
