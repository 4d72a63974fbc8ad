"""HARD_SWISH, tabulated."""

from __future__ import annotations

from typing import Final

import numpy as np

from tinyhil.image.compiler.graph import Node
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.quantize import divide_by_power, quantize_multiplier
from tinyhil.image.compiler.table import tabulated
from tinyhil.image.compiler.target import Target

NAME = "HARD_SWISH"

_LEFT_SHIFT: Final = 7
_LEAST, _MOST = -(2**15), 2**15 - 1
_REALS: Final = np.float32(3.0) / np.float32(32768.0)
"""Step of the part that is like a RELU6, in the reference."""


def lower(node: Node, _target: Target) -> Lowered:
    """A table of what the reference computes with numbers of 16 bits."""
    source, result = node.activation(), node.output
    with np.errstate(over="ignore", under="ignore"):
        fine = np.float32(1.0 / 2**_LEFT_SHIFT) * np.float32(source.scale)
        factors = float(fine / np.float32(result.scale)), float(fine / _REALS)
    node.check(max(factors) < 2**16, f"has scales of {source.scale} and {result.scale}")
    (output, output_shift), (reluish, shift) = map(_multiplier, factors)
    node.check(output_shift <= 0, "has an output scale that is too small")

    def made(value: int) -> int:
        high = (value - source.zero_point) << _LEFT_SHIFT
        scaled = _multiply(high, output)
        share = _saturated(high << max(0, shift - 1))
        share = _saturated(_multiply(share, reluish) << (shift > 0))
        share = divide_by_power(share, max(0, -shift))
        share = (share + 2**15) >> 1
        # To zero, and without rounding.
        product = int(share * scaled / 2**15)
        return divide_by_power(product, -output_shift) + result.zero_point

    return tabulated(node, made)


def _multiplier(real: float) -> tuple[int, int]:
    """As `quantize_multiplier`, with 15 bits."""
    multiplier, shift = quantize_multiplier(real)
    return min((multiplier + 2**15) >> 16, _MOST), shift


def _multiply(a: int, b: int) -> int:
    """a * b / 2**15, halves away from zero."""
    product = a * b
    rounded = abs(product) + 2**14 - (product < 0)
    return _saturated(rounded // 2**15 * (-1 if product < 0 else 1))


def _saturated(value: int) -> int:
    return min(max(value, _LEAST), _MOST)
