"""REDUCE_MAX over any axes that make one or two groups of neighbours, such as height and width."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.reduced import reduced_fields
from tinyhil.image.compiler.target import Target

NAME = "REDUCE_MAX"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """Nothing to precompute."""
    fields, _ = reduced_fields(node)
    node.check_scale_kept()
    kernel = "reduce_max_s16" if node.output.dtype == "INT16" else "reduce_max_s8"
    return Lowered(kernel=kernel, fields=fields)
