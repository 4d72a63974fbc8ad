"""FULLY_CONNECTED by ``fully_connected_fours_s8``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.lowered import Lowered, int32_array
from tinyhil.image.compiler.mve.fours import four_weights
from tinyhil.image.compiler.quantize import Channel

_GROUP: Final = 4


def lower(
    fields: Mapping[str, int], weights: NDArray[Any], channels: Sequence[Channel]
) -> Lowered | None:
    """The operator with the general kernel's `fields`; the kernel knows no left shift."""
    if any(channel.left for channel in channels):
        return None
    more = -len(channels) % _GROUP
    biases = [channel.bias for channel in channels] + [0] * more
    constants = np.array([(one.multiplier, -one.right) for one in channels], np.int64)
    shared = len({*map(tuple, constants.tolist())}) == 1
    finish = np.pad(constants, ((0, more), (0, 0)), mode="edge").reshape(-1, _GROUP, 2)
    finish = finish.transpose(0, 2, 1)[: 1 if shared else None]
    return Lowered(
        kernel="fully_connected_fours_s8",
        fields={
            **fields,
            # Below the zero point, halves away from zero differ from halves up.
            "is_signed": int(fields["output_zero_point"] > fields["activation_min"]),
            "finish_step": 0 if shared else 2 * _GROUP,
        },
        arrays=(
            four_weights(weights),
            int32_array("biases", biases),
            int32_array("finish", finish.ravel().tolist()),
        ),
        macs=fields["rows"] * weights.size,
    )
