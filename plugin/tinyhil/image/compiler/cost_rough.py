"""Instructions on a Cortex-M4 of kernels that none of the benchmark's models spends time in.

Each is a sum of two or three counts times a factor, fitted to four random operators, small ones, of
each kind (QEMU's board mps2-an386, GCC 12.2, -O2): most are within 10 %, some within half.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

Fields = Mapping[str, int]
Counts = Callable[[Fields], Sequence[float]]


def instructions(kernel: str, fields: Fields) -> float | None:
    """Of one inference; None for a kernel that is not known here."""
    found = _KERNELS.get(kernel)
    if found is None:
        return None
    counts, factors = found
    return sum(count * factor for count, factor in zip(counts(fields), factors, strict=True))


def _elements(op: Fields) -> Sequence[float]:
    return (op["elements"],)


def _broadcast(op: Fields) -> Sequence[float]:
    """Elements and rows."""
    rows = op["places.size[0]"] * op["places.size[1]"] * op["places.size[2]"]
    return (rows * op["places.size[3]"], rows)


def _reduced(op: Fields) -> Sequence[float]:
    """Inputs and outputs."""
    outputs = op["outer"] * op["middle"] * op["inner"]
    return (outputs * op["reduced"] * op["reduced_inner"], outputs)


def _pool(op: Fields, group: int = 1) -> Sequence[float]:
    """Elements of windows and outputs, of so many channels at once."""
    outputs = op["output_height"] * op["output_width"] * math.ceil(op["channels"] / group)
    return (outputs * op["kernel_height"] * op["kernel_width"], outputs)


def _pool_of_four(op: Fields) -> Sequence[float]:
    return _pool(op, 4)


def _places(op: Fields) -> tuple[int, int]:
    """Pixels of the output, and elements of a window."""
    return op["output_height"] * op["output_width"], op["kernel_height"] * op["kernel_width"]


def _conv2d_dilated(op: Fields) -> Sequence[float]:
    pixels, window = _places(op)
    outputs = pixels * op["output_channels"]
    return (outputs * window * op["input_channels"], outputs, pixels * window)


def _conv2d_wide(op: Fields) -> Sequence[float]:
    pixels, window = _places(op)
    outputs = pixels * op["output_channels"]
    return (outputs * window * op["input_channels"], outputs, outputs * window)


def _depthwise(op: Fields) -> Sequence[float]:
    pixels, window = _places(op)
    outputs = pixels * op["input_channels"] * op["multiplier"]
    return (outputs * window, outputs)


def _transpose_conv(op: Fields) -> Sequence[float]:
    pixels, window = _places(op)
    outputs = pixels * op["output_channels"]
    products = op["input_height"] * op["input_width"] * window * op["input_channels"]
    return (products * op["output_channels"], outputs * window, outputs)


def _pad(op: Fields) -> Sequence[float]:
    pixels = op["input_batch"] * op["input_height"] * op["input_width"]
    size = op["output_batch"] * op["output_height"] * op["output_width"] * op["output_channels"]
    return (pixels, size)


def _transpose(op: Fields) -> Sequence[float]:
    rows = op["size_0"] * op["size_1"] * op["size_2"]
    together = op["step_3"] == op["item"] or op["step_2"] == op["item"] == 1
    return (rows * op["size_3"] * (0.5 if together else 1.0), rows)


def _slice(op: Fields) -> Sequence[float]:
    runs = op["size_0"] * op["size_1"] * op["size_2"] * op["size_3"]
    return (runs, runs * op["run"])


def _gather(op: Fields) -> Sequence[float]:
    runs = op["outer"] * op["count"]
    return (runs, runs * op["inner"])


def _resize(op: Fields) -> Sequence[float]:
    pixels = op["height"] * op["width"]
    return (pixels, pixels * op["channels"])


def _lstm(op: Fields) -> Sequence[float]:
    cells = op["steps"] * op["cells"]
    return (4 * cells * (op["inputs"] + op["cells"]), cells)


def _softmax(op: Fields) -> Sequence[float]:
    return (op["rows"] * op["classes"], op["rows"])


_KERNELS: Final[Mapping[str, tuple[Counts, Sequence[float]]]] = {
    "add_constant_s8": (_elements, (40,)),
    "avg_pool_s16": (_pool, (8.6, 40)),
    "avg_pool_u8": (_pool, (8.0, 38)),
    "conv2d_dilated_s8": (_conv2d_dilated, (6.1, 60, 53)),
    "conv2d_s16": (_conv2d_wide, (5.1, 66, 78)),
    "copy_s8": (_elements, (0.64,)),
    "curve_s16": (_elements, (30,)),
    "depthwise_conv2d_s16": (_depthwise, (26.5, 100)),
    "depthwise_dilated_s8": (_depthwise, (32, 77)),
    "gather_s8": (_gather, (36, 0.56)),
    "lstm_s8": (_lstm, (1.7, 909)),
    "max_pool_s16": (_pool, (7.2, 40)),
    "max_pool_s8": (_pool_of_four, (4.8, 75)),
    "mean_s16": (_reduced, (13.6, 77)),
    "mean_s8": (_reduced, (9.8, 0)),
    "mul_s16": (_broadcast, (38, 35)),
    "mul_s8": (_broadcast, (44, 16)),
    "pad_s8": (_pad, (0.41, 2.6)),
    "quantize_f32": (_elements, (38,)),
    "reduce_max_s16": (_reduced, (10.2, 127)),
    "reduce_max_s8": (_reduced, (8.0, 113)),
    "requantize_s16": (_elements, (42,)),
    "resize_bilinear_s16": (_resize, (43, 59)),
    "resize_bilinear_s8": (_resize, (75, 25)),
    "resize_nearest_s8": (_resize, (56, 0.5)),
    "slice_s8": (_slice, (12, 1.4)),
    "softmax_s16": (_softmax, (67, 192)),
    "sum_s16": (_broadcast, (76, 33)),
    "sum_s8": (_broadcast, (52, 27)),
    "table_s8": (_elements, (10.2,)),
    "transpose_conv_s16": (_transpose_conv, (7.5, 20, 129)),
    "transpose_conv_s8": (_transpose_conv, (6.8, 32, 28)),
    "transpose_s8": (_transpose, (5.0, 50)),
}
