"""CONV_2D by ``conv2d_fours_s8``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.lowered import Lowered, int8_array, int32_array
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
    padded = np.pad(flat, ((0, 0), (0, -flat.shape[1] % _CHUNK)))
    patch = padded.shape[1]
    groups = padded.reshape(outputs // _GROUP, _GROUP, -1, _CHUNK).transpose(0, 2, 1, 3)
    constants = np.array([(one.bias, one.multiplier, -one.right) for one in channels], np.int64)
    finish = constants.reshape(-1, _GROUP, 3).transpose(0, 2, 1)
    return Lowered(
        kernel="conv2d_fours_s8",
        fields={
            **{name: value for name, value in fields.items() if name not in _GENERAL},
            "patch": patch,
            # Below the zero point, halves away from zero differ from halves up.
            "is_signed": int(fields["output_zero_point"] > fields["activation_min"]),
        },
        arrays=(int8_array("weights", groups), int32_array("finish", finish.ravel().tolist())),
        macs=fields["output_height"] * fields["output_width"] * weights.size,
        scratch_bytes=_PIXELS * patch,
    )
