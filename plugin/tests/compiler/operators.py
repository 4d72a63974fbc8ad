"""Random models of all operators: of one of them, or chains of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import tflite

from . import computing, moving
from .drawn import Drawn
from .models import Activation, Model
from .stages import draw_stage

OPERATORS: Final[dict[str, Callable[[Drawn], None]]] = {
    "SLICE": moving.slice_of,
    "STRIDED_SLICE": moving.strided_slice,
    "SPLIT": moving.split,
    "SPLIT_V": moving.split_v,
    "UNPACK": moving.unpack,
    "PACK": moving.pack,
    "GATHER": moving.gather,
    "RESIZE_NEAREST_NEIGHBOR": moving.resize("RESIZE_NEAREST_NEIGHBOR"),
    "RESIZE_BILINEAR": moving.resize("RESIZE_BILINEAR"),
    "ADD": computing.arithmetic("ADD"),
    "SUB": computing.arithmetic("SUB"),
    "MUL": computing.arithmetic("MUL"),
    "READ_VARIABLE": moving.variable,
    "CONV_2D": computing.convolution("CONV_2D"),
    "DEPTHWISE_CONV_2D": computing.convolution("DEPTHWISE_CONV_2D"),
    "TRANSPOSE_CONV": computing.transpose_conv,
    "HARD_SWISH": computing.hard_swish,
    "REDUCE_MAX": moving.reduce_max,
    "SOFTMAX": computing.softmax,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": computing.lstm,
    "AVERAGE_POOL_2D": computing.window("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": computing.window("MAX_POOL_2D"),
    "MEAN": computing.mean,
    "PAD": moving.pad,
    "PAD of a convolution": computing.padded,
    "TRANSPOSE": moving.transpose,
    "CONCATENATION": moving.concatenation,
    "FULLY_CONNECTED": computing.fully_connected,
    "LOGISTIC": computing.curve("LOGISTIC"),
    "TANH": computing.curve("TANH"),
    "RELU": computing.rescaled("RELU"),
    "RELU6": computing.rescaled("RELU6"),
    "RELU_N1_TO_1": computing.rescaled("RELU_N1_TO_1"),
    "QUANTIZE": computing.rescaled("QUANTIZE", "QuantizeOptions"),
    "QUANTIZE to int8": computing.narrowed,
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
ALL: Final = (*OPERATORS, *WIDE, *LEGACY)


def draw_one(name: str, random: np.random.Generator) -> Model:
    """A model of one operator of `OPERATORS`, `WIDE` or `LEGACY`, with what it needs."""
    drawn, own = Drawn(random), _without_type(name)
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


def draw_graph(random: np.random.Generator) -> Model:
    """A chain as in MobileNet, small; in two of three, operators of other kinds in between.

    Of int8, or int16 (which may become int8 on the way), or uint8. One in five can be computed in
    bands of rows.
    """
    if random.random() < 0.2:
        return draw_stage(random)
    types = ("INT8", "INT8", "INT8", "INT16", "UINT8")
    drawn = Drawn(random, dtype=getattr(tflite.TensorType, str(random.choice(types))))
    others = 0.5 * drawn.chance(0.67)
    channels = drawn.pick(1, 3) if drawn.chance(0.5) else 4 * drawn.pick(1, 3)
    shape = (1, drawn.pick(1, 9), drawn.pick(1, 9), channels)
    scale = 1 / 256 if drawn.wide else 1.0
    drawn.tensors.append(Activation(shape, scale, drawn.zero_point(), drawn.dtype))
    _others(drawn, others)
    drawn.convolution(pointwise=drawn.chance(0.3))
    for _ in range(drawn.pick(0, 2)):
        _others(drawn, others)
        if drawn.chance(0.7):
            drawn.depthwise()
        _others(drawn, others)
        drawn.convolution(pointwise=drawn.chance(0.8))
    _others(drawn, others)
    if drawn.chance(0.5):
        drawn.pool()
    for _ in range(drawn.pick(0, 2)):
        drawn.fully_connected()
    return drawn.model()


def _others(drawn: Drawn, probability: float) -> None:
    """One or two operators of any kind that the type has, or none."""
    while drawn.chance(probability):
        names = WIDE if drawn.wide else LEGACY if drawn.legacy else tuple(OPERATORS)
        OPERATORS[_without_type(str(drawn.random.choice(names)))](drawn)


def _without_type(name: str) -> str:
    return name.removesuffix(" int16").removesuffix(" uint8")
