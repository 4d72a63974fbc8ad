"""ASSIGN_VARIABLE: keeps a tensor for the next inference."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.copies import copied
from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.target import Target

NAME = "ASSIGN_VARIABLE"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """A copy into the state."""
    source = node.activation()
    node.check(source.size == node.output.size, "writes a variable of another size")
    return copied(source, node.output)
