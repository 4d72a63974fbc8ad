"""CONV_2D by ``conv2d_fours_s8``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from numpy.typing import NDArray

from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.mve.fours import four_arrays
from tinyhil.image.compiler.overlaps import reach_overlap
from tinyhil.image.compiler.quantize import Channel

_GROUP: Final = 4
_CHUNK: Final = 16
_PIXELS: Final = 8
_GENERAL: Final = ("patch", "run")


def lower(
    fields: Mapping[str, int], weights: NDArray[Any], channels: Sequence[Channel]
) -> Lowered | None:
    """The operator with the general kernel's `fields`; the kernel knows no left shift."""
    outputs = len(channels)
    if outputs % _GROUP or any(channel.left for channel in channels):
        return None
    flat = weights.reshape(outputs, -1)
    patch = flat.shape[1] + -flat.shape[1] % _CHUNK
    window = fields["kernel_height"] * fields["kernel_width"]
    pointwise = window * fields["stride_height"] * fields["stride_width"] == 1
    common = {name: value for name, value in fields.items() if name not in _GENERAL}
    gathered = Lowered(
        kernel="conv2d_fours_s8",
        fields={
            **common,
            "direct": 0,
            "patch": patch,
            # Below the zero point, halves away from zero differ from halves up.
            "is_signed": int(fields["output_zero_point"] > fields["activation_min"]),
        },
        arrays=four_arrays(flat, channels),
        macs=fields["output_height"] * fields["output_width"] * weights.size,
        scratch_bytes=_PIXELS * patch,
        overlap=reach_overlap(fields),
        form="gathered",
    )
    if not pointwise:
        return gathered
    direct = replace(
        gathered,
        fields={**gathered.fields, "direct": 1},
        overlap=None,
        spare=True,
        form="not gathered",
    )
    return replace(direct, others=(gathered,))
