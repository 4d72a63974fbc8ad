"""What the operators mean, slowly and plainly: exact numbers, one output at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)
SAME, VALID = range(2)


def half_away(value: Fraction) -> int:
    """Nearest integer, halves away from zero."""
    return int(math.copysign(math.floor(abs(value) + Fraction(1, 2)), value))


def half_up(value: Fraction) -> int:
    """Nearest integer, halves up."""
    return math.floor(value + Fraction(1, 2))


def rescale(value: int, multiplier: float) -> int:
    """value * multiplier, with the two roundings of the reference."""
    fraction, exponent = math.frexp(multiplier)
    mantissa = half_up(Fraction(fraction) * 2**31)
    if mantissa == 2**31:
        mantissa, exponent = 2**30, exponent + 1
    if exponent < -31:
        mantissa = exponent = 0
    shifted = value * 2 ** max(exponent, 0)
    scaled = half_up(Fraction(shifted * mantissa, 2**31))
    return half_away(Fraction(scaled, 2 ** max(-exponent, 0)))


@dataclass(frozen=True)
class Requantization:
    """From an accumulator to an int8 output."""

    multiplier: float
    scale: float
    """Of the output."""
    zero_point: int
    activation: int = NONE

    def __call__(self, accumulator: int) -> int:
        low, high = self.bounds()
        return min(max(rescale(accumulator, self.multiplier) + self.zero_point, low), high)

    def bounds(self) -> tuple[int, int]:
        """Smallest and largest output."""

        def stored(real: float) -> int:
            quotient = np.float32(real) / np.float32(self.scale)
            return self.zero_point + half_away(Fraction(float(quotient)))

        low = {RELU: 0.0, RELU6: 0.0, RELU_N1_TO_1: -1.0}.get(self.activation)
        high = {RELU6: 6.0, RELU_N1_TO_1: 1.0}.get(self.activation)
        return (
            -128 if low is None else max(-128, stored(low)),
            127 if high is None else min(127, stored(high)),
        )


class Quantized(Protocol):
    """A tensor that is quantized as a whole; its scale is a float32."""

    @property
    def scale(self) -> float: ...
    @property
    def zero_point(self) -> int: ...


@dataclass(frozen=True)
class Window:
    """A window that slides over an image of `height` times `width`."""

    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: int

    @property
    def output(self) -> tuple[int, int]:
        """Height and width of the output."""
        return self._outputs(0, self.height), self._outputs(1, self.width)

    def _outputs(self, axis: int, size: int) -> int:
        room = size if self.padding == SAME else size - self.kernel[axis] + 1
        return -(-room // self.stride[axis])

    def taps(self, y: int, x: int) -> list[tuple[int, int, int, int]]:
        """What output (y, x) sees in the image: image row and column, kernel row and column."""
        return [
            (iy, ix, ky, kx)
            for ky, iy in self._line(0, self.height, y)
            for kx, ix in self._line(1, self.width, x)
        ]

    def _line(self, axis: int, size: int, output: int) -> list[tuple[int, int]]:
        kernel, stride = self.kernel[axis], self.stride[axis]
        missing = max(0, (self.output[axis] - 1) * stride + kernel - size)
        before = missing // 2 if self.padding == SAME else 0
        places = ((k, output * stride - before + k) for k in range(kernel))
        return [(k, place) for k, place in places if 0 <= place < size]


def convolve(
    image: NDArray[np.int8],
    zero_point: int,
    weights: NDArray[np.int8],
    biases: NDArray[np.int32],
    window: Window,
    requantize: Callable[[int, int], int],
) -> NDArray[np.int8]:
    """CONV_2D of [height, width, inputs] with [outputs, height, width, inputs]."""
    centered = image.astype(np.int64) - zero_point
    result = np.zeros((*window.output, len(weights)), np.int8)
    for y, x, channel in np.ndindex(result.shape):
        products = (
            int(centered[iy, ix] @ weights[channel, ky, kx].astype(np.int64))
            for iy, ix, ky, kx in window.taps(y, x)
        )
        result[y, x, channel] = requantize(channel, int(biases[channel]) + sum(products))
    return result


def convolve_depthwise(
    image: NDArray[np.int8],
    zero_point: int,
    weights: NDArray[np.int8],
    biases: NDArray[np.int32],
    window: Window,
    requantize: Callable[[int, int], int],
) -> NDArray[np.int8]:
    """DEPTHWISE_CONV_2D of [height, width, inputs] with [1, height, width, outputs]."""
    outputs = weights.shape[3]
    multiplier = outputs // image.shape[2]
    result = np.zeros((*window.output, outputs), np.int8)
    for y, x, channel in np.ndindex(result.shape):
        total = int(biases[channel])
        for iy, ix, ky, kx in window.taps(y, x):
            value = int(image[iy, ix, channel // multiplier]) - zero_point
            total += value * int(weights[0, ky, kx, channel])
        result[y, x, channel] = requantize(channel, total)
    return result


def average(values: Sequence[int]) -> int:
    """What AVERAGE_POOL_2D makes of a window; MAX_POOL_2D's is `max`."""
    return half_away(Fraction(sum(values), len(values)))


def pool(
    image: NDArray[np.int8],
    window: Window,
    bounds: tuple[int, int],
    chosen: Callable[[Sequence[int]], int] = average,
) -> NDArray[np.int8]:
    """AVERAGE_POOL_2D, or another pooling, of [height, width, channels]."""
    result = np.zeros((*window.output, image.shape[2]), np.int8)
    for y, x, channel in np.ndindex(result.shape):
        values = [int(image[iy, ix, channel]) for iy, ix, _, _ in window.taps(y, x)]
        result[y, x, channel] = min(max(chosen(values), bounds[0]), bounds[1])
    return result


def mean(values: NDArray[np.int8], source: Quantized, output: Quantized) -> int:
    """MEAN of stored values: the multiplier is divided by their number, down to a whole one."""
    count = values.size
    fraction, exponent = math.frexp(source.scale / output.scale)
    mantissa = half_up(Fraction(fraction) * 2**31)
    more = count.bit_length() - 1
    multiplier, exponent = mantissa * 2**more // count, exponent - more
    total = (int(values.astype(np.int64).sum()) - source.zero_point * count) * 2 ** max(exponent, 0)
    scaled = half_up(Fraction(total * multiplier, 2**31))
    result = half_away(Fraction(scaled, 2 ** max(-exponent, 0))) + output.zero_point
    return min(max(result, -128), 127)


def add(
    values: tuple[int, int], inputs: tuple[Quantized, Quantized], output: Quantized, activation: int
) -> int:
    """ADD of two stored values."""
    twice = 2 * max(tensor.scale for tensor in inputs)
    total = sum(
        rescale((value - tensor.zero_point) * 2**20, tensor.scale / twice)
        for value, tensor in zip(values, inputs, strict=True)
    )
    multiplier = twice / (output.scale * 2**20)
    return Requantization(multiplier, output.scale, output.zero_point, activation)(total)


def softmax(row: NDArray[np.int8], scale: float) -> NDArray[Any]:
    """SOFTMAX in real numbers, in units of 1/256 above -128: not rounded."""
    powers = np.exp((row.astype(np.float64) - row.max()) * scale)
    probabilities: NDArray[Any] = powers / powers.sum() * 256 - 128
    return probabilities
