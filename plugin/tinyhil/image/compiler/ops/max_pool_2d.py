"""MAX_POOL_2D over the whole image or a part of it, one scale for input and output."""

from __future__ import annotations

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.pool import pool_fields
from tinyhil.image.compiler.target import Target

NAME = "MAX_POOL_2D"


def lower(node: Node, _target: Target) -> Lowered:
    """Nothing to precompute but the range."""
    return Lowered(kernel="max_pool_s8", fields=pool_fields(node))
