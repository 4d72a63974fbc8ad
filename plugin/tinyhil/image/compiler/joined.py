"""Rows of several tensors, one behind the other: what CONCATENATION and PACK share."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, int32_array

KERNEL: Final = "concatenation_s8"


def joined(node: Node, rows: int) -> Lowered:
    """In each row of the output, a row of each input; there are `rows` in every tensor.

    Raises:
        ModelError: an input has another scale or zero point than the output.
    """
    sources = [node.activation(position) for position in range(len(node.inputs))]
    result = node.output
    node.check(
        {(s.scale, s.zero_point) for s in sources} == {(result.scale, result.zero_point)},
        "has inputs of another scale or zero point than its output",
    )
    if len(sources) == 1:
        return Lowered(kernel=None)
    return Lowered(
        kernel=KERNEL,
        fields={"rows": rows, "inputs": len(sources)},
        arrays=(int32_array("sizes", [s.size // rows for s in sources]),),
        order=tuple(range(len(sources))),
        gathered=True,
    )
