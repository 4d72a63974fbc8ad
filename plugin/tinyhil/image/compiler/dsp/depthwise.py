"""DEPTHWISE_CONV_2D of 3 x 3 by ``depthwise_pairs_s8``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.dsp.finish import FIXED, Finish, finishes, sums
from tinyhil.image.compiler.dsp.words import scaled, signed
from tinyhil.image.compiler.lines import line_fields
from tinyhil.image.compiler.lowered import ConstantArray, Lowered, int32_array
from tinyhil.image.compiler.overlaps import lines_overlap
from tinyhil.image.compiler.quantize import Channel

_SHIFT: Final = 10
"""The kernel's constant: it serves right shifts of 3 to 9, as depthwise convolutions have them."""
_KERNEL: Final = 3
_PLANES: Final = ((4, 1200), (2, 1024), (2, 0))
"""So many channels at once, and bytes for their planes: a band of outputs is as high as these fit
into them, but at least one line."""
_SPARE: Final = (4, 8192)
"""The same where there is room."""


def lower(
    fields: Mapping[str, int], weights: NDArray[Any], channels: Sequence[Channel]
) -> Lowered | None:
    """The operator with the general kernel's `fields`; weights are [channels, height, width]."""
    stride = fields["stride_height"]
    if (
        fields["multiplier"] > 1
        or weights.shape[1:] != (_KERNEL, _KERNEL)
        or len(channels) % 2
        or stride not in (1, 2)
        or stride != fields["stride_width"]
        or max(fields["pad_top"], fields["pad_left"]) > 1
        or (stride == 1 and max(fields["output_height"], fields["output_width"]) < 2)
    ):
        return None
    flat = weights.reshape(len(channels), -1)
    ranges = sums(channels, flat, fields["output_zero_point"], fields["activation_min"])
    proved = finishes(ranges, FIXED, _SHIFT)
    if proved is None:
        return None
    # The longer axis goes along a plane's lines: fewer lines, longer loops.
    upright = fields["output_height"] > fields["output_width"]
    common = Lowered(
        kernel="depthwise_pairs_s8",
        fields={
            "channels": fields["input_channels"],
            **line_fields(fields, upright=upright),
            "stride": stride,
            "input_zero_point": fields["input_zero_point"],
            "activation_min": fields["activation_min"],
            "activation_max": fields["activation_max"],
        },
        arrays=(_stream(weights.transpose(0, 2, 1) if upright else weights, channels, proved),),
        macs=fields["output_height"] * fields["output_width"] * weights.size,
        overlap=lines_overlap(fields, upright=upright),
    )
    found: dict[int | None, Lowered] = {}
    for group, memory in (*_PLANES, _SPARE):
        if len(channels) % group == 0:
            form = _form(common, group, memory)
            found.setdefault(form.scratch_bytes, replace(form, spare=(group, memory) == _SPARE))
    first, *others = found.values()
    return replace(first, others=tuple(others))


def _stream(
    weights: NDArray[Any], channels: Sequence[Channel], found: Sequence[Finish]
) -> ConstantArray:
    """What the kernel reads, channel by channel; weights are [channels, lines, places]."""
    kernel = scaled(weights, found)
    biases = scaled(np.array([channel.bias for channel in channels], np.int64), found)
    constants = np.array([(finish.multiplier, finish.addend) for finish in found], np.int64)
    left, right = (
        (kernel[:, :, i] & 0xFFFF) | (kernel[:, :, i + 1] & 0xFFFF) << 16 for i in (0, 1)
    )
    stream = np.concatenate([biases[:, None], constants, left, right], axis=1)
    return int32_array("stream", signed(stream.ravel()))


def _form(common: Lowered, group: int, memory: int) -> Lowered:
    """With planes of `group` channels, in bands of lines whose planes fit into the memory."""
    shape = common.fields
    places, stride = shape["output_places"], shape["stride"]
    words = -(-places // 2) + 1 if stride == 1 else places + 1
    fitting = (memory // (4 * group * words) - _KERNEL) // stride + 1
    band = min(shape["output_lines"], max(1, fitting))
    return replace(
        common,
        fields={**shape, "group": group, "words": words, "band": band},
        scratch_bytes=4 * group * words * ((band - 1) * stride + _KERNEL),
        form=f"{group} channels, {band} line{'s' * (band > 1)}",
    )
