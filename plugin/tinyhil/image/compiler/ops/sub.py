"""SUB of two tensors, axes of one element repeated; one of them may be a constant."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.sums import summed
from tinyhil.image.compiler.target import Target

NAME = "SUB"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """What each value of both inputs contributes."""
    return summed(node, "SubOptions", -1)
