"""Each kernel against its plain definition, on random shapes and quantizations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinyhil.image.compiler import compile_model

from . import definition
from .definition import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, Requantization, Window
from .host import RunModel
from .models import Activation, Model, Operator, Weights

# Each example is compiled: few, the same ones in every run, and small enough not to be shrunk.
EXAMPLES = settings(
    max_examples=8, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)
INT8 = st.integers(-128, 127)
ACTIVATIONS = st.sampled_from([NONE, NONE, RELU, RELU6, RELU_N1_TO_1])


@st.composite
def windows(draw: st.DrawFn, largest: int = 5) -> Window:
    """Windows that fit their image, often with unequal borders."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    padding = draw(st.sampled_from([SAME, VALID]))
    limits = (height, width) if padding == VALID else (largest, largest)
    kernel = tuple(draw(st.integers(1, min(limit, largest))) for limit in limits)
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    return Window(height, width, (kernel[0], kernel[1]), stride, padding)


def options(window: Window, activation: int, **more: int) -> dict[str, int]:
    """Options of the operator, as in the schema."""
    return {
        "Padding": window.padding,
        "StrideH": window.stride[0],
        "StrideW": window.stride[1],
        "FusedActivationFunction": activation,
        **more,
    }


def images(random: np.random.Generator, *shape: int) -> NDArray[np.int8]:
    """Eight samples: two at the limits, two random ones, four of small values."""
    wide = random.integers(-128, 128, (4, *shape), dtype=np.int8)
    wide[0], wide[1] = -128, 127
    return np.concatenate([wide, random.integers(-2, 3, (4, *shape), dtype=np.int8)])


class Channels:
    """Random weights, biases and scales of `count` channels, each of `size` weights."""

    def __init__(self, data: st.DataObject, count: int, size: int) -> None:
        self.random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
        self.zero_point = data.draw(INT8)
        self.output = Activation((), data.draw(st.sampled_from([0.02, 0.5, 3.0])), data.draw(INT8))
        self.activation = data.draw(ACTIVATIONS)
        exponents = self.random.uniform(-36, 3, count if data.draw(st.booleans()) else 1)
        self.scales = (2.0**exponents * self.output.scale).astype(np.float32)
        self.weights = self.random.integers(-127, 128, (count, size), dtype=np.int8)
        # Biases of the size that makes outputs vary, but below what the compiler refuses.
        room = np.minimum(2.0**29, 2.0 ** np.clip(7 - exponents, 8, 29))
        self.biases = (self.random.uniform(-1, 1, count) * room).astype(np.int32)

    def requantize(self, channel: int, total: int) -> int:
        """The channel's output for an accumulator; the input's scale is 1."""
        scale = np.float64(self.scales[channel % len(self.scales)])
        output = np.float64(np.float32(self.output.scale))
        rule = Requantization(
            float(scale / output), self.output.scale, self.output.zero_point, self.activation
        )
        return rule(total)

    def result(self, *shape: int) -> Activation:
        """The output tensor."""
        return Activation(shape, self.output.scale, self.output.zero_point)

    def bias(self) -> Weights:
        """The tensor of biases."""
        return Weights(self.biases, self.scales.tolist())


@EXAMPLES
@given(data=st.data())
def test_conv2d_equals_its_definition(run_model: RunModel, data: st.DataObject) -> None:
    window = data.draw(windows())
    inputs, outputs = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 5))
    made = Channels(data, outputs, inputs * window.kernel[0] * window.kernel[1])
    weights = made.weights.reshape(outputs, *window.kernel, inputs)
    model = Model(
        [
            Activation((1, window.height, window.width, inputs), 1.0, made.zero_point),
            Weights(weights, made.scales.tolist()),
            made.bias(),
            made.result(1, *window.output, outputs),
        ],
        [
            Operator(
                "CONV_2D",
                (0, 1, 2),
                3,
                "Conv2DOptions",
                options(window, made.activation, DilationHFactor=1, DilationWFactor=1),
            )
        ],
    )
    samples = images(made.random, window.height, window.width, inputs)
    expected = [
        definition.convolve(s, made.zero_point, weights, made.biases, window, made.requantize)
        for s in samples
    ]
    assert np.array_equal(run_model(model, samples), np.reshape(expected, (len(samples), -1)))


@EXAMPLES
@given(data=st.data())
def test_depthwise_conv2d_equals_its_definition(run_model: RunModel, data: st.DataObject) -> None:
    window = data.draw(windows(largest=4))
    inputs, multiplier = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    outputs = inputs * multiplier
    made = Channels(data, outputs, window.kernel[0] * window.kernel[1])
    weights = made.weights.T.reshape(1, *window.kernel, outputs)
    model = Model(
        [
            Activation((1, window.height, window.width, inputs), 1.0, made.zero_point),
            Weights(weights, made.scales.tolist(), axis=3),
            made.bias(),
            made.result(1, *window.output, outputs),
        ],
        [
            Operator(
                "DEPTHWISE_CONV_2D",
                (0, 1, 2),
                3,
                "DepthwiseConv2DOptions",
                options(window, made.activation, DepthMultiplier=multiplier),
            )
        ],
    )
    samples = images(made.random, window.height, window.width, inputs)
    expected = [
        definition.convolve_depthwise(
            s, made.zero_point, weights, made.biases, window, made.requantize
        )
        for s in samples
    ]
    assert np.array_equal(run_model(model, samples), np.reshape(expected, (len(samples), -1)))


@EXAMPLES
@given(data=st.data())
def test_fully_connected_equals_its_definition(run_model: RunModel, data: st.DataObject) -> None:
    rows, inputs = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 20))
    outputs = data.draw(st.integers(1, 10))
    made = Channels(data, outputs, inputs)
    biased = data.draw(st.booleans())
    biases = made.biases if biased else np.zeros(outputs, np.int32)
    model = Model(
        [
            Activation((rows, inputs), 1.0, made.zero_point),
            Weights(made.weights, made.scales.tolist()),
            made.bias(),
            made.result(rows, outputs),
        ],
        [
            Operator(
                "FULLY_CONNECTED",
                (0, 1, 2 if biased else -1),
                3,
                "FullyConnectedOptions",
                {"FusedActivationFunction": made.activation},
            )
        ],
    )
    samples = images(made.random, rows, inputs)
    sums = (samples.astype(np.int64) - made.zero_point) @ made.weights.T.astype(np.int64) + biases
    expected = np.zeros(sums.shape, np.int8)
    for place in np.ndindex(sums.shape):
        expected[place] = made.requantize(place[-1], int(sums[place]))
    assert np.array_equal(run_model(model, samples), expected.reshape(len(samples), -1))


@EXAMPLES
@given(window=windows(9), channels=st.integers(1, 5), activation=ACTIVATIONS, zero_point=INT8)
def test_average_pool_equals_its_definition(
    run_model: RunModel, window: Window, channels: int, activation: int, zero_point: int
) -> None:
    model = Model(
        [
            Activation((1, window.height, window.width, channels), 0.1, zero_point),
            Activation((1, *window.output, channels), 0.1, zero_point),
        ],
        [
            Operator(
                "AVERAGE_POOL_2D",
                (0,),
                1,
                "Pool2DOptions",
                options(
                    window, activation, FilterHeight=window.kernel[0], FilterWidth=window.kernel[1]
                ),
            )
        ],
    )
    bounds = Requantization(1.0, 0.1, zero_point, activation).bounds()
    samples = images(np.random.default_rng(5), window.height, window.width, channels)
    expected = [definition.pool(sample, window, bounds) for sample in samples]
    assert np.array_equal(run_model(model, samples), np.reshape(expected, (len(samples), -1)))


SCALES = st.floats(2.0**-12, 2.0**3, width=32)


@EXAMPLES
@given(
    scales=st.tuples(SCALES, SCALES),
    zero_points=st.tuples(INT8, INT8, INT8),
    ratio=st.floats(2.0**-6, 2.0**6),
    activation=ACTIVATIONS,
)
def test_add_equals_its_definition(
    run_model: RunModel,
    scales: tuple[float, float],
    zero_points: tuple[int, int, int],
    ratio: float,
    activation: int,
) -> None:
    first = Activation((1, 8, 8, 2), scales[0], zero_points[0])
    second = Activation(first.shape, scales[1], zero_points[1])
    result = Activation(first.shape, float(np.float32(max(scales) * ratio)), zero_points[2])
    # As a model has one input, the other one is the same image with its channels swapped.
    swap = Weights(np.array([0, 1, 1, 0], np.int8).reshape(2, 1, 1, 2), [scales[1] / scales[0]])
    conv = {"StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1}
    fused = {"FusedActivationFunction": activation}
    model = Model(
        [first, swap, second, result],
        [
            Operator("CONV_2D", (0, 1), 2, "Conv2DOptions", conv),
            Operator("ADD", (0, 2), 3, "AddOptions", fused),
        ],
    )
    samples = images(np.random.default_rng(8), 8, 8, 2)
    moved = samples[..., ::-1].astype(int) - first.zero_point + second.zero_point
    pairs = zip(samples.ravel().tolist(), np.clip(moved, -128, 127).ravel().tolist(), strict=True)
    expected = [definition.add(pair, (first, second), result, activation) for pair in pairs]
    assert run_model(model, samples).ravel().tolist() == expected


def test_add_works_in_place_but_spares_what_is_still_needed(
    run_model: RunModel, tmp_path: Path
) -> None:
    # x + x, 2x + x spares 2x, then 2x + 3x and 5x + x in the memory of 2x.
    sums = [(0, 0), (1, 0), (1, 2), (3, 0), (4, 0)]
    tensors = [Activation((1, 112), scale) for scale in (1.0, 2.0, 3.0, 5.0, 6.0, 7.0)]
    model = Model(
        tensors, [Operator("ADD", pair, 1 + i, "AddOptions") for i, pair in enumerate(sums)]
    )
    samples = np.arange(-56, 56, dtype=np.int8).reshape(1, -1)
    assert np.array_equal(run_model(model, samples), samples)
    file = tmp_path / "model.tflite"
    file.write_bytes(model.build())
    assert compile_model(file).arena_bytes == 2 * 112


def softmax_model(rows: int, classes: int, scale: float) -> Model:
    """SOFTMAX alone."""
    return Model(
        [Activation((rows, classes), scale), Activation((rows, classes), 1 / 256, -128)],
        [Operator("SOFTMAX", (0,), 1, "SoftmaxOptions", {"Beta": 1.0})],
    )


@EXAMPLES
@given(
    rows=st.integers(1, 3),
    classes=st.sampled_from([1, 2, 3, 12, 256, 1000, 4095]),
    scale=st.floats(2.0**-13, 20.0, width=32),
)
def test_softmax_is_within_a_step_of_the_real_one(
    run_model: RunModel, rows: int, classes: int, scale: float
) -> None:
    samples = images(np.random.default_rng(6), rows, classes)
    outputs = run_model(softmax_model(rows, classes, scale), samples).reshape(samples.shape)
    for place in np.ndindex(len(samples), rows):
        exact = np.clip(definition.softmax(samples[place], scale), -128, 127)
        assert np.abs(outputs[place] - exact).max() <= 1


# Biases and exponents of the multiplier.
EXTREMES = [
    *[(sign * 2**30, -e) for sign in (1, -1) for e in range(20, 34)],  # converters stop there
    *[(bias, -e) for bias in (5, -5) for e in range(4)],  # halves
    *[(-1, e) for e in (1, 5, 20, 22)],  # left shifts
    (2**31 - 2**14, -31),
    (-(2**31) + 2**14, -24),
]


@pytest.mark.parametrize("zero_point", [-128, -1, 127])
def test_extreme_multipliers_and_biases_round_as_defined(
    run_model: RunModel, zero_point: int
) -> None:
    biases = np.array([bias for bias, _ in EXTREMES], np.int32)
    scales = [2.0**exponent for _, exponent in EXTREMES]
    model = Model(
        [
            Activation((1, 1)),
            Weights(np.ones((len(EXTREMES), 1), np.int8), scales),
            Weights(biases),
            Activation((1, len(EXTREMES)), 1.0, zero_point),
        ],
        [Operator("FULLY_CONNECTED", (0, 1, 2), 3, "FullyConnectedOptions")],
    )
    samples = np.arange(-128, 128).astype(np.int8).reshape(-1, 1)
    rules = [Requantization(scale, 1.0, zero_point) for scale in scales]
    expected = [
        [rule(int(bias) + int(x)) for rule, bias in zip(rules, biases, strict=True)]
        for x in samples.ravel()
    ]
    assert run_model(model, samples).tolist() == expected


@pytest.mark.parametrize("weight", [-128, 127])
def test_conv2d_sums_of_long_patches_do_not_overflow_their_packing(
    run_model: RunModel, weight: int
) -> None:
    window = Window(3, 3, (3, 3), (1, 1), SAME)
    weights = np.full((3, 3, 3, 80), weight, np.int8)
    biases = np.zeros(3, np.int32)
    model = Model(
        [
            Activation((1, 3, 3, 80), 1.0, -128),
            Weights(weights, [2.0**-18]),
            Weights(biases),
            Activation((1, 3, 3, 3), 1.0, 0),
        ],
        [Operator("CONV_2D", (0, 1, 2), 3, "Conv2DOptions", options(window, NONE))],
    )
    samples = images(np.random.default_rng(7), 3, 3, 80)
    rule = Requantization(2.0**-18, 1.0, 0)
    expected = [
        definition.convolve(s, -128, weights, biases, window, lambda _, total: rule(total))
        for s in samples
    ]
    assert np.array_equal(run_model(model, samples), np.reshape(expected, (len(samples), -1)))
