"""One random operator of each kind, as the next one of a chain.

Each function appends it, and what it needs, to what is `drawn`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import tflite

from .drawn import Drawn
from .models import Activation, Model, Operator, Weights


def _slice(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    first = [drawn.pick(0, size - 1) for size in shape]
    size = [drawn.pick(1, length - begin) for length, begin in zip(shape, first, strict=True)]
    asked = [-1 if drawn.chance(0.2) else one for one in size]
    made = [
        length - begin if ask == -1 else one
        for length, begin, ask, one in zip(shape, first, asked, size, strict=True)
    ]
    inputs = (source, drawn.constant(first), drawn.constant(asked))
    drawn.made("SLICE", inputs, tuple(made), "SliceOptions")


def _strided_slice(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    begin, end, steps, made = [], [], [], []
    masks = {"BeginMask": 0, "EndMask": 0, "ShrinkAxisMask": 0}
    for i, size in enumerate(shape):
        step = int(drawn.random.choice([1, 1, 1, 2, 3, -1, -2]))
        first, last = drawn.pick(-size - 2, size + 2), drawn.pick(-size - 2, size + 2)
        if drawn.chance(0.15):
            masks["ShrinkAxisMask"] |= 1 << i
            first, last, step = drawn.pick(-size, size - 1), 0, 1
        no_begin = drawn.chance(0.4) and not masks["ShrinkAxisMask"] >> i & 1
        no_end = drawn.chance(0.4)
        span = range(size)[None if no_begin else first : None if no_end else last : step]
        if not len(span):
            first, last, step, no_begin, no_end = 0, size, 1, True, True
            span = range(size)
        masks["BeginMask"] |= no_begin << i
        masks["EndMask"] |= no_end << i
        if not masks["ShrinkAxisMask"] >> i & 1:
            made.append(len(span))
        else:
            last = first + 1
        begin.append(first)
        end.append(last)
        steps.append(step)
    inputs = (source, *map(drawn.constant, (begin, end, steps)))
    drawn.made("STRIDED_SLICE", inputs, tuple(made), "StridedSliceOptions", **masks)
    drawn.image()


def _parts(drawn: Drawn, name: str, inputs: tuple[int, ...], shapes: list[tuple[int, ...]],
           options: str, **values: int) -> None:  # fmt: skip
    like = next(t for n in inputs if isinstance(t := drawn.tensors[n], Activation))
    first = len(drawn.tensors)
    drawn.tensors += [
        Activation(shape, like.scale, like.zero_point, drawn.dtype) for shape in shapes
    ]
    outputs = tuple(range(first, len(drawn.tensors)))
    drawn.operators.append(Operator(name, inputs, outputs, options, values))


def _cut(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :])


def _split(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    axis = drawn.pick(0, len(shape) - 1)
    count = int(drawn.random.choice([n for n in (1, 2, 3, 4, 5) if shape[axis] % n == 0]))
    given = drawn.constant(axis - len(shape) * drawn.chance(0.5))
    made = _cut(shape, axis, shape[axis] // count)
    _parts(drawn, "SPLIT", (given, source), [made] * count, "SplitOptions", NumSplits=count)


def _split_v(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    axis = drawn.pick(0, len(shape) - 1)
    sizes: list[int] = []
    left = shape[axis]
    while left:
        sizes.append(left if len(sizes) == 4 else drawn.pick(1, left))
        left -= sizes[-1]
    asked = [-1, *sizes[1:]] if drawn.chance(0.3) else sizes
    inputs = (source, drawn.constant(asked), drawn.constant(axis))
    shapes = [_cut(shape, axis, size) for size in sizes]
    _parts(drawn, "SPLIT_V", inputs, shapes, "SplitVOptions", NumSplits=len(sizes))


def _unpack(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    axis = min(range(len(shape)), key=lambda i: (shape[i] > 5, drawn.random.random()))
    if shape[axis] > 5:
        return
    made = (*shape[:axis], *shape[axis + 1 :])
    values = {"Num": shape[axis], "Axis": axis - len(shape) * drawn.chance(0.5)}
    _parts(drawn, "UNPACK", (source,), [made] * shape[axis], "UnpackOptions", **values)
    drawn.image()


def _pack(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    count, axis = drawn.pick(1, 3), drawn.pick(0, len(shape))
    made = (*shape[:axis], count, *shape[axis:])
    values = {"ValuesCount": count, "Axis": axis}
    drawn.made("PACK", (source,) * count, made, "PackOptions", **values)
    drawn.image()


def _gather(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    axis = drawn.pick(0, len(shape) - 1)
    numbers = drawn.random.integers(0, shape[axis], drawn.pick(1, 4))
    if drawn.chance(0.3):
        numbers = np.arange(shape[axis])[:: int(drawn.random.choice([-1, 2]))]
    data = (numbers[0] if drawn.chance(0.2) else numbers).astype(np.int32)
    made = (*shape[:axis], *np.shape(data), *shape[axis + 1 :])
    inputs = (source, drawn.constant(data))
    drawn.made("GATHER", inputs, made, "GatherOptions", Axis=axis)
    drawn.image()


def _resize(name: str, options: str) -> Callable[[Drawn], None]:
    def append(drawn: Drawn) -> None:
        source, channels = len(drawn.tensors) - 1, drawn.last.shape[3]
        size = [drawn.pick(1, 14), drawn.pick(1, 14)]
        kind = drawn.pick(0, 2)
        drawn.made(
            name, (source, drawn.constant(size)), (1, *size, channels), options,
            AlignCorners=kind == 1, HalfPixelCenters=kind == 2,
        )  # fmt: skip

    return append


def _arithmetic(name: str) -> Callable[[Drawn], None]:
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


def _variable(drawn: Drawn) -> None:
    """Rows that are kept from one inference to the next, as in a model of streams."""
    _, height, width, channels = drawn.last.shape
    source, own, number = len(drawn.tensors) - 1, drawn.last, len(drawn.others)
    rows, resource = drawn.pick(1, 4), tflite.TensorType.RESOURCE
    name = {"SharedName": f"rows{number}"}
    kept = (1, rows, width, channels)
    handle = len(drawn.tensors)
    drawn.tensors += [
        Activation((), dtype=resource), Activation(kept, own.scale, own.zero_point, drawn.dtype),
    ]  # fmt: skip
    drawn.operators += [
        Operator("CALL_ONCE", (), (), "CallOnceOptions", {"InitSubgraphIndex": 1 + number}),
        Operator("VAR_HANDLE", (), handle, "VarHandleOptions", name),
        Operator("READ_VARIABLE", (handle,), handle + 1, "ReadVariableOptions"),
    ]
    start = drawn.stored(kept)
    drawn.others.append(
        Model(
            [Activation((), dtype=resource), Weights(start, [own.scale], 0, own.zero_point)],
            [
                Operator("VAR_HANDLE", (), 0, "VarHandleOptions", name),
                Operator("ASSIGN_VARIABLE", (0, 1), (), "AssignVariableOptions"),
            ],
            inputs=(), outputs=(),
        )
    )  # fmt: skip
    early = drawn.chance(0.3) and height >= rows
    if early:  # it is written before it is read
        given = (source, drawn.constant([0] * 4), drawn.constant(list(kept)))
        drawn.made("SLICE", given, kept, "SliceOptions")
        last = len(drawn.tensors) - 1
        drawn.operators.append(
            Operator("ASSIGN_VARIABLE", (handle, last), (), "AssignVariableOptions")
        )
    drawn.made(
        "CONCATENATION", (handle + 1, source), (1, rows + height, width, channels),
        "ConcatenationOptions", Axis=1,
    )  # fmt: skip
    joined = len(drawn.tensors) - 1
    if not early:
        given = (joined, drawn.constant([0, height, 0, 0]), drawn.constant(list(kept)))
        drawn.made("SLICE", given, kept, "SliceOptions")
        last = len(drawn.tensors) - 1
        drawn.operators.append(
            Operator("ASSIGN_VARIABLE", (handle, last), (), "AssignVariableOptions")
        )
        # So that the last tensor is what the chain goes on with.
        shape = (1, rows + height, width, channels)
        inputs = (joined, drawn.constant(list(shape)))
        drawn.made("RESHAPE", inputs, shape, "ReshapeOptions")


def _convolution(name: str) -> Callable[[Drawn], None]:
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


def _transpose_conv(drawn: Drawn) -> None:
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


def _hard_swish(drawn: Drawn) -> None:
    scale = float(np.float32(drawn.last.scale * 2.0 ** drawn.random.uniform(-2, 2)))
    inputs = (len(drawn.tensors) - 1,)
    drawn.made(
        "HARD_SWISH", inputs, drawn.last.shape, "HardSwishOptions", scale, drawn.zero_point()
    )


def _reduce_max(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    axes = [axis for axis in range(len(shape)) if drawn.chance(0.5)] or [1]
    keep = drawn.chance(0.5)
    made = [1 if axis in axes else size for axis, size in enumerate(shape)]
    if not keep:
        made = [size for axis, size in enumerate(shape) if axis not in axes]
    given = drawn.constant([axis - len(shape) * drawn.chance(0.3) for axis in axes])
    drawn.made("REDUCE_MAX", (source, given), tuple(made), "ReducerOptions", KeepDims=keep)
    drawn.image()


def _softmax(drawn: Drawn) -> None:
    inputs = (len(drawn.tensors) - 1,)
    beta = float(np.float32(drawn.random.choice([1.0, 0.5, 3.0])))
    scale, zero_point = (2.0**-15, 0) if drawn.wide else (1 / 256, -128 + 128 * drawn.legacy)
    shape = drawn.last.shape
    drawn.made("SOFTMAX", inputs, shape, "SoftmaxOptions", scale, zero_point, Beta=beta)


def _lstm(drawn: Drawn) -> None:
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


def _window(name: str) -> Callable[[Drawn], None]:
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


def _mean(drawn: Drawn) -> None:
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


def _pad(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    sides = drawn.random.integers(0, 3, (len(shape), 2))
    sides[0] = 0
    given = drawn.constant(sides.astype(np.int32))
    made = tuple(size + int(sum(side)) for size, side in zip(shape, sides, strict=True))
    drawn.made("PAD", (source, given), made, "PadOptions")


def _transpose(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    order = [int(axis) for axis in drawn.random.permutation(len(shape))]
    made = tuple(shape[axis] for axis in order)
    drawn.made("TRANSPOSE", (source, drawn.constant(order)), made, "TransposeOptions")
    drawn.image()


def _concatenation(drawn: Drawn) -> None:
    """Of a tensor, parts of it, and at times another input."""
    source, shape, own = len(drawn.tensors) - 1, drawn.last.shape, drawn.last
    axis, parts = drawn.pick(1, 3), [source]
    for _ in range(drawn.pick(0, 2)):
        cut = _cut(shape, axis, drawn.pick(1, shape[axis]))
        given = (source, drawn.constant([0] * 4), drawn.constant(list(cut)))
        drawn.made("SLICE", given, cut, "SliceOptions")
        parts.append(len(drawn.tensors) - 1)
    if drawn.chance(0.2):
        drawn.tensors.append(Activation(shape, own.scale, own.zero_point, drawn.dtype))
        drawn.inputs.append(len(drawn.tensors) - 1)
        parts.append(len(drawn.tensors) - 1)
    sizes = [drawn.tensors[part].shape[axis] for part in parts]  # type: ignore[union-attr]
    made = _cut(shape, axis, sum(sizes))
    values = {"Axis": axis - 4 * drawn.chance(0.3)}
    drawn.made("CONCATENATION", tuple(parts), made, "ConcatenationOptions", **values)


def _fully_connected(drawn: Drawn) -> None:
    drawn.fully_connected()
    drawn.image()


def _curve(name: str) -> Callable[[Drawn], None]:
    def append(drawn: Drawn) -> None:
        scale, zero_point = (1 / 128, 0) if name == "TANH" else (1 / 256, -128)
        zero_point += 128 * drawn.legacy
        if drawn.wide:
            scale, zero_point = 2.0**-15, 0
        inputs = (len(drawn.tensors) - 1,)
        drawn.made(name, inputs, drawn.last.shape, "", scale, zero_point)

    return append


def _rescaled(name: str, options: str = "") -> Callable[[Drawn], None]:
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


def _narrowed(drawn: Drawn) -> None:
    converted(drawn, tflite.TensorType.INT8)


OPERATORS: Final[dict[str, Callable[[Drawn], None]]] = {
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "UNPACK": _unpack,
    "PACK": _pack,
    "GATHER": _gather,
    "RESIZE_NEAREST_NEIGHBOR": _resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
    "RESIZE_BILINEAR": _resize("RESIZE_BILINEAR", "ResizeBilinearOptions"),
    "ADD": _arithmetic("ADD"),
    "SUB": _arithmetic("SUB"),
    "MUL": _arithmetic("MUL"),
    "READ_VARIABLE": _variable,
    "CONV_2D": _convolution("CONV_2D"),
    "DEPTHWISE_CONV_2D": _convolution("DEPTHWISE_CONV_2D"),
    "TRANSPOSE_CONV": _transpose_conv,
    "HARD_SWISH": _hard_swish,
    "REDUCE_MAX": _reduce_max,
    "SOFTMAX": _softmax,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
    "AVERAGE_POOL_2D": _window("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": _window("MAX_POOL_2D"),
    "MEAN": _mean,
    "PAD": _pad,
    "TRANSPOSE": _transpose,
    "CONCATENATION": _concatenation,
    "FULLY_CONNECTED": _fully_connected,
    "LOGISTIC": _curve("LOGISTIC"),
    "TANH": _curve("TANH"),
    "RELU": _rescaled("RELU"),
    "RELU6": _rescaled("RELU6"),
    "RELU_N1_TO_1": _rescaled("RELU_N1_TO_1"),
    "QUANTIZE": _rescaled("QUANTIZE", "QuantizeOptions"),
    "QUANTIZE to int8": _narrowed,
}
_OF_INT8: Final = (
    *("READ_VARIABLE", "UNIDIRECTIONAL_SEQUENCE_LSTM", "QUANTIZE to int8", "RESIZE_BILINEAR"),
)
LEGACY: Final = tuple(f"{name} uint8" for name in OPERATORS if name not in _OF_INT8)
"""Names of those of uint8."""
_NARROW: Final = ("HARD_SWISH", "RELU_N1_TO_1", "UNIDIRECTIONAL_SEQUENCE_LSTM")
"""They have no form of 16 bits."""
WIDE: Final = tuple(f"{name} int16" for name in OPERATORS if name not in _NARROW)
"""Names of those of int16."""


def draw_one(name: str, random: np.random.Generator) -> Model:
    """A model of one operator of `OPERATORS` or `WIDE`, with what it needs."""
    drawn = Drawn(random)
    own = name.removesuffix(" int16").removesuffix(" uint8")
    if own != name:
        drawn.dtype = getattr(tflite.TensorType, name.rsplit(maxsplit=1)[-1].upper())
    shape = (1, drawn.pick(1, 7), drawn.pick(1, 7), drawn.pick(1, 6))
    scale = float(np.float32(2.0 ** random.uniform(-7, 1)))
    if drawn.wide:
        scale = 2.0 ** drawn.pick(-15, -7) if drawn.chance(0.3) else scale / 256
    schema = own.partition(" ")[0]
    while not any(operator.name == schema for operator in drawn.operators):
        drawn.tensors = [Activation(shape, scale, drawn.zero_point(), drawn.dtype)]
        OPERATORS[own](drawn)
    return drawn.model()
