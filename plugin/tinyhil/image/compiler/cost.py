"""How many instructions a kernel is going to take on a Cortex-M4.

For each kernel a sum: how often it does what, and what that costs. The factors were fitted, by
least relative squares, to counts of each operator of five models: the int8 ones of MLPerf Tiny for
keyword spotting, visual wake words, image classification (also the large one), anomaly detection
and streaming wake words, in QEMU as board mps2-an386 (GCC 12.2, -O2, kernels of ``armv7e-m``).
There every model is within 3 %, nearly every operator within 6 %; such a model leaves out channels
that need the careful requantization.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from tinyhil.image.compiler.lowered import Lowered

Fields = Mapping[str, int]


def predict(lowered: Lowered) -> int | None:
    """Instructions of one inference; None for a kernel without a model."""
    if lowered.kernel is None:
        return 0
    model = _MODELS.get(lowered.kernel)
    return None if model is None else round(model(lowered.fields))


def _conv2d(op: Fields) -> float:
    blocks = math.ceil(op["output_height"] * op["output_width"] / 4)
    pairs = math.ceil(op["output_channels"] / 2)
    rows = 4 * blocks * op["kernel_height"]
    gathered = rows * op["kernel_width"] * op["input_channels"]
    products = 4 * blocks * 2 * pairs * op["patch"]
    outputs = 4 * blocks * op["output_channels"]
    more_runs = blocks * pairs * (math.ceil(op["patch"] / op["run"]) - 1)
    return 0.99 * products + 26.5 * outputs + 3.75 * gathered + 61 * rows + 118 * more_runs


def _depthwise_conv2d(op: Fields) -> float:
    channels = op["input_channels"] * op["multiplier"]
    columns = channels * op["output_width"]
    outputs = columns * op["output_height"]
    rows = op["input_channels"] * op["plane_height"]
    words = rows * op["plane_width"]
    planes = 32 * outputs + 9 * words + 26 * rows + 43 * columns + 153 * channels
    if (op["kernel_height"], op["kernel_width"]) == (3, 3):
        return planes  # its products are in the outputs
    pairs = columns * math.ceil(op["output_height"] / 2)
    return planes + 7.4 * pairs * (op["kernel_height"] * op["kernel_width"] - 1)


def _fully_connected(op: Fields) -> float:
    inputs = math.ceil(op["inputs"] / 8) * 8
    products = inputs * math.ceil(op["outputs"] / 4) * 4
    return op["rows"] * (1.38 * products + 41 * op["outputs"] + 3.9 * inputs)


def _avg_pool(op: Fields) -> float:
    outputs = op["output_height"] * op["output_width"] * op["channels"]
    rows = outputs * op["kernel_height"]
    return 6 * rows * op["kernel_width"] + 8 * rows + 22 * outputs


def _add(op: Fields) -> float:
    return 20 * op["elements"]


def _softmax(op: Fields) -> float:
    return op["rows"] * (28 * op["classes"] + 310)


_MODELS: Final[Mapping[str, Callable[[Fields], float]]] = {
    "conv2d_s8": _conv2d,
    "depthwise_conv2d_s8": _depthwise_conv2d,
    "fully_connected_s8": _fully_connected,
    "avg_pool_s8": _avg_pool,
    "add_s8": _add,
    "softmax_s8": _softmax,
}
