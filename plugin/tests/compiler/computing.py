"""One random operator that computes, as the next one of a chain.

Each function appends it, and what it needs, to what is `drawn`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import tflite

from .drawn import Drawn
from .models import Activation, Operator, Weights


def arithmetic(name: str) -> Callable[[Drawn], None]:
    """With a constant, another tensor, or another input; axes may be repeated in either one."""

    def append(drawn: Drawn) -> None:
        source, own = len(drawn.tensors) - 1, drawn.last
        shape = [1 if drawn.chance(0.35) else size for size in own.shape]
        scale = float(np.float32(own.scale * 2.0 ** drawn.random.uniform(-3, 3)))
        zero_point, other = drawn.zero_point(), source
        kind = drawn.random.random()
        if kind < 0.5:
            short = tuple(shape[drawn.pick(0, 3) :]) if drawn.chance(0.5) else tuple(shape)
            drawn.tensors.append(Weights(drawn.stored(short), [scale], zero_point=zero_point))
            other = len(drawn.tensors) - 1
        elif kind < 0.9:
            part = (source, drawn.constant([0] * 4), drawn.constant(shape))
            drawn.made("SLICE", part, tuple(shape), "SliceOptions")
            drawn.made("QUANTIZE", (len(drawn.tensors) - 1,), tuple(shape), "QuantizeOptions",
                       scale, zero_point)  # fmt: skip
            other = len(drawn.tensors) - 1
        elif kind < 0.95:
            drawn.tensors.append(Activation(own.shape, scale, zero_point, drawn.dtype))
            other = len(drawn.tensors) - 1
            drawn.inputs.append(other)
        else:
            scale = own.scale
        inputs = (other, source) if drawn.chance(0.5) else (source, other)
        most = 2**15 if drawn.wide else 127
        size = own.scale * scale * most if name == "MUL" else max(own.scale, scale)
        # The default is a sum by shifts, if all scales are powers of two.
        more = {"PotScaleInt16": drawn.chance(0.5)} if drawn.wide and name != "MUL" else {}
        drawn.made(
            name, inputs, own.shape, f"{name.capitalize()}Options",
            float(np.float32(size * 2.0 ** drawn.random.uniform(-1.5, 2))), drawn.zero_point(),
            FusedActivationFunction=int(drawn.random.choice([0, 0, 1, 3])), **more,
        )  # fmt: skip

    return append


def convolution(name: str) -> Callable[[Drawn], None]:
    """With dilation; or, of depthwise ones, with windows that are large."""

    def append(drawn: Drawn) -> None:
        _, height, width, channels = drawn.last.shape
        large = name == "DEPTHWISE_CONV_2D" and drawn.chance(0.2)
        kernel = (17, 17) if large else (drawn.pick(1, 3), drawn.pick(2, 3))
        dilation = (1, 1) if large else (drawn.pick(1, 3), drawn.pick(2, 3))
        stride = (drawn.pick(1, 2), drawn.pick(1, 2))
        extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        same = extent[0] > height or extent[1] > width or drawn.chance(0.6)
        room = [
            size if same else size - reach + 1
            for size, reach in zip((height, width), extent, strict=True)
        ]
        size = [-(-one // step) for one, step in zip(room, stride, strict=True)]
        options: dict[str, int | float] = {
            "Padding": 0 if same else 1, "StrideH": stride[0], "StrideW": stride[1],
            "DilationHFactor": dilation[0], "DilationWFactor": dilation[1],
        }  # fmt: skip
        if name == "CONV_2D":
            outputs = drawn.pick(1, 5)
            weights = drawn.weights(outputs, *kernel, channels)
            drawn.mixed(name, weights, 0, (1, *size, outputs), "Conv2DOptions", options)
            return
        multiplier = drawn.pick(1, 2)
        outputs = channels * multiplier
        weights = drawn.weights(1, *kernel, outputs)
        if large:
            weights |= 64
        options["DepthMultiplier"] = multiplier
        drawn.mixed(name, weights, 3, (1, *size, outputs), "DepthwiseConv2DOptions", options)

    return append


def padded(drawn: Drawn) -> None:
    """A PAD, and one or two convolutions that read it."""
    source, (_, height, width, channels) = len(drawn.tensors) - 1, drawn.last.shape
    sides = [[0, 0], *([drawn.pick(0, 2), drawn.pick(0, 2)] for _ in range(2)), [0, 0]]
    made = (1, height + sum(sides[1]), width + sum(sides[2]), channels)
    drawn.made("PAD", (source, drawn.constant(sides)), made, "PadOptions")
    image = len(drawn.tensors) - 1
    if drawn.chance(0.5):
        drawn.depthwise(valid=True)
    else:
        drawn.convolution(pointwise=False, valid=True)
    if drawn.chance(0.2):
        drawn.tensors.append(drawn.tensors[image])  # for its shape
        drawn.convolution(pointwise=False, valid=True)
        own = drawn.operators.pop()
        drawn.operators.append(replace(own, inputs=(image, *own.inputs[1:])))


def transpose_conv(drawn: Drawn) -> None:
    _, height, width, channels = drawn.last.shape
    kernel, stride = (drawn.pick(1, 4), drawn.pick(1, 4)), (drawn.pick(1, 3), drawn.pick(1, 3))
    same, outputs = drawn.chance(0.5), drawn.pick(1, 5)
    size = [
        inputs * step + (0 if same else max(0, window - step))
        for inputs, step, window in zip((height, width), stride, kernel, strict=True)
    ]
    source = len(drawn.tensors) - 1
    options: dict[str, int | float] = {
        "Padding": 0 if same else 1, "StrideH": stride[0], "StrideW": stride[1],
    }  # fmt: skip
    weights = drawn.weights(outputs, *kernel, channels)
    shape = (1, *size, outputs)
    drawn.mixed("TRANSPOSE_CONV", weights, 0, shape, "TransposeConvOptions", options)
    made, operator = drawn.tensors.pop(), drawn.operators.pop()
    given = drawn.constant(list(shape))
    drawn.tensors.append(made)
    inputs = (given, source + 1, source, *((source + 2,) if drawn.chance(0.7) else ()))
    values = {**operator.values, "FusedActivationFunction": 0}
    drawn.operators.append(
        Operator(operator.name, inputs, len(drawn.tensors) - 1, operator.options, values)
    )


def hard_swish(drawn: Drawn) -> None:
    scale = float(np.float32(drawn.last.scale * 2.0 ** drawn.random.uniform(-2, 2)))
    inputs = (len(drawn.tensors) - 1,)
    drawn.made(
        "HARD_SWISH", inputs, drawn.last.shape, "HardSwishOptions", scale, drawn.zero_point()
    )


def softmax(drawn: Drawn) -> None:
    inputs = (len(drawn.tensors) - 1,)
    beta = float(np.float32(drawn.random.choice([1.0, 0.5, 3.0])))
    scale, zero_point = (2.0**-15, 0) if drawn.wide else (1 / 256, -128 + 128 * drawn.legacy)
    shape = drawn.last.shape
    drawn.made("SOFTMAX", inputs, shape, "SoftmaxOptions", scale, zero_point, Beta=beta)


def lstm(drawn: Drawn) -> None:
    """With a state, and outputs of all steps."""
    cells, size = drawn.pick(1, 5), int(np.prod(drawn.last.shape))
    steps = int(drawn.random.choice([n for n in range(1, 7) if size % n == 0]))
    source, shape = len(drawn.tensors) - 1, (1, steps, size // steps)
    drawn.made("RESHAPE", (source, drawn.constant(list(shape))), shape, "ReshapeOptions")
    source, scale = len(drawn.tensors) - 1, drawn.last.scale
    numbers = [source]
    for columns, of in ((shape[2], scale), (cells, 1 / 128)):
        for _ in range(4):
            # Sums are a few units, as what goes into a gate is.
            steps_of = 2.0 ** drawn.random.uniform(-2, 1.5) / (of * 74 * 74 * columns**0.5)
            weights = drawn.random.integers(-127, 128, (cells, columns), dtype=np.int8)
            drawn.tensors.append(Weights(weights, [float(np.float32(steps_of))]))
            numbers.append(len(drawn.tensors) - 1)
    numbers += [-1, -1, -1]
    numbers += [
        drawn.constant(drawn.random.integers(-3000, 3000, cells).astype(np.int32)) for _ in range(4)
    ]
    made = Activation((1, steps, cells), float(np.float32(1 / 128)), drawn.pick(-20, 20))
    like = {"scale": made.scale, "zero_point": made.zero_point}
    kept = [
        Activation((1, cells), **like, variable=True),  # type: ignore[arg-type]
        Activation(
            (1, cells), 2.0 ** drawn.pick(-15, -11), 0, tflite.TensorType.INT16, variable=True
        ),
    ]
    first = len(drawn.tensors)
    drawn.tensors += [*kept, *[Activation((0,), dtype=tflite.TensorType.FLOAT32)] * 4]
    drawn.tensors += [Activation((0,), **like), made]  # type: ignore[arg-type]
    values = {"FusedActivationFunction": 4, "CellClip": float(drawn.random.choice([0.0, 0.7]))}
    drawn.operators.append(
        Operator(
            "UNIDIRECTIONAL_SEQUENCE_LSTM", (*numbers, -1, -1, first, first + 1, *[-1] * 4),
            first + 7, "UnidirectionalSequenceLSTMOptions", values,
            tuple(range(first + 2, first + 7)),
        )
    )  # fmt: skip
    drawn.image()


def window(name: str) -> Callable[[Drawn], None]:
    """Of a pooling operator."""

    def append(drawn: Drawn) -> None:
        source, (_, height, width, channels) = len(drawn.tensors) - 1, drawn.last.shape
        kernel, stride = (drawn.pick(1, 4), drawn.pick(1, 4)), (drawn.pick(1, 3), drawn.pick(1, 3))
        same = kernel[0] > height or kernel[1] > width or drawn.chance(0.5)
        size = [
            -(-(side if same else side - window + 1) // step)
            for side, window, step in zip((height, width), kernel, stride, strict=True)
        ]
        drawn.made(
            name, (source,), (1, *size, channels), "Pool2DOptions",
            Padding=0 if same else 1, StrideH=stride[0], StrideW=stride[1], FilterHeight=kernel[0],
            FilterWidth=kernel[1], FusedActivationFunction=int(drawn.random.choice([0, 0, 1, 3])),
        )  # fmt: skip

    return append


def mean(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    axes = [axis for axis in range(len(shape)) if drawn.chance(0.5)] or [1]
    made = [1 if axis in axes else size for axis, size in enumerate(shape)]
    scale, zero_point = drawn.last.scale, drawn.last.zero_point
    given = drawn.constant([axis - len(shape) * drawn.chance(0.3) for axis in axes])
    if drawn.chance(0.7):
        scale = float(np.float32(scale * 2.0 ** drawn.random.uniform(-3, 1)))
        zero_point = drawn.zero_point()
    drawn.made("MEAN", (source, given), tuple(made), "ReducerOptions", scale, zero_point,
               KeepDims=True)  # fmt: skip


def fully_connected(drawn: Drawn) -> None:
    drawn.fully_connected()
    drawn.image()


def curve(name: str) -> Callable[[Drawn], None]:
    def append(drawn: Drawn) -> None:
        scale, zero_point = (1 / 128, 0) if name == "TANH" else (1 / 256, -128)
        zero_point += 128 * drawn.legacy
        if drawn.wide:
            scale, zero_point = 2.0**-15, 0
        inputs = (len(drawn.tensors) - 1,)
        drawn.made(name, inputs, drawn.last.shape, "", scale, zero_point)

    return append


def rescaled(name: str, options: str = "") -> Callable[[Drawn], None]:
    """With another scale and zero point."""

    def append(drawn: Drawn) -> None:
        scale = float(np.float32(drawn.last.scale * 2.0 ** drawn.random.uniform(-3, 3)))
        inputs = (len(drawn.tensors) - 1,)
        drawn.made(name, inputs, drawn.last.shape, options, scale, drawn.zero_point())

    return append


def converted(drawn: Drawn, dtype: int) -> None:
    """The same to another type: what follows has that one."""
    wider = 256 * (dtype == tflite.TensorType.INT8) or 1 / 256
    factor = wider if dtype != drawn.dtype else 1.0
    scale = drawn.last.scale * factor * 2.0 ** drawn.random.uniform(-2, 2)
    inputs, shape = (len(drawn.tensors) - 1,), drawn.last.shape
    drawn.dtype = dtype
    zero_point = drawn.zero_point()
    drawn.made("QUANTIZE", inputs, shape, "QuantizeOptions", float(np.float32(scale)), zero_point)


def narrowed(drawn: Drawn) -> None:
    converted(drawn, tflite.TensorType.INT8)
