"""FULLY_CONNECTED by ``fully_connected_fours_s8``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.mve.fours import four_arrays
from tinyhil.image.compiler.quantize import Channel


def lower(
    fields: Mapping[str, int], weights: NDArray[Any], channels: Sequence[Channel]
) -> Lowered | None:
    """The operator with the general kernel's `fields`; the kernel knows no left shift."""
    if any(channel.left for channel in channels):
        return None
    return Lowered(
        kernel="fully_connected_fours_s8",
        fields={
            **fields,
            # Below the zero point, halves away from zero differ from halves up.
            "is_signed": int(fields["output_zero_point"] > fields["activation_min"]),
        },
        arrays=four_arrays(weights, channels),
        macs=fields["rows"] * weights.size,
    )
