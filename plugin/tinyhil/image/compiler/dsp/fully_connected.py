"""FULLY_CONNECTED by ``fully_connected_pairs_s8``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.dsp.finish import SHIFTED, SIGNED, finishes, sums
from tinyhil.image.compiler.dsp.words import pairs, shared, sharing_fits, signed
from tinyhil.image.compiler.lowered import Lowered, int32_array
from tinyhil.image.compiler.quantize import Channel

_BLOCK: Final = 4
_QUAD: Final = 4
_DIRECT: Final = 512
"""So many inputs are widened first only where there is room: that much memory saves little time."""


def lower(
    fields: Mapping[str, int], weights: NDArray[Any], channels: Sequence[Channel]
) -> Lowered | None:
    """The operator with the general kernel's `fields`; weights are [outputs, inputs]."""
    outputs, inputs = weights.shape
    biases = np.array([channel.bias for channel in channels], np.int64)
    if not sharing_fits(weights, biases):
        return None
    ranges = sums(channels, weights, fields["output_zero_point"], fields["activation_min"])
    proved = ((kind, finishes(ranges, kind, 0)) for kind in (SHIFTED, SIGNED))
    rounding, found = next(((kind, found) for kind, found in proved if found), (SIGNED, None))
    if found is None:
        return None
    one_for_all = len(set(found)) == 1
    alive = np.array([finish.scale is not None for finish in found])
    finish = np.array([(one.multiplier, one.addend, one.right) for one in found], np.int64)
    more = -outputs % _BLOCK
    padded = np.pad((weights.astype(np.int64).T * alive).T, ((0, more), (0, -inputs % _QUAD)))
    starts, finish = np.pad(biases * alive, (0, more)), np.pad(finish, ((0, more), (0, 0)))
    blocks = padded.reshape(-1, 2, 2, padded.shape[1])  # [blocks, pairs, of a pair, inputs]
    words = pairs(shared(blocks[:, :, 0], blocks[:, :, 1])).transpose(0, 2, 1)
    both = starts.reshape(-1, 2)
    starts = np.stack([both[:, 0], shared(both[:, 0], both[:, 1])], axis=1)
    finish = finish.reshape(-1, _BLOCK, 3)
    ends = np.concatenate([finish[:, :, :2].reshape(-1, 2 * _BLOCK), finish[:, :, 2]], axis=1)
    parts = [starts.reshape(-1, _BLOCK), words.reshape(len(blocks), -1)]
    stream = np.concatenate(parts if one_for_all else [*parts, ends], axis=1)
    arrays = [int32_array("stream", signed(stream.ravel()))]
    if one_for_all:
        arrays.append(int32_array("finish", ends[0].tolist()))
    widened = Lowered(
        kernel="fully_connected_pairs_s8",
        fields={
            **{name: value for name, value in fields.items() if name != "output_zero_point"},
            "direct": 0,
            "rounding": rounding,
        },
        arrays=tuple(arrays),
        macs=fields["rows"] * weights.size,
        scratch_bytes=2 * padded.shape[1],
        form="widened once",
    )
    if inputs % _QUAD:
        return widened
    direct = replace(
        widened,
        fields={**widened.fields, "direct": 1},
        scratch_bytes=0,
        form="widened each time",
    )
    return replace(widened, spare=inputs >= _DIRECT, others=(direct,))
