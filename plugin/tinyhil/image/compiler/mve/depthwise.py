"""DEPTHWISE_CONV_2D of 3 x 3 and strides of 1 by ``depthwise_planes_s8``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.lines import line_fields
from tinyhil.image.compiler.lowered import Lowered, int32_array
from tinyhil.image.compiler.plan import SAME_PLACE
from tinyhil.image.compiler.quantize import Channel

_KERNEL: Final = 3
_BORDERS: Final = 2
_MAX_OFFSET: Final = 2**16
"""Offsets of eight inputs are in 16 bits."""


def lower(
    fields: Mapping[str, int], weights: NDArray[Any], channels: Sequence[Channel]
) -> Lowered | None:
    """The operator with the general kernel's `fields`; weights are [channels, height, width]."""
    upright = fields["output_height"] > fields["output_width"]
    lines = line_fields(fields, upright=upright)
    if (
        fields["multiplier"] > 1
        or weights.shape[1:] != (_KERNEL, _KERNEL)
        or max(fields["stride_height"], fields["stride_width"]) > 1
        or max(fields["pad_top"], fields["pad_left"]) > 1
        or any(channel.left for channel in channels)
        or lines["input_place_step"] * 8 > _MAX_OFFSET
    ):
        return None
    kernel = weights.transpose(0, 2, 1) if upright else weights
    constants = np.array([(one.bias, one.multiplier, -one.right) for one in channels], np.int64)
    stream = np.concatenate([constants, kernel.reshape(len(channels), -1)], axis=1)
    size = (lines["output_lines"] + _BORDERS) * (lines["output_places"] + _BORDERS)
    same = all(lines[f"input_{name}"] == lines[f"output_{name}"] for name in ("lines", "places"))
    return Lowered(
        kernel="depthwise_planes_s8",
        fields={
            "channels": len(channels),
            **lines,
            "input_zero_point": fields["input_zero_point"],
            "output_zero_point": fields["output_zero_point"],
            # Below the zero point, halves away from zero differ from halves up.
            "is_signed": int(fields["output_zero_point"] > fields["activation_min"]),
            "activation_min": fields["activation_min"],
            "activation_max": fields["activation_max"],
        },
        arrays=(int32_array("stream", stream.ravel().tolist()),),
        macs=fields["output_height"] * fields["output_width"] * weights.size,
        scratch_bytes=size + -size % 16,
        overlap=SAME_PLACE if same else None,
    )
