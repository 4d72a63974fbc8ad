"""PAD along any of four axes, with the input's zero point: zero in real numbers.

It is a part of the convolutions that read it, where it adds to height and width and no window is
larger. Else it copies; numbers of 16 bits are two bytes of 0 around them.
"""

from __future__ import annotations

from typing import Final

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.target import Target

NAME = "PAD"
OUTPUTS: Final = ("INT8", "INT16")

_AXES: Final = ("batch", "height", "width", "channels")


def lower(node: Node, _target: Target) -> Lowered:
    """Shapes with leading axes of 1, so that there are four; none if it is folded."""
    if node.folded:
        return Lowered(kernel=None)
    source, result, padding = node.activation(), node.output, node.constant(1, "INT32")
    assert padding.data is not None
    rank = len(source.shape)
    node.check(rank > 0, "has no axes")
    node.check(rank <= len(_AXES), f"has {rank} dimensions, more than {len(_AXES)}")
    node.check(padding.shape == (rank, 2), f"has padding of shape {list(padding.shape)}")
    before, after = padding.data.T.tolist()
    node.check(min([0, *before, *after]) == 0, "has negative padding")
    padded = tuple(map(sum, zip(source.shape, before, after, strict=True)))
    node.check(result.shape == padded, f"has the output {list(result.shape)}, not {list(padded)}")
    node.check_scale_kept()
    missing = len(_AXES) - rank
    sizes = {
        "input": (1,) * missing + source.rows,
        "output": (1,) * missing + result.rows,
        "before": (0,) * missing + (*before[:-1], before[-1] * source.item),
    }
    fields = {
        f"{name}_{axis}": size
        for name, all_sizes in sizes.items()
        for axis, size in zip(_AXES, all_sizes, strict=True)
    }
    return Lowered(kernel="pad_s8", fields={**fields, "value": source.zero_point})
