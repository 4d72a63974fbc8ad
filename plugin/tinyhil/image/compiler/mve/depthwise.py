"""DEPTHWISE_CONV_2D of 3 x 3 by ``depthwise_planes_s8``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.lines import line_fields
from tinyhil.image.compiler.lowered import Lowered, int32_array
from tinyhil.image.compiler.overlaps import lines_overlap
from tinyhil.image.compiler.quantize import Channel

_KERNEL: Final = 3
_MOST_OFFSET: Final = 2**16 - 1
"""Offsets of eight inputs are in 16 bits."""
_PLANES: Final = (1024,)
"""Bytes for a plane: a band of outputs is as high as fits into them, but at least one line."""
_SPARE: Final = 8192
"""The same where there is room."""


def lower(
    fields: Mapping[str, int], weights: NDArray[Any], channels: Sequence[Channel]
) -> Lowered | None:
    """The operator with the general kernel's `fields`; weights are [channels, height, width]."""
    upright = fields["output_height"] > fields["output_width"]
    lines = line_fields(fields, upright=upright)
    stride = fields["stride_height"]
    if (
        fields["multiplier"] > 1
        or weights.shape[1:] != (_KERNEL, _KERNEL)
        or stride not in (1, 2)
        or stride != fields["stride_width"]
        or max(fields["pad_top"], fields["pad_left"]) > 1
        or any(channel.left for channel in channels)
        or lines["input_place_step"] * 8 > _MOST_OFFSET
    ):
        return None
    kernel = weights.transpose(0, 2, 1) if upright else weights
    constants = np.array([(one.bias, one.multiplier, -one.right) for one in channels], np.int64)
    stream = np.concatenate([constants, kernel.reshape(len(channels), -1)], axis=1)
    common = Lowered(
        kernel="depthwise_planes_s8",
        fields={
            "channels": len(channels),
            **lines,
            "stride": stride,
            "input_zero_point": fields["input_zero_point"],
            "output_zero_point": fields["output_zero_point"],
            # Below the zero point, halves away from zero differ from halves up.
            "is_signed": int(fields["output_zero_point"] > fields["activation_min"]),
            "activation_min": fields["activation_min"],
            "activation_max": fields["activation_max"],
        },
        arrays=(int32_array("stream", stream.ravel().tolist()),),
        macs=fields["output_height"] * fields["output_width"] * weights.size,
        overlap=lines_overlap(fields, upright=upright),
    )
    if stride == 1:  # a band's outputs would be written over inputs of the next one
        return _form(common, None)
    forms: dict[int | None, Lowered] = {}
    for memory in (*_PLANES, _SPARE):
        form = _form(common, memory)
        forms.setdefault(form.scratch_bytes, replace(form, spare=memory == _SPARE))
    first, *others = forms.values()
    return replace(first, others=tuple(others))


def _form(common: Lowered, memory: int | None) -> Lowered:
    """In bands of lines whose planes fit into the memory; None: in a single one."""
    shape = common.fields
    places, stride, lines = shape["output_places"], shape["stride"], shape["output_lines"]
    width = places + _KERNEL - 1 if stride == 1 else 12 * -(-places // 4)
    fitting = lines if memory is None else (memory // width - _KERNEL) // stride + 1
    band = min(lines, max(1, fitting))
    size = ((band - 1) * stride + _KERNEL) * width
    return replace(
        common,
        fields={**shape, "width": width, "band": band},
        scratch_bytes=size + -size % 16,
        form="" if memory is None else f"1 channel, {band} line{'s' * (band > 1)}",
    )
