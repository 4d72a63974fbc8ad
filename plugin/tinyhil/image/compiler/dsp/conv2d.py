"""CONV_2D by ``conv2d_pairs_s8``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.dsp.finish import (
    FIXED,
    SHIFTED,
    SIGNED,
    Finish,
    finishes,
    sums,
)
from tinyhil.image.compiler.dsp.words import pairs, scaled, shared, sharing_fits, signed
from tinyhil.image.compiler.lowered import Lowered, int32_array
from tinyhil.image.compiler.overlaps import reach_overlap
from tinyhil.image.compiler.quantize import Channel
from tinyhil.image.compiler.target import Target

_SHIFT: Final = 12
"""The kernel's constant: it serves right shifts of 5 to 11, as convolutions have them."""
_QUAD: Final = 4
_PIXELS: Final = 3


def lower(
    fields: Mapping[str, int],
    weights: NDArray[Any],
    channels: Sequence[Channel],
    target: Target,
) -> Lowered | None:
    """The operator with the general kernel's `fields`, and `weights` as the model has them."""
    forms = []
    for small in (True,) if target.goal == "size" else (False, True):
        form = _form(fields, weights, channels, small=small)
        if form is not None:
            forms.append(form)
            if target.flash and target.flash.wait_states:
                forms.append(_staged(form))
    if not forms:
        return None
    first, *others = forms
    return replace(first, others=tuple(others))


def _staged(form: Lowered) -> Lowered:
    """The same from a copy of the weights in RAM, which all pixels read."""
    assert form.scratch_bytes is not None
    copied = form.constant_bytes
    return replace(
        form,
        fields={**form.fields, "staged": copied},
        scratch_bytes=form.scratch_bytes + copied,
        spare=True,
        form=f"{form.form}, staged in RAM",
    )


def _form(
    fields: Mapping[str, int],
    weights: NDArray[Any],
    channels: Sequence[Channel],
    *,
    small: bool,
) -> Lowered | None:
    """With weights of 16 bits, or of 8."""
    outputs, height, width, inputs = weights.shape
    line = width * inputs
    row = _whole(line)
    flat = weights.reshape(outputs, -1)
    biases = np.array([channel.bias for channel in channels], np.int64)
    if outputs % 2 or (small and not sharing_fits(flat, biases)):
        return None
    ranges = sums(channels, flat, fields["output_zero_point"], fields["activation_min"])
    kinds = (SHIFTED, SIGNED) if small else (FIXED, SHIFTED, SIGNED)
    proved = ((kind, finishes(ranges, kind, _SHIFT)) for kind in kinds)
    rounding, found = next(((kind, found) for kind, found in proved if found), (SIGNED, None))
    if found is None:
        return None
    padded = np.pad(weights.reshape(outputs, height, line), ((0, 0), (0, 0), (0, row - line)))
    stream = _stream(padded.reshape(outputs, -1), biases, found, rounding, small=small)
    return Lowered(
        kernel="conv2d_pairs_s8",
        fields={
            **{name: value for name, value in fields.items() if name not in _GENERAL},
            "row": row,
            "bytes": int(small),
            "rounding": rounding,
            "staged": 0,
        },
        arrays=(int32_array("stream", [word for part in stream for word in part]),),
        macs=fields["output_height"] * fields["output_width"] * weights.size,
        # Copied weights, in words, are behind it.
        scratch_bytes=_whole(2 * _PIXELS * height * row + _PIXELS * max(row, outputs) + row),
        form="8 bits" if small else "16 bits",
        overlap=reach_overlap(fields),
    )


def _whole(size: int) -> int:
    return size + -size % _QUAD


_GENERAL: Final = ("patch", "run", "output_zero_point")


def _stream(
    weights: NDArray[Any],
    biases: NDArray[np.int64],
    found: Sequence[Finish],
    rounding: int,
    *,
    small: bool,
) -> Iterator[list[int]]:
    """What the kernel reads, pair of channels by pair."""
    if small:  # the kernel doubles their sums
        alive = np.array([finish.scale is not None for finish in found])
        values, starts = (weights.astype(np.int64).T * alive).T, biases * alive
    else:
        values, starts = scaled(weights, found), scaled(biases, found)
    for i in range(0, len(found), 2):
        first, second = values[i], values[i + 1]
        if small:
            yield signed(np.array([starts[i], shared(starts[i], starts[i + 1])]))
            yield signed(pairs(shared(first, second)))
        else:
            yield signed(starts[i : i + 2])
            yield signed(np.stack([pairs(first), pairs(second)], axis=1).ravel())
        both = found[i : i + 2]
        yield [value for finish in both for value in (finish.multiplier, finish.addend)]
        if rounding != FIXED:
            yield [finish.right for finish in both]
