"""TANH, tabulated."""

from __future__ import annotations

from typing import Final

import numpy as np

from tinyhil.image.compiler.curve import curve
from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.table import of_reals
from tinyhil.image.compiler.target import Target

NAME = "TANH"
OUTPUTS: Final = ("INT8", "INT16")


def lower(node: Node, _target: Target) -> Lowered:
    """A table of what the reference computes with floats; of int16, one of some values."""
    if node.output.dtype == "INT16":
        return curve(node, tanh=True)
    node.check(
        (node.output.scale, node.output.zero_point) == (1 / 128, 0),
        "has an output of another scale than 1/128 or zero point than 0",
    )
    return of_reals(node, np.tanh)
