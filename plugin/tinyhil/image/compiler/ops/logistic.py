"""LOGISTIC, also called sigmoid, tabulated."""

from __future__ import annotations

import numpy as np

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.quantize import INT8_MIN
from tinyhil.image.compiler.table import of_reals
from tinyhil.image.compiler.target import Target

NAME = "LOGISTIC"


def lower(node: Node, _target: Target) -> Lowered:
    """A table of what the reference computes with floats."""
    node.check(
        (node.output.scale, node.output.zero_point) == (1 / 256, INT8_MIN),
        "has an output of another scale than 1/256 or zero point than -128",
    )
    one = np.float32(1)
    return of_reals(node, lambda real: one / (one + np.exp(-real)))
