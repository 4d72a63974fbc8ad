"""Random models that can be computed in bands of rows: operators on images, one after the other."""

from __future__ import annotations

import numpy as np

from .drawn import Drawn
from .models import Activation, Model


def draw_stage(random: np.random.Generator) -> Model:
    """A chain of operators on images, and a fully connected one."""
    drawn = Drawn(random)
    shape = (1, drawn.pick(9, 19), drawn.pick(4, 9), drawn.pick(1, 3))
    drawn.tensors.append(Activation(shape, 1.0, drawn.pick(-128, 127)))
    drawn.convolution(pointwise=drawn.chance(0.3))
    for _ in range(drawn.pick(1, 4)):
        kinds = (padded, largest, added, Drawn.depthwise, squeezed)
        kinds[drawn.pick(0, len(kinds) - 1)](drawn)
    drawn.convolution(pointwise=False)
    drawn.fully_connected()
    return drawn.model()


def padded(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    sides = [(0, 0), (drawn.pick(0, 2), drawn.pick(0, 2)), (drawn.pick(0, 1), 0), (0, 0)]
    made = tuple(size + sum(side) for size, side in zip(shape, sides, strict=True))
    table = np.array(sides, np.int32)
    drawn.made("PAD", (source, drawn.constant(table)), made, "PadOptions")


def largest(drawn: Drawn) -> None:
    source, (_, height, width, channels) = len(drawn.tensors) - 1, drawn.last.shape
    size, stride = drawn.pick(1, min(3, height, width)), drawn.pick(1, 2)
    made = tuple((side - size) // stride + 1 for side in (height, width))
    drawn.made(
        "MAX_POOL_2D", (source,), (1, *made, channels), "Pool2DOptions", Padding=1,
        StrideH=stride, StrideW=stride, FilterHeight=size, FilterWidth=size,
        FusedActivationFunction=0,
    )  # fmt: skip


def added(drawn: Drawn) -> None:
    """To what was there two operators before, as in a residual block."""
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    drawn.made("RELU", (source,), shape)
    values = {"FusedActivationFunction": 0}
    drawn.made("ADD", (source, len(drawn.tensors) - 1), shape, "AddOptions", **values)


def squeezed(drawn: Drawn) -> None:
    drawn.convolution(pointwise=True)
