"""How many instructions and cycles the kernels for Helium are going to take.

Those that take the place of others have a model: all with several forms, between which it chooses,
and those that most models have.

What assembly does is counted in its text; the other factors were fitted to counts of the operators
of MLPerf Tiny's models, in QEMU as board mps3-an547 (GCC 12.2, -O2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

Fields = Mapping[str, int]

_CHUNK: Final = 16


def _conv2d_fours(op: Fields) -> float:
    pixels = op["output_height"] * op["output_width"]
    blocks = math.ceil(pixels / 2) * math.ceil(op["output_channels"] / 4)
    pointwise = op["kernel_height"] * op["kernel_width"] * op["stride_height"] == 1
    gathered = 0 if op["direct"] else 30 if pointwise else 36 * op["kernel_height"]
    return blocks * (14 * op["patch"] / _CHUNK + 32) + gathered * pixels


def _depthwise_planes(op: Fields) -> float:
    lines, fours = op["output_lines"], math.ceil(op["output_places"] / 4)
    products = lines * (27 * fours + 17)
    if op["stride"] == 1:
        filled = lines * (12 * math.ceil(op["output_places"] / 8) + 14)
    else:
        bands = math.ceil(lines / op["band"])
        filled = (2 * lines + bands) * (14 * fours + 30)
        filled += 100 * (bands - 1)
    return op["channels"] * (100 + products + filled)


def _depthwise_conv2d(op: Fields) -> float:
    blocks = math.ceil(op["input_channels"] * op["multiplier"] / 8)
    outputs = op["output_height"] * op["output_width"]
    copied = op["input_height"] * (9 * op["input_width"] + 59)
    return blocks * (9 * outputs * op["kernel_height"] * op["kernel_width"] + copied + 477)


def _fully_connected_fours(op: Fields) -> float:
    block = 10 * math.ceil(op["inputs"] / _CHUNK) + 38 + 2 * op["is_signed"]
    return op["rows"] * (math.ceil(op["outputs"] / 4) * block + 30)


def _add(op: Fields) -> float:
    return (4.5 if op["output_zero_point"] <= op["activation_min"] else 9) * op["elements"]


MODELS: Final[Mapping[str, Callable[[Fields], float]]] = {
    "conv2d_fours_s8": _conv2d_fours,
    "depthwise_planes_s8": _depthwise_planes,
    "depthwise_conv2d_s8": _depthwise_conv2d,
    "fully_connected_fours_s8": _fully_connected_fours,
    "add_s8": _add,
}

CYCLES: Final[Mapping[str, float]] = {
    "conv2d_fours_s8": 1.8,
    "depthwise_planes_s8": 1.8,
    "depthwise_conv2d_s8": 1.6,
    "fully_connected_fours_s8": 1.8,
    "add_s8": 1.83,
    "avg_pool_s8": 1.2,
    "softmax_s8": 1.2,
}
"""Of an instruction, on the average."""
