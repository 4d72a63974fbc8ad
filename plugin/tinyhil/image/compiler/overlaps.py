"""How far a convolution's output may lie over its input."""

from __future__ import annotations

from collections.abc import Mapping

from tinyhil.image.compiler.plan import SAME_PLACE, Overlap


def reach_overlap(fields: Mapping[str, int]) -> Overlap:
    """Pixels are read before their outputs are written; the next ones must still be there."""
    width, stride = fields["input_width"], (fields["stride_height"], fields["stride_width"])
    inputs, outputs = fields["input_channels"], fields["output_channels"]
    across = fields["output_width"]
    return Overlap(
        min(
            inputs
            * max(
                0,
                (pixel // across * stride[0] - fields["pad_top"]) * width
                + max(0, pixel % across * stride[1] - fields["pad_left"]),
            )
            - outputs * pixel
            for pixel in range(fields["output_height"] * across)
        )
    )


def lines_overlap(fields: Mapping[str, int], *, upright: bool) -> Overlap | None:
    """Of depthwise kernels, channel by channel: over the same place's input, or an earlier one's.

    Args:
        fields: the general kernel's, with equal strides.
        upright: whether the kernel's lines are columns.
    """
    if fields["stride_height"] > 1:
        return None if upright else SAME_PLACE
    axes = ("height", "width")
    same = all(fields[f"input_{axis}"] == fields[f"output_{axis}"] for axis in axes)
    return SAME_PLACE if same else None
