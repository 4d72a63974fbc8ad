"""How far a convolution's output may lie over its input."""

from __future__ import annotations

from collections.abc import Mapping

from tinyhil.image.compiler.plan import Overlap


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
