"""READ_VARIABLE: what an inference before has left; no copy, unless it is written too early."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.target import Target

NAME = "READ_VARIABLE"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """No kernel: the output is the variable itself."""
    node.check(node.activation().size == node.output.size, "reads a variable of another size")
    return Lowered(kernel=None)
