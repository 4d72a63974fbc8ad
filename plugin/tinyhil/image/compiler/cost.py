"""How many instructions and cycles a kernel is going to take.

For each kernel a sum: how often it does what, and what that costs. What assembly does is counted in
its text; the other factors were fitted to counts of each operator of the models of MLPerf Tiny for
keyword spotting, visual wake words, image classification, anomaly detection and streaming wake
words, in QEMU as board mps2-an386 (GCC 12.2, -O2, kernels of ``armv7e-m``). There every model is
within 3 %, nearly every operator within 8 %. For cores with Helium, see `mve.cost`; all others are
taken for a Cortex-M4. Kernels without a model are in `cost_rough`.

Cycles are instructions times those of one, by kernel: averages of what ``make bench-kernels`` says.
A convolution reads its weights again and again, which small caches do not hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from tinyhil.catalog.cycles import FlashWaits
from tinyhil.image.compiler import cost_rough
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.mve.cost import CYCLES as MVE_CYCLES
from tinyhil.image.compiler.mve.cost import MODELS as MVE_MODELS
from tinyhil.image.compiler.target import Target

Fields = Mapping[str, int]


def predict(lowered: Lowered, target: Target) -> int | None:
    """Instructions of one inference; None for a kernel without a model."""
    if lowered.kernel is None:
        return 0
    model = (_MVE_MODELS if target.vectors else _MODELS).get(lowered.kernel)
    if model is not None:
        return round(model(lowered.fields))
    rough = cost_rough.instructions(lowered.kernel, lowered.fields)
    return None if rough is None else round(rough)


def cycles(lowered: Lowered, target: Target) -> int | None:
    """Cycles of one inference, with waits for constants if the target's flash is known to wait.

    None for a kernel without a model.
    """
    instructions = predict(lowered, target)
    if not instructions or lowered.kernel is None:
        return instructions
    each = (MVE_CYCLES if target.vectors else _CYCLES).get(lowered.kernel, _ANY_CYCLES)
    if lowered.kernel == "conv2d_pairs_s8" and lowered.fields["bytes"]:
        each = 1.465
    if lowered.kernel == "fully_connected_pairs_s8" and lowered.fields["direct"]:
        each = 1.35
    return round(instructions * each) + (_waits(lowered, target.flash) if target.flash else 0)


def _waits(lowered: Lowered, flash: FlashWaits) -> int:
    """Cycles more that constants make it wait for."""
    op = lowered.fields
    match lowered.kernel:
        case "conv2d_pairs_s8":
            pixels = op["output_height"] * op["output_width"]
            passes = 1 if op["staged"] else math.ceil(pixels / 3)
        case "conv2d_s8":
            passes = math.ceil(op["output_height"] * op["output_width"] / 4)
        case "depthwise_pairs_s8":
            passes = math.ceil(op["output_lines"] / op["band"])
        case "fully_connected_s8" | "fully_connected_pairs_s8":
            passes = op["rows"]
        case _:
            return 0
    return passes * lowered.constant_bytes // flash.fetch_bytes * flash.wait_states


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


def _conv2d_pairs(op: Fields) -> float:
    blocks = math.ceil(op["output_height"] * op["output_width"] / 3)
    quads = op["kernel_height"] * op["row"] / 4
    finish = (32, 40, 47)[op["rounding"]] + 9 * op["bytes"]
    pair = (18 if op["bytes"] else 16) * quads + 2 * math.ceil(quads / 8) + finish
    gathered = 12 * quads + 75
    if op["kernel_height"] * op["kernel_width"] * op["stride_height"] > 1:
        gathered += 10 * op["kernel_height"] + 60
        gathered += _at_the_edge(op) * 190 * op["kernel_height"]
    return blocks * (gathered + pair * op["output_channels"] / 2) + 1.25 * op["staged"]


def _at_the_edge(op: Fields) -> float:
    """Share of the blocks of three pixels that are not in one row of the image's inside."""
    height, width = op["output_height"], op["output_width"]
    edges = [
        any(
            not 0
            <= place * op[f"stride_{axis}"] - pad
            <= op[f"input_{axis}"] - op[f"kernel_{axis}"]
            for axis, pad, place in (
                ("height", op["pad_top"], first // width),
                ("width", op["pad_left"], first % width),
                ("width", op["pad_left"], first % width + 2),
            )
        )
        for first in range(0, height * width, 3)
    ]
    return sum(edges) / len(edges)


def _depthwise_pairs(op: Fields) -> float:
    lines, places = op["output_lines"], op["output_places"]
    bands = math.ceil(lines / op["band"])
    made = ((lines - 1) * op["stride"] + 3) * op["channels"] / op["group"]  # lines of all planes
    pairs = 27 * (places // 2) + 16 * (places % 2) + 16
    line = pairs if op["stride"] == 1 else 18 * places + 13
    words = 15 * op["words"] + 70 if op["group"] == 4 else 10 * op["words"] + 80
    kept = 4 * op["words"] * (3 - op["stride"]) * (bands - 1)
    return op["channels"] * (lines * line + 55 * bands + kept) + made * words


def _fully_connected_pairs(op: Fields) -> float:
    quads = math.ceil(op["inputs"] / 4)
    block = (16 if op["direct"] else 14) * quads + 2 * math.ceil(quads / 8) + 36
    widened = 0 if op["direct"] else 8 * quads
    return op["rows"] * (math.ceil(op["outputs"] / 4) * block + widened + 150)


def _avg_pool(op: Fields) -> float:
    groups = op["output_height"] * op["output_width"] * math.ceil(op["channels"] / 4)
    return groups * (10.4 * op["kernel_height"] * op["kernel_width"] + 70)


def _add(op: Fields) -> float:
    return (10.3 if op["output_zero_point"] <= op["activation_min"] else 20) * op["elements"]


def _softmax(op: Fields) -> float:
    return op["rows"] * (28 * op["classes"] + 310)


_MODELS: Final[Mapping[str, Callable[[Fields], float]]] = {
    "conv2d_s8": _conv2d,
    "depthwise_conv2d_s8": _depthwise_conv2d,
    "fully_connected_s8": _fully_connected,
    "conv2d_pairs_s8": _conv2d_pairs,
    "depthwise_pairs_s8": _depthwise_pairs,
    "fully_connected_pairs_s8": _fully_connected_pairs,
    "avg_pool_s8": _avg_pool,
    "add_s8": _add,
    "softmax_s8": _softmax,
}

_MVE_MODELS: Final[Mapping[str, Callable[[Fields], float]]] = {
    "avg_pool_s8": _avg_pool,  # the same code there
    "softmax_s8": _softmax,
    **MVE_MODELS,
}

_CYCLES: Final[Mapping[str, float]] = {
    "conv2d_s8": 1.39,
    "depthwise_conv2d_s8": 1.29,
    "fully_connected_s8": 1.33,
    "conv2d_pairs_s8": 1.62,
    "depthwise_pairs_s8": 1.49,
    "fully_connected_pairs_s8": 1.42,
    "avg_pool_s8": 1.33,
    "add_s8": 1.07,
    "softmax_s8": 1.3,
}
"""Of an instruction, on the average; of weights at 16 bits, where there are two forms."""
_ANY_CYCLES: Final = 1.4
"""The same of all other kernels: about the average of these."""
