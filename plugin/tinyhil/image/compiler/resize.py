"""Images of another size: what the operators RESIZE share."""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node

_MAX_SIDE: Final = 2**12


def sides(node: Node, kind: str) -> tuple[tuple[tuple[int, int], ...], bool, bool]:
    """Height and width, of the input and of the output each; whether corners are aligned, and
    whether the centers of pixels are half a pixel away from them.

    Raises:
        ModelError: no single NHWC image, or another size than is asked for.
    """
    image, result = node.activation().shape, node.output.shape
    node.check(len(image) == 4 and len(result) == 4, "is not on NHWC images")
    node.check(image[0] == 1 and result[0] == 1, "has a batch of more than one image")
    asked = node.constant(1, "INT32").data
    assert asked is not None
    size = [int(number) for number in asked.ravel()]
    fits = size == list(result[1:3]) and image[3] == result[3]
    node.check(fits, f"has the output {list(result)}, where {size} is asked for")
    node.check(max(*image[1:3], *size) <= _MAX_SIDE, f"has sides of more than {_MAX_SIDE:,}")
    node.check_scale_kept()
    aligned, half = (bool(node.option(kind, o)) for o in ("AlignCorners", "HalfPixelCenters"))
    both = ((image[1], result[1]), (image[2], result[2]))
    return both, aligned, half
