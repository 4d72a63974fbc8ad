"""RELU as an operator of its own, with another scale for its output or not."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.table import clamped
from tinyhil.image.compiler.target import Target

NAME = "RELU"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """A table."""
    return clamped(node, 0.0, None)
