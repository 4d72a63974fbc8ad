"""Kernels that choose, move or reduce values, each against its plain definition."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import tflite
from hypothesis import given, settings
from hypothesis import strategies as st

from . import definition
from .definition import RELU, RELU6, RELU_N1_TO_1, Requantization, Window, half_away, rescale
from .host import RunModel
from .models import Activation, Model, Operator, Weights
from .test_kernels import ACTIVATIONS, EXAMPLES, INT8, images, options, windows

FEW = settings(EXAMPLES, max_examples=4)


@FEW
@given(window=windows(9), channels=st.integers(1, 5), activation=ACTIVATIONS, zero_point=INT8)
def test_max_pool_equals_its_definition(
    run_model: RunModel, window: Window, channels: int, activation: int, zero_point: int
) -> None:
    height, width = window.kernel
    values = options(window, activation, FilterHeight=height, FilterWidth=width)
    model = Model(
        [
            Activation((1, window.height, window.width, channels), 0.1, zero_point),
            Activation((1, *window.output, channels), 0.1, zero_point),
        ],
        [Operator("MAX_POOL_2D", (0,), 1, "Pool2DOptions", values)],
    )
    bounds = Requantization(1.0, 0.1, zero_point, activation).bounds()
    samples = images(np.random.default_rng(5), window.height, window.width, channels)
    expected = [definition.pool(sample, window, bounds, max) for sample in samples]
    assert np.array_equal(run_model(model, samples), np.reshape(expected, (len(samples), -1)))


SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@FEW
@given(shape=SHAPES, data=st.data(), zero_points=st.tuples(INT8, INT8))
def test_mean_equals_its_definition(
    run_model: RunModel, shape: tuple[int, ...], data: st.DataObject, zero_points: tuple[int, int]
) -> None:
    axes = data.draw(st.lists(st.sampled_from(range(len(shape))), min_size=1, unique=True))
    negative = data.draw(st.booleans())
    source = Activation(shape, float(np.float32(0.1)), zero_points[0])
    scale = data.draw(st.sampled_from([0.1, 0.03, 1.7, 1e-4]))
    kept = tuple(size for i, size in enumerate(shape) if i not in axes)
    result = Activation(kept, float(np.float32(scale)), zero_points[1])
    given_axes = np.array([axis - len(shape) * negative for axis in axes], np.int32)
    model = Model(
        [source, Weights(given_axes), result], [Operator("MEAN", (0, 1), 2, "ReducerOptions")]
    )
    samples = images(np.random.default_rng(6), *shape)
    moved = np.moveaxis(samples, [1 + axis for axis in axes], [*range(-len(axes), 0)])
    rows = moved.reshape(len(samples), int(np.prod(kept, dtype=int)), -1)
    expected = [[definition.mean(values, source, result) for values in row] for row in rows]
    assert run_model(model, samples).tolist() == expected


@FEW
@given(shape=SHAPES, data=st.data(), zero_point=INT8)
def test_pad_equals_its_definition(
    run_model: RunModel, shape: tuple[int, ...], data: st.DataObject, zero_point: int
) -> None:
    sizes = st.tuples(st.integers(0, 3), st.integers(0, 3))
    padding = [data.draw(sizes) for _ in shape]
    samples = images(np.random.default_rng(7), *shape)
    expected = np.pad(samples, [(0, 0), *padding], constant_values=zero_point)
    model = Model(
        [
            Activation(shape, 0.1, zero_point),
            Weights(np.array(padding, np.int32)),
            Activation(expected.shape[1:], 0.1, zero_point),
        ],
        [Operator("PAD", (0, 1), 2, "PadOptions")],
    )
    assert np.array_equal(run_model(model, samples), expected.reshape(len(samples), -1))


@FEW
@given(shape=SHAPES, data=st.data(), zero_point=INT8)
def test_transpose_equals_its_definition(
    run_model: RunModel, shape: tuple[int, ...], data: st.DataObject, zero_point: int
) -> None:
    order = data.draw(st.permutations(range(len(shape))))
    samples = images(np.random.default_rng(8), *shape)
    expected = samples.transpose(0, *(1 + axis for axis in order))
    model = Model(
        [
            Activation(shape, 0.1, zero_point),
            Weights(np.array(order, np.int32)),
            Activation(expected.shape[1:], 0.1, zero_point),
        ],
        [Operator("TRANSPOSE", (0, 1), 2, "TransposeOptions")],
    )
    assert np.array_equal(run_model(model, samples), expected.reshape(len(samples), -1))


FLOAT32, UINT8 = tflite.TensorType.FLOAT32, tflite.TensorType.UINT8
STEPS = st.floats(2.0**-12, 2.0**3, width=32)


@FEW
@given(scale=STEPS, zero_point=INT8)
def test_float_ends_equal_their_definition(
    run_model: RunModel, scale: float, zero_point: int
) -> None:
    middle = Activation((1, 600), scale, zero_point)
    ends = Activation((1, 600), dtype=FLOAT32)
    model = Model(
        [ends, middle, ends], [Operator("QUANTIZE", (0,), 1), Operator("DEQUANTIZE", (1,), 2)]
    )
    steps = np.linspace(-160, 160, 593, dtype=np.float32)
    wild = [np.inf, -np.inf, np.nan, 3e38, -3e38, 0.49999997, -0.49999997]
    with np.errstate(over="ignore"):
        samples = np.concatenate([steps, np.array(wild, np.float32)])[None] * np.float32(scale)
    outputs = run_model(model, samples.view(np.int8)).view(np.float32)[0]
    quotients = np.nan_to_num(samples[0] / np.float32(scale), nan=-1e3).clip(-1e3, 1e3)
    stored = [half_away(Fraction(float(value))) + zero_point for value in quotients]
    expected = np.float32(scale) * (np.clip(stored, -128, 127) - zero_point).astype(np.float32)
    assert outputs.tolist() == expected.astype(np.float32).tolist()


@FEW
@given(scales=st.tuples(STEPS, STEPS), data=st.data())
def test_quantize_between_types_equals_its_definition(
    run_model: RunModel, scales: tuple[float, float], data: st.DataObject
) -> None:
    types = [data.draw(st.sampled_from([tflite.TensorType.INT8, UINT8])) for _ in range(2)]
    source, result = (
        Activation((256,), scale, data.draw(INT8) + 128 * (dtype == UINT8), dtype)
        for scale, dtype in zip(scales, types, strict=True)
    )
    model = Model([source, result], [Operator("QUANTIZE", (0,), 1)])
    samples = np.arange(256, dtype=np.uint8)[None]
    least = 0 if result.dtype == UINT8 else -128
    ratio = float(np.float32(source.scale)) / float(np.float32(result.scale))
    moved = [
        rescale(int(value) - source.zero_point, ratio) + result.zero_point
        for value in samples[0].view(np.uint8 if source.dtype == UINT8 else np.int8)
    ]
    expected = np.clip(moved, least, least + 255).tolist()
    made = run_model(model, samples.view(np.int8))[0]
    assert made.view(np.uint8 if result.dtype == UINT8 else np.int8).tolist() == expected


@FEW
@given(shape=SHAPES, data=st.data(), zero_point=INT8)
def test_concatenation_equals_its_definition(
    run_model: RunModel, shape: tuple[int, ...], data: st.DataObject, zero_point: int
) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    longer = [(0, 0)] * len(shape)
    longer[axis] = (data.draw(st.integers(0, 2)), 1)
    samples = images(np.random.default_rng(9), *shape)
    padded = np.pad(samples, [(0, 0), *longer], constant_values=zero_point)
    expected = np.concatenate([samples, padded, samples], 1 + axis)
    shapes = (shape, padded.shape[1:], expected.shape[1:])
    first, second, last = (Activation(one, 0.1, zero_point) for one in shapes)
    negative = len(shape) * data.draw(st.booleans())
    model = Model(
        [first, Weights(np.array(longer, np.int32)), second, last],
        [
            Operator("PAD", (0, 1), 2, "PadOptions"),
            Operator(
                "CONCATENATION", (0, 2, 0), 3, "ConcatenationOptions", {"Axis": axis - negative}
            ),
        ],
    )
    assert np.array_equal(run_model(model, samples), expected.reshape(len(samples), -1))


@pytest.mark.parametrize(
    ("name", "function", "scale", "zero_point"),
    [
        ("LOGISTIC", lambda x: 1 / (1 + math.exp(-x)), 1 / 256, -128),
        ("TANH", math.tanh, 1 / 128, 0),
    ],
)
def test_functions_of_one_value_equal_their_definition(
    run_model: RunModel,
    name: str,
    function: Callable[[float], float],
    scale: float,
    zero_point: int,
) -> None:
    samples = np.arange(-128, 128).astype(np.int8)[None]
    for step, zero in ((0.07, 9), (3.5, -128), (1e-5, 127)):
        model = Model(
            [Activation((256,), step, zero), Activation((256,), scale, zero_point)],
            [Operator(name, (0,), 1)],
        )
        reals = [function(float(np.float32(step)) * (int(x) - zero)) / scale for x in samples[0]]
        expected = np.clip([half_away(Fraction(x)) + zero_point for x in reals], -128, 127)
        assert run_model(model, samples)[0].tolist() == expected.tolist()


@FEW
@given(
    kind=st.sampled_from([("RELU", RELU), ("RELU6", RELU6), ("RELU_N1_TO_1", RELU_N1_TO_1)]),
    scales=st.tuples(STEPS, STEPS),
    zero_points=st.tuples(INT8, INT8),
)
def test_activation_functions_alone_equal_their_definition(
    run_model: RunModel,
    kind: tuple[str, int],
    scales: tuple[float, float],
    zero_points: tuple[int, int],
) -> None:
    name, activation = kind
    ends = [Activation((256,), *facts) for facts in zip(scales, zero_points, strict=True)]
    ratio = float(np.float32(scales[0]) / np.float32(scales[1]))  # the reference's is a float
    rule = Requantization(ratio, scales[1], zero_points[1], activation)
    samples = np.arange(-128, 128).astype(np.int8)[None]
    # What lies beyond int8 saturates, also where the function's own range does.
    low, high = (min(max(bound, -128), 127) for bound in rule.bounds())
    moved = [rescale(int(x) - zero_points[0], ratio) + zero_points[1] for x in samples[0]]
    expected = [min(max(min(max(x, low), high), -128), 127) for x in moved]
    assert run_model(Model(ends, [Operator(name, (0,), 1)]), samples)[0].tolist() == expected


@FEW
@given(
    shape=SHAPES,
    scales=st.tuples(STEPS, STEPS),
    ratio=st.floats(2.0**-6, 2.0**6),
    data=st.data(),
    activation=ACTIVATIONS,
)
def test_add_of_a_constant_equals_its_definition(
    run_model: RunModel,
    shape: tuple[int, ...],
    scales: tuple[float, float],
    ratio: float,
    data: st.DataObject,
    activation: int,
) -> None:
    source, result = (
        Activation(shape, scale, data.draw(INT8))
        for scale in (scales[0], float(np.float32(max(scales) * ratio)))
    )
    repeated = shape[data.draw(st.integers(0, len(shape))) :]
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    stored = random.integers(-128, 128, repeated, np.int8)
    constant = Weights(stored, [scales[1]], zero_point=data.draw(INT8))
    place = data.draw(st.integers(0, 1))
    added = Activation(repeated, scales[1], constant.zero_point)
    options = {"FusedActivationFunction": activation}
    add = Operator("ADD", (0, 1) if place else (1, 0), 2, "AddOptions", options)
    samples = images(random, *shape)
    pairs = np.broadcast_arrays(samples, stored)
    flat = zip(*(one.ravel().tolist() for one in pairs), strict=True)
    expected = [definition.add(pair, (source, added), result, activation) for pair in flat]
    model = Model([source, constant, result], [add])
    assert run_model(model, samples).ravel().tolist() == expected
