"""TANH, tabulated."""

from __future__ import annotations

import numpy as np

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.table import of_reals
from tinyhil.image.compiler.target import Target

NAME = "TANH"


def lower(node: Node, _target: Target) -> Lowered:
    """A table of what the reference computes with floats."""
    node.check(
        (node.output.scale, node.output.zero_point) == (1 / 128, 0),
        "has an output of another scale than 1/128 or zero point than 0",
    )
    return of_reals(node, np.tanh)
