"""One random operator that moves numbers, or chooses among them, as the next one of a chain.

Each function appends it, and what it needs, to what is `drawn`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tflite

from .drawn import Drawn
from .models import Activation, Model, Operator, Weights


def slice_of(drawn: Drawn) -> None:
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


def strided_slice(drawn: Drawn) -> None:
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


def parts(drawn: Drawn, name: str, inputs: tuple[int, ...], shapes: list[tuple[int, ...]],
           options: str, **values: int) -> None:  # fmt: skip
    like = next(t for n in inputs if isinstance(t := drawn.tensors[n], Activation))
    first = len(drawn.tensors)
    drawn.tensors += [
        Activation(shape, like.scale, like.zero_point, drawn.dtype) for shape in shapes
    ]
    outputs = tuple(range(first, len(drawn.tensors)))
    drawn.operators.append(Operator(name, inputs, outputs, options, values))


def cut(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :])


def split(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    axis = drawn.pick(0, len(shape) - 1)
    count = int(drawn.random.choice([n for n in (1, 2, 3, 4, 5) if shape[axis] % n == 0]))
    given = drawn.constant(axis - len(shape) * drawn.chance(0.5))
    made = cut(shape, axis, shape[axis] // count)
    parts(drawn, "SPLIT", (given, source), [made] * count, "SplitOptions", NumSplits=count)


def split_v(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    axis = drawn.pick(0, len(shape) - 1)
    sizes: list[int] = []
    left = shape[axis]
    while left:
        sizes.append(left if len(sizes) == 4 else drawn.pick(1, left))
        left -= sizes[-1]
    asked = [-1, *sizes[1:]] if drawn.chance(0.3) else sizes
    inputs = (source, drawn.constant(asked), drawn.constant(axis))
    shapes = [cut(shape, axis, size) for size in sizes]
    parts(drawn, "SPLIT_V", inputs, shapes, "SplitVOptions", NumSplits=len(sizes))


def unpack(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    axis = min(range(len(shape)), key=lambda i: (shape[i] > 5, drawn.random.random()))
    if shape[axis] > 5:
        return
    made = (*shape[:axis], *shape[axis + 1 :])
    values = {"Num": shape[axis], "Axis": axis - len(shape) * drawn.chance(0.5)}
    parts(drawn, "UNPACK", (source,), [made] * shape[axis], "UnpackOptions", **values)
    drawn.image()


def pack(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    count, axis = drawn.pick(1, 3), drawn.pick(0, len(shape))
    made = (*shape[:axis], count, *shape[axis:])
    values = {"ValuesCount": count, "Axis": axis}
    drawn.made("PACK", (source,) * count, made, "PackOptions", **values)
    drawn.image()


def gather(drawn: Drawn) -> None:
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


def resize(name: str) -> Callable[[Drawn], None]:
    options = "".join(word.capitalize() for word in name.split("_")) + "Options"

    def append(drawn: Drawn) -> None:
        source, channels = len(drawn.tensors) - 1, drawn.last.shape[3]
        size = [drawn.pick(1, 14), drawn.pick(1, 14)]
        kind = drawn.pick(0, 2)
        drawn.made(
            name, (source, drawn.constant(size)), (1, *size, channels), options,
            AlignCorners=kind == 1, HalfPixelCenters=kind == 2,
        )  # fmt: skip

    return append


def pad(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    sides = drawn.random.integers(0, 3, (len(shape), 2))
    sides[0] = 0
    given = drawn.constant(sides.astype(np.int32))
    made = tuple(size + int(sum(side)) for size, side in zip(shape, sides, strict=True))
    drawn.made("PAD", (source, given), made, "PadOptions")


def transpose(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    order = [int(axis) for axis in drawn.random.permutation(len(shape))]
    made = tuple(shape[axis] for axis in order)
    drawn.made("TRANSPOSE", (source, drawn.constant(order)), made, "TransposeOptions")
    drawn.image()


def concatenation(drawn: Drawn) -> None:
    """Of a tensor, parts of it, and at times another input."""
    source, shape, own = len(drawn.tensors) - 1, drawn.last.shape, drawn.last
    axis, parts = drawn.pick(1, 3), [source]
    for _ in range(drawn.pick(0, 2)):
        part = cut(shape, axis, drawn.pick(1, shape[axis]))
        given = (source, drawn.constant([0] * 4), drawn.constant(list(part)))
        drawn.made("SLICE", given, part, "SliceOptions")
        parts.append(len(drawn.tensors) - 1)
    if drawn.chance(0.2):
        drawn.tensors.append(Activation(shape, own.scale, own.zero_point, drawn.dtype))
        drawn.inputs.append(len(drawn.tensors) - 1)
        parts.append(len(drawn.tensors) - 1)
    elif drawn.chance(0.5):  # each of them computed, and so with memory of its own
        for place, number in enumerate(parts):
            drawn.made("RELU", (number,), drawn.activation(number).shape)
            parts[place] = len(drawn.tensors) - 1
    sizes = [drawn.activation(number).shape[axis] for number in parts]
    made = cut(shape, axis, sum(sizes))
    values = {"Axis": axis - 4 * drawn.chance(0.3)}
    drawn.made("CONCATENATION", tuple(parts), made, "ConcatenationOptions", **values)


def reduce_max(drawn: Drawn) -> None:
    source, shape = len(drawn.tensors) - 1, drawn.last.shape
    axes = [axis for axis in range(len(shape)) if drawn.chance(0.5)] or [1]
    keep = drawn.chance(0.5)
    made = [1 if axis in axes else size for axis, size in enumerate(shape)]
    if not keep:
        made = [size for axis, size in enumerate(shape) if axis not in axes]
    given = drawn.constant([axis - len(shape) * drawn.chance(0.3) for axis in axes])
    drawn.made("REDUCE_MAX", (source, given), tuple(made), "ReducerOptions", KeepDims=keep)
    drawn.image()


def variable(drawn: Drawn) -> None:
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
