"""UNIDIRECTIONAL_SEQUENCE_LSTM with four gates, and a state that is kept between inferences.

Weights and outputs are int8, the state of the cells is int16; there are no peepholes, no
projection and no normalization of layers.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import ConstantArray, Lowered, channel_array, int8_array
from tinyhil.image.compiler.quantize import Channel, channel
from tinyhil.image.compiler.refusals import REQUANTIZE
from tinyhil.image.compiler.target import Target

NAME = "UNIDIRECTIONAL_SEQUENCE_LSTM"

_OPTIONS: Final = "UnidirectionalSequenceLSTMOptions"
_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, _BIASES = range(1, 5), range(5, 9), range(12, 16)
_ABSENT: Final = (9, 10, 11, 16, 17, 20, 21, 22, 23)
_OUTPUT_STATE, _CELL_STATE = 18, 19
_TANH: Final = 4  # ActivationFunctionType of the schema
_MOST_BITS: Final = 4
"""Before the point of a cell: the exponentials of the kernel know twice as much."""
_GATE: Final = np.float32(2.0**-12)
"""Step of what goes into a gate."""


def lower(node: Node, target: Target) -> Lowered:
    """Weights of all gates, and the factors from their sums to what goes into the gates."""
    node.check(not node.legacy, "is of uint8", REQUANTIZE)
    source, result = node.activation(), node.output
    activation = node.option(_OPTIONS, "FusedActivationFunction")
    node.check(activation == _TANH, f"has the activation {activation}, not TANH")
    given = [i for i in _ABSENT if i < len(node.inputs) and node.inputs[i] is not None]
    node.check(not given, f"has the optional inputs {given}, which are not supported")
    rank = len(source.shape)
    batch = source.shape[1 if node.option(_OPTIONS, "TimeMajor") else 0] if rank == 3 else 0
    node.check(batch == 1, f"has an input of the shape {list(source.shape)}")
    inputs, steps = source.shape[2], source.elements // source.shape[2]
    state, cell = node.activation(_OUTPUT_STATE), node.computed(_CELL_STATE)
    cells = result.channels
    fits = result.elements == steps * cells and state.elements == cell.elements == cells
    node.check(fits, "has an output, or a state, that does not fit its steps and cells")
    node.check(cell.dtype == "INT16", f"has cells of {cell.dtype}, not INT16", REQUANTIZE)
    exact, power = math.frexp(cell.scale)
    bits = 15 + power - 1
    known = exact == 0.5 and cell.zero_point == 0 and 0 <= bits <= _MOST_BITS
    node.check(known, f"has a cell scale of {cell.scale}, not 2**-15 to 2**-11", REQUANTIZE)
    clip = float(node.option(_OPTIONS, "CellClip"))
    node.check(math.isfinite(clip), f"clips its cells to {clip}")
    return Lowered(
        kernel="lstm_s8",
        fields={
            "steps": steps,
            "inputs": inputs,
            "cells": cells,
            "cell_bits": bits,
            "cell_clip": int(min(clip / cell.scale, 32767.0)) if clip > 0 else 0,
            "output_zero_point": _hidden(node)[1],
        },
        arrays=(
            *_weights(node, "input", _INPUT_WEIGHTS, source, (cells, inputs)),
            *_weights(node, "recurrent", _RECURRENT_WEIGHTS, state, (cells, cells)),
            _output(node),
        ),
        macs=steps * 4 * cells * (inputs + cells),
        scratch_bytes=2 * (4 * cells + (inputs + cells) * target.dsp),
        order=(0, _OUTPUT_STATE, _CELL_STATE),
    )


def _hidden(node: Node) -> tuple[np.float32, int]:
    """Scale and zero point of the outputs, as the model says what is computed in between."""
    there = node.between[4] if len(node.between) == 5 else None
    if there is None or there.scales.size != 1:
        raise node.refuse("does not say how its hidden values are quantized", REQUANTIZE)
    same = int(there.zero_points[0]) == node.output.zero_point
    node.check(same, "has hidden values of another zero point than its output", REQUANTIZE)
    return there.scales[0], int(there.zero_points[0])


def _output(node: Node) -> ConstantArray:
    """From products of a gate and a cell, both of 16 bits, to outputs."""
    unit = np.float32(2.0**-15)
    with np.errstate(over="ignore"):
        factor = float(unit / _hidden(node)[0] * unit)
    made = channel(node, 0, 2**30, factor)
    return ConstantArray("output", "struct channel_s8", [made], 12)


def _weights(
    node: Node, name: str, positions: range, source: Tensor, shape: tuple[int, int]
) -> tuple[ConstantArray, ConstantArray]:
    """Of all gates: those of the inputs, with the biases, or those of the outputs before."""
    values, found = [], list[Channel]()
    for gate, position in enumerate(positions):
        weights = node.constant(position, "INT8")
        assert weights.data is not None
        node.check(weights.shape == shape, f"has weights of shape {list(weights.shape)}")
        quantization = weights.quantization
        if quantization is None or quantization.scales.size != 1 or quantization.zero_points.any():
            raise node.refuse("has weights that are not quantized as a whole", REQUANTIZE)
        biases = np.zeros(shape[0], np.int64)
        if name == "input":
            bias = node.constant(_BIASES[gate], "INT32")
            assert bias.data is not None
            node.check(bias.elements == shape[0], f"has {bias.elements} biases for {shape[0]}")
            biases = bias.data.reshape(-1).astype(np.int64)
        wide = weights.data.astype(np.int64)
        biases = biases - source.zero_point * wide.sum(axis=1)
        bounds = np.abs(biases) + 128 * np.abs(wide).sum(axis=1)
        with np.errstate(over="ignore"):
            factor = float(quantization.scales[0] * np.float32(source.scale) / _GATE)
        # A gate takes 16 bits: far more than a model needs, and no sum of two of them overflows.
        node.check(factor * bounds.max() < 2**30, "has sums that are too large", REQUANTIZE)
        found += [channel(node, int(biases[i]), int(bounds[i]), factor) for i in range(shape[0])]
        values.append(weights.data)
    channels = channel_array(found)
    return (
        int8_array(f"{name}_weights", np.stack(values)),
        ConstantArray(f"{name}_channels", channels.ctype, channels.values, channels.size),
    )
