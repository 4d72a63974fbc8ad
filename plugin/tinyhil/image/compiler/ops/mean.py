"""MEAN over any axes that make one or two groups of neighbours, such as height and width."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered, channel_array
from tinyhil.image.compiler.quantize import Channel, quantize_multiplier
from tinyhil.image.compiler.reduced import reduced_fields
from tinyhil.image.compiler.target import Target

NAME = "MEAN"
OUTPUTS: Final = ("INT8", "INT16")

_MAX_ELEMENTS: Final = 2**16
"""Of one mean: far below what overflows a 32-bit sum."""


def lower(node: Node, _target: Target) -> Lowered:
    """The factor from the sum to the mean, as the reference makes it."""
    source = node.activation()
    fields, count = reduced_fields(node)
    node.check(count <= _MAX_ELEMENTS, f"has means of {count} elements, which is too many")
    multiplier, shift = quantize_multiplier(source.scale / node.output.scale)
    # The reference divides the multiplier, of which it keeps all bits, and not the sum.
    more = max(0, min(count.bit_length() - 1, 31 + shift))
    shift -= more
    left, right = max(shift, 0), max(-shift, 0)
    wide = node.output.dtype == "INT16"
    largest = 2**15 if wide else 2**8
    node.check((largest * count) << left < 2**31, "has sums that may not fit into 32 bits")
    factor = Channel(-source.zero_point * count, (multiplier << more) // count, left, right, 1)
    if not wide:
        fields["output_zero_point"] = node.output.zero_point
    return Lowered(
        kernel="mean_s16" if wide else "mean_s8",
        fields=fields,
        arrays=(channel_array([factor]),),
    )
