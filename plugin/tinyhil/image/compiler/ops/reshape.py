"""RESHAPE: the same bytes under another shape."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.target import Target

NAME = "RESHAPE"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """No kernel; the new shape is the output tensor's own."""
    source, result = node.activation(), node.output
    node.check(source.elements == result.elements, "changes the number of elements")
    node.check_scale_kept()
    return Lowered(kernel=None)
