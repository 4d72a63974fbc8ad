"""One operator, one file: to add an operator, add a module here and a kernel.

A module has the operator's name in the TensorFlow Lite schema as `NAME`, and a function
``lower(node: Node, target: Target) -> Lowered`` that raises `ModelError` for what no kernel can do.
`OUTPUTS`, if it is there, are the types of its output; else it is int8. What it computes with has
the output's type, but for operators that change it.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Protocol, cast

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.refusals import ENDS_TYPE, WIDE
from tinyhil.image.compiler.target import Target


class OperatorModule(Protocol):
    """What a module in this package offers."""

    NAME: str

    def lower(self, node: Node, target: Target) -> Lowered:
        """Check the node and precompute its kernel's constants.

        Raises:
            ModelError: the kernel can't do what the node asks for.
        """
        ...


@cache
def modules() -> dict[str, OperatorModule]:
    """All operators that can be compiled, by name."""
    found = [
        cast(OperatorModule, importlib.import_module(f"{__name__}.{module.name}"))
        for module in pkgutil.iter_modules(__path__)
    ]
    return {module.NAME: module for module in found}


def lower(node: Node, target: Target) -> Lowered:
    """Lower one node by its operator's module."""
    module = modules()[node.name]
    made = node.output.dtype
    wanted: tuple[str, ...] = getattr(module, "OUTPUTS", ("INT8",))
    step = WIDE if made == "INT16" else ENDS_TYPE
    node.check(made in wanted, f"has an output of {made}, not {' or '.join(wanted)}", step)
    return module.lower(node, target)
