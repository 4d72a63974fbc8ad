"""DEPTHWISE_CONV_2D of 3 x 3 by ``depthwise_pairs_s8``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.dsp.finish import FIXED, finishes, sums
from tinyhil.image.compiler.dsp.words import scaled, signed
from tinyhil.image.compiler.lines import line_fields
from tinyhil.image.compiler.lowered import ConstantArray, Lowered, int32_array
from tinyhil.image.compiler.plan import SAME_PLACE, Overlap
from tinyhil.image.compiler.quantize import Channel

_SHIFT: Final = 10
"""The kernel's constant: it serves right shifts of 3 to 9, as depthwise convolutions have them."""
_KERNEL: Final = 3
_GROUP: Final = 4
_SMALL: Final = 1200
"""A band of outputs is as high as its planes fit into this, but at least one line."""
_LARGE: Final = 8192
"""The same where there is room."""


def lower(
    fields: Mapping[str, int], weights: NDArray[Any], channels: Sequence[Channel]
) -> Lowered | None:
    """The operator with the general kernel's `fields`; weights are [channels, height, width]."""
    stride = fields["stride_height"]
    if (
        fields["multiplier"] > 1
        or weights.shape[1:] != (_KERNEL, _KERNEL)
        or len(channels) % _GROUP
        or stride not in (1, 2)
        or stride != fields["stride_width"]
        or max(fields["pad_top"], fields["pad_left"]) > 1
        or (stride == 1 and max(fields["output_height"], fields["output_width"]) < 2)
    ):
        return None
    flat = weights.reshape(len(channels), -1)
    ranges = sums(channels, flat, fields["output_zero_point"], fields["activation_min"])
    found = finishes(ranges, FIXED, _SHIFT)
    if found is None:
        return None
    # The longer axis goes along a plane's lines: fewer lines, longer loops.
    upright = fields["output_height"] > fields["output_width"]
    kernel = scaled(weights.transpose(0, 2, 1) if upright else weights, found)
    biases = scaled(np.array([channel.bias for channel in channels], np.int64), found)
    constants = np.array([(finish.multiplier, finish.addend) for finish in found], np.int64)
    left, right = (
        (kernel[:, :, i] & 0xFFFF) | (kernel[:, :, i + 1] & 0xFFFF) << 16 for i in (0, 1)
    )
    stream = np.concatenate([biases[:, None], constants, left, right], axis=1)
    array = int32_array("stream", signed(stream.ravel()))
    macs = fields["output_height"] * fields["output_width"] * weights.size
    small, large = (
        _planes(fields, array, macs, shape, overlap=_overlap(fields, upright=upright))
        for shape in (_shape(fields, memory, upright=upright) for memory in (_SMALL, _LARGE))
    )
    return replace(small, faster=large) if large.scratch_bytes != small.scratch_bytes else small


def _planes(
    fields: Mapping[str, int],
    stream: ConstantArray,
    macs: int,
    shape: Mapping[str, int],
    *,
    overlap: Overlap | None,
) -> Lowered:
    lines = (shape["band"] - 1) * shape["stride"] + _KERNEL
    return Lowered(
        kernel="depthwise_pairs_s8",
        fields={
            "channels": fields["input_channels"],
            **shape,
            "input_zero_point": fields["input_zero_point"],
            "activation_min": fields["activation_min"],
            "activation_max": fields["activation_max"],
        },
        arrays=(stream,),
        macs=macs,
        scratch_bytes=4 * _GROUP * shape["words"] * lines,
        overlap=overlap,
    )


def _overlap(fields: Mapping[str, int], *, upright: bool) -> Overlap | None:
    """Outputs over their own channels' inputs: of the same place, or of an earlier one."""
    if fields["stride_height"] > 1:
        return None if upright else SAME_PLACE
    axes = ("height", "width")
    same = all(fields[f"input_{axis}"] == fields[f"output_{axis}"] for axis in axes)
    return SAME_PLACE if same else None


def _shape(fields: Mapping[str, int], memory: int, *, upright: bool) -> dict[str, int]:
    """Lines and places, and bands of lines whose planes fit into the memory."""
    lines, stride = line_fields(fields, upright=upright), fields["stride_height"]
    places = lines["output_places"]
    words = -(-places // 2) + 1 if stride == 1 else places + 1
    fitting = (memory // (4 * _GROUP * words) - _KERNEL) // stride + 1
    band = min(lines["output_lines"], max(1, fitting))
    return {**lines, "stride": stride, "words": words, "band": band}
