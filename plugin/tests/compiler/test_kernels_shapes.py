"""Kernels that choose, move or reduce values, each against its plain definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from . import definition
from .definition import Requantization, Window
from .host import RunModel
from .models import Activation, Model, Operator, Weights
from .test_kernels import ACTIVATIONS, EXAMPLES, INT8, images, options, windows

FEW = settings(EXAMPLES, max_examples=6)


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
