"""What is left out is dead: against all inputs there are, of small graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyhil.image.compiler import Target, compile_model, ops
from tinyhil.image.compiler.dead import fold
from tinyhil.image.compiler.graph import Graph
from tinyhil.image.compiler.intervals import ranges
from tinyhil.image.compiler.ops import fully_connected
from tinyhil.image.compiler.quantize import activation_fields, quantize_multiplier
from tinyhil.image.compiler.reader import read_graph

from .models import Activation, Model, Operator, Weights

EVERY_INPUT = np.stack(np.meshgrid(*[np.arange(-128, 128)] * 2), axis=-1).reshape(-1, 2)


def _drawn(random: np.random.Generator) -> Model:
    """Two inputs, three fully connected layers; some neurons saturate, some weights are zero."""
    tensors: list[Weights | Activation] = [Activation((1, 2), 1.0, int(random.integers(-128, 128)))]
    operators = []
    for inputs, outputs in ((2, 6), (6, 5), (5, 3)):
        weights = random.integers(-127, 128, (outputs, inputs), dtype=np.int8)
        weights[:, random.random(inputs) < 0.25] = 0
        steps = 2.0 ** random.uniform(-9, -5, outputs)
        biases = random.uniform(-1, 1, outputs) * 2.0 ** random.uniform(5, 17, outputs)
        source = len(tensors) - 1
        tensors += [
            Weights(weights, steps.astype(np.float32).tolist()),
            Weights(biases.astype(np.int32)),
            Activation((1, outputs), 1.0, int(random.choice([-128, -128, 3]))),
        ]
        operators.append(
            Operator(
                "FULLY_CONNECTED",
                (source, source + 1, source + 2),
                source + 3,
                "FullyConnectedOptions",
                {"FusedActivationFunction": int(random.choice([0, 1, 3]))},
            )
        )
    return Model(tensors, operators)


def _outputs(graph: Graph, values: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Of each operator, for all inputs [samples, 2]."""
    found = []
    for node in graph.nodes:
        weights = node.constant(1, "INT8")
        bias = node.constant(2, "INT32").data
        assert weights.data is not None
        assert bias is not None
        sums = (values - node.activation().zero_point) @ weights.data.T.astype(np.int64) + bias
        factors = fully_connected.multipliers(node, node.activation(), weights)
        pairs = np.array([quantize_multiplier(factor) for factor in factors]).T
        multiplier, left, right = pairs[0], pairs[1].clip(0), (-pairs[1]).clip(0)
        scaled = ((sums << left) * multiplier + 2**30) >> 31
        half = np.where(right > 0, 1 << (right - 1).clip(0), 0)
        rounded = (scaled + half - ((scaled < 0) & (right > 0))) >> right
        limits = activation_fields(node, "FullyConnectedOptions")
        values = (rounded + node.output.zero_point).clip(*limits.values())
        found.append(values)
    return found


def test_ranges_hold_and_folding_changes_no_output(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    file = tmp_path / "model.tflite"
    constant = unread = 0
    for _ in range(10):
        file.write_bytes(_drawn(random).build())
        graph = read_graph(file, ops.modules().keys()).graph
        assert graph is not None
        outputs = _outputs(graph, EVERY_INPUT)
        bounds = ranges(graph)
        for node, values in zip(graph.nodes, outputs, strict=True):
            found = bounds[node.output.index]
            assert (found.low <= values.min(axis=0)).all()
            assert (values.max(axis=0) <= found.high).all()
        folded, report = fold(graph)
        constant += sum(dead.constant for dead in report.values())
        unread += sum(dead.unread for dead in report.values())
        assert np.array_equal(_outputs(folded, EVERY_INPUT)[-1], outputs[-1])
    assert constant > 5
    assert unread > 5


def test_what_is_left_out_is_reported_and_can_be_kept(tmp_path: Path) -> None:
    # Of eight neurons one is always 0, as its bias is far below zero, and one is not read.
    weights = np.ones((8, 4), np.int8)
    reader = np.ones((2, 8), np.int8)
    reader[:, 5] = 0
    biases = np.zeros(8, np.int32)
    biases[2] = -10_000
    fused = {"FusedActivationFunction": 1}
    model = Model(
        [
            Activation((1, 4), 1.0, 0),
            Weights(weights, [1.0]),
            Weights(biases),
            Activation((1, 8), 8.0, -128),
            Weights(reader, [1.0]),
            Activation((1, 2), 50.0, 0),
        ],
        [
            Operator("FULLY_CONNECTED", (0, 1, 2), 3, "FullyConnectedOptions", fused),
            Operator("FULLY_CONNECTED", (3, 4), 5, "FullyConnectedOptions", fused),
        ],
    )
    file = tmp_path / "model.tflite"
    file.write_bytes(model.build())
    first, second = compile_model(file).operators
    assert (first.constant_channels, first.unread_channels) == (1, 1)
    # Kernels want channels in fours, so two of the dead ones are there, with weights of zero.
    assert (first.macs_left_out, second.macs_left_out) == (0, 0)
    kept = compile_model(file, Target(keep_dead_channels=True)).operators[0]
    assert (kept.constant_channels, kept.unread_channels, kept.macs) == (0, 0, 32)


def test_official_visual_wake_words_lose_half_of_their_products(official: Path) -> None:
    model = compile_model(official / "models" / "vww_96_int8.tflite")
    assert sum(operator.constant_channels for operator in model.operators) == 913
    assert sum(operator.unread_channels for operator in model.operators) == 66
    left_out = sum(operator.macs_left_out for operator in model.operators)
    assert left_out / (model.macs + left_out) == pytest.approx(0.497, abs=0.001)
