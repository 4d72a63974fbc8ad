"""Windows that make one value of each channel: what all kinds of pooling share."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.quantize import activation_fields
from tinyhil.image.compiler.window import window_fields, windows

_OPTIONS: Final = "Pool2DOptions"


def pool_fields(node: Node) -> dict[str, int]:
    """What the structs of all pooling kernels have in common.

    Raises:
        ModelError: a bad window, other channels or another scale than the input's.
    """
    image, result = node.activation(), node.output
    height = int(node.option(_OPTIONS, "FilterHeight"))
    width = int(node.option(_OPTIONS, "FilterWidth"))
    node.check(0 < height < 2**12 and 0 < width < 2**12, f"has the window {height}x{width}")
    vertical, horizontal = windows(node, _OPTIONS, height, width)
    node.check(image.shape[3] == result.shape[3], "changes the number of channels")
    node.check_scale_kept()
    return {
        **window_fields(node, vertical, horizontal),
        "channels": image.shape[3],
        **activation_fields(node, _OPTIONS),
    }
