"""Each operator, against the oracle's own answers; and what is refused of each.

``oracle.npz`` beside this was written by ``python -m compiler.oracle oracle.npz 2 3``; see there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tflite

from tinyhil.ground.errors import ModelError
from tinyhil.image.compiler import ANY_CORE, compile_model

from .fuzz import fuzz_operators
from .many import Way, differing, run_many
from .models import Activation, Model, Operator, Weights
from .operators import ALL, draw_one

ORACLE = Path(__file__).with_name("oracle.npz")


def test_every_operator_gives_the_oracles_answers(host_compiler: list[str], tmp_path: Path) -> None:
    with np.load(ORACLE) as file:
        arrays = dict(file)
    cases = sorted({name.rpartition("/")[0] for name in arrays})
    assert {case.partition("/")[0] for case in cases} == {*ALL}
    models = [arrays[f"{case}/model"].tobytes() for case in cases]
    inputs = [arrays[f"{case}/inputs"] for case in cases]
    made = run_many(models, inputs, [Way(ANY_CORE)], tmp_path, host_compiler)
    wrong = {
        case: found
        for case, (row,) in zip(cases, made.rows, strict=True)
        if (found := differing(row, arrays[f"{case}/outputs"]))
    }
    assert wrong == {}


@pytest.mark.parametrize("count", [4, pytest.param(300, marks=pytest.mark.long)])
def test_a_damaged_operator_is_compiled_or_refused_and_nothing_else(
    tmp_path: Path, count: int
) -> None:
    made, refused = fuzz_operators(tmp_path, count, seed=1)
    assert 0 < refused < made == count * len(ALL)


IMAGE = Activation((1, 4, 6, 2), 0.5, 3)
NUMBER = Weights(np.array(2, np.int32))


def one(name: str, options: str, *tensors: Weights | Activation | None, made: object = (),
        outputs: int = 1, **values: int | float) -> Model:  # fmt: skip
    """A model of one operator: its first tensor is the input, which the rest follow."""
    given = [tensor for tensor in tensors if tensor is not None]
    numbers = iter(range(len(given)))
    inputs = tuple(-1 if tensor is None else next(numbers) for tensor in tensors)
    result = made if isinstance(made, Activation) else Activation(tuple(made), 0.5, 3)  # type: ignore[arg-type]
    ends = tuple(range(len(given), len(given) + outputs))
    source = next(i for i, tensor in enumerate(given) if isinstance(tensor, Activation))
    operator = Operator(name, inputs, ends, options, values)
    return Model([*given, *[result] * outputs], [operator], (source,), ends)


def ints(*numbers: int) -> Weights:
    return Weights(np.array(numbers, np.int32))


def strided(begin: tuple[int, ...], made: tuple[int, ...], step: int = 1, **masks: int) -> Model:
    bounds = (ints(*begin), ints(4, 4, 6, 2), ints(1, step, 1, 1))
    return one("STRIDED_SLICE", "StridedSliceOptions", IMAGE, *bounds, made=made, **masks)


def lstm(**tensors: Weights | Activation) -> Model:
    """An LSTM, with other tensors by number."""
    model = draw_one("UNIDIRECTIONAL_SEQUENCE_LSTM", np.random.default_rng(3))
    own = [tensors.get(f"t{i}", tensor) for i, tensor in enumerate(model.tensors)]
    return dataclasses.replace(model, tensors=own)


RESIZE = ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")
WIDE = dataclasses.replace(IMAGE, zero_point=0, dtype=tflite.TensorType.INT16)
OLD = dataclasses.replace(IMAGE, dtype=tflite.TensorType.UINT8)
PIXEL = Weights(np.ones((2, 1, 1, 2), np.int8), [0.25])
FLAT = Weights(np.ones((2, 2), np.int8), [0.25])
WINDOW = Weights(np.ones((1, 1, 1, 2), np.int8), [0.25])
KERNEL = Weights(np.ones((3, 2, 2, 2), np.int8), [0.25])


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (strided((0, 0, 0, 0), (1, 3, 6, 2)), "has the output [1, 3, 6, 2], not [1, 4, 6, 2]"),
        (strided((0, 0, 0), (1, 4, 6, 2)), "has 3 bounds for 4 axes"),
        (strided((0, 0, 0, 0), (1, 4, 6, 2), step=0), "has a step of 0"),
        (strided((0, 0, 0, 0), (1, 4, 6, 2), EllipsisMask=1), "has an EllipsisMask"),
        (strided((0, 9, 0, 0), (1, 6, 2), ShrinkAxisMask=2), "takes element 9 of 4"),
        (strided((0, 4, 0, 0), (1, 1, 6, 2)), "takes elements 4 to 3 of 4"),
        (
            one("SPLIT", "SplitOptions", NUMBER, IMAGE, made=(1, 4, 1, 2), outputs=5),
            "splits 6 elements into 5 parts",
        ),
        (one("SPLIT", "SplitOptions", ints(7), IMAGE, made=(1, 4, 6, 2)), "has the axis 7 of 4"),
        (
            one("SPLIT_V", "SplitVOptions", IMAGE, ints(2, 5), NUMBER, made=(1,), outputs=2),
            "has parts of the sizes [2, 5] of 6",
        ),
        (
            one("UNPACK", "UnpackOptions", IMAGE, made=(1, 6, 2), outputs=3, Axis=1),
            "has 3 outputs of 4 elements",
        ),
        (one("PACK", "PackOptions", IMAGE, made=(1, 4, 6, 2)), "whose shapes do not fit"),
        (
            one("GATHER", "GatherOptions", IMAGE, ints(0, 6), made=(1, 4, 2, 2), Axis=2),
            "takes elements that are not among its 6",
        ),
        (one(*RESIZE, IMAGE, ints(8, 9), made=(1, 8, 8, 2)), "where [8, 9] is asked for"),
        (
            one("MUL", "MulOptions", IMAGE, Weights(np.ones(6, np.int8), [0.1]), made=IMAGE),
            "has inputs of the shapes [[1, 4, 6, 2], [6]]",
        ),
        (
            one("SUB", "SubOptions", IMAGE, Weights(np.ones(2, np.int8)), made=IMAGE),
            "has a constant that is not quantized as a whole",
        ),
        (
            one("REDUCE_MAX", "ReducerOptions", IMAGE, ints(1), made=(1, 6, 3)),
            "does not have 12 outputs",
        ),
        (
            one("HARD_SWISH", "HardSwishOptions", IMAGE, made=Activation(IMAGE.shape, 1e-6)),
            "output scale that is too small",
        ),
        (
            one(
                "TRANSPOSE_CONV", "TransposeConvOptions", ints(1, 4, 6, 3), KERNEL,
                Activation((1, 4, 6, 5)), made=(1, 4, 6, 3), StrideH=1, StrideW=1,
            ),
            "has weights for 2 of 5 channels",
        ),
        (lstm(t3=IMAGE), "input 1 is not a constant"),
        (
            one("HARD_SWISH", "HardSwishOptions", WIDE, made=WIDE),
            "has an output of INT16, not INT8",
        ),
        (one("RELU", "", IMAGE, made=WIDE), "input 0 is INT8, not INT16"),
        (
            one("RESHAPE", "", dataclasses.replace(WIDE, zero_point=1), made=WIDE),
            "is INT16 with a zero point that is not 0",
        ),
        (
            one("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", WIDE, WINDOW, ints(1, 2),
                made=WIDE, StrideH=1, StrideW=1),
            "input 2 is INT32, not INT64",
        ),
        (
            one("CONV_2D", "Conv2DOptions", WIDE, PIXEL, made=WIDE, StrideH=1, StrideW=1),
            "has int16 and no biases",
        ),
        (
            one("FULLY_CONNECTED", "FullyConnectedOptions", WIDE, FLAT,
                Weights(np.full(2, 2**46)), made=WIDE),
            "has sums that may be too large",
        ),
        (
            one("SOFTMAX", "SoftmaxOptions", WIDE, made=WIDE, Beta=1.0),
            "has an output of another scale than 2**-15",
        ),
        (
            one("RESIZE_BILINEAR", "ResizeBilinearOptions", OLD, ints(4, 6), made=OLD),
            "is of uint8, which the reference computes with floats",
        ),
        (
            one("CONV_2D", "Conv2DOptions", OLD,
                Weights(np.ones((2, 1, 1, 2), np.uint8), [0.5, 0.25]), made=OLD, StrideH=1,
                StrideW=1),
            "has uint8 weights of several scales",
        ),
        (
            dataclasses.replace(
                lstm(),
                operators=[dataclasses.replace(o, between=()) for o in lstm().operators],
            ),
            "does not say how its hidden values are quantized",
        ),
    ],
)  # fmt: skip
def test_what_an_operator_cannot_do_is_refused(tmp_path: Path, model: Model, what: str) -> None:
    assert what in refusal(tmp_path, model)


def refusal(folder: Path, model: Model) -> str:
    file = folder / "model.tflite"
    file.write_bytes(model.build())
    with pytest.raises(ModelError) as caught:
        compile_model(file)
    return caught.value.message


def variables() -> Model:
    return draw_one("READ_VARIABLE", np.random.default_rng(1))


def without(name: str) -> Callable[[Model], Model]:
    """A model without the operators of one name."""

    def changed(model: Model) -> Model:
        kept = [operator for operator in model.operators if operator.name != name]
        return dataclasses.replace(model, operators=kept)

    return changed


def other_start(model: Model) -> Model:
    """Its variable's first content is computed."""
    (start,) = model.others
    made = [Activation((), dtype=tflite.TensorType.RESOURCE), Activation((1, 2))]
    return dataclasses.replace(model, others=[dataclasses.replace(start, tensors=made)])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (without("CALL_ONCE"), "has 2 subgraphs; one can be compiled, with those that CALL_ONCE"),
        (without("VAR_HANDLE"), "is not the handle of a variable"),
        (lambda model: dataclasses.replace(model, others=()), "calls subgraph 1, which is not"),
        (other_start, "whose first content is not a constant of int8"),
    ],
)
def test_a_variable_that_cannot_be_kept_is_refused(
    tmp_path: Path, change: Callable[[Model], Model], what: str
) -> None:
    assert what in refusal(tmp_path, change(variables()))


def test_several_ends_are_one_behind_the_other(tmp_path: Path) -> None:
    """Each with its own scale, also in the results."""
    tensors = [
        Activation((1, 6), 0.5, 3),
        Activation((1, 4), 0.25, -7),
        Activation((1, 6), 0.5, 3),
        Activation((1, 4), 1 / 128, 0),
    ]
    operators = [Operator("RESHAPE", (0,), 2), Operator("TANH", (1,), 3)]
    file = tmp_path / "model.tflite"
    file.write_bytes(Model(tensors, operators, inputs=(0, 1), outputs=(3, 2)).build())
    model = compile_model(file)
    assert (model.input.size, model.output.size, model.state_bytes) == (10, 10, 0)
    assert [(end.shape, end.zero_point) for end in model.outputs] == [((1, 4), 0), ((1, 6), 3)]
    parts = model.sources["model_config.h"].partition("MODEL_OUTPUT_PARTS")[2].splitlines()[0]
    assert parts.strip() == "{4, 0x1.0000000000000p-7f, 0}, {6, 0x1.0000000000000p-1f, 3}"
    assert "copy_s8(&op0, input, output + 4)" in model.sources["model.c"]


PADDING = Weights(np.array([[0, 0], [1, 0], [0, 2], [0, 0]], np.int32))


@pytest.mark.parametrize(
    ("size", "padding", "folded"),
    [(3, 1, True), (1, 1, False), (3, 0, False)],
    ids=["windows meet the image", "some do not", "windows hang over already"],
)
def test_a_pad_is_a_part_of_its_convolution(
    tmp_path: Path, size: int, padding: int, folded: bool
) -> None:
    height, width = (5 - size + 1, 8 - size + 1) if padding else (5, 8)
    tensors: list[Weights | Activation] = [
        IMAGE, PADDING, dataclasses.replace(IMAGE, shape=(1, 5, 8, 2)),
        Weights(np.ones((3, size, size, 2), np.int8), [0.25]),
        Activation((1, height, width, 3), 4.0, 3),
    ]  # fmt: skip
    options = {"Padding": padding, "StrideH": 1, "StrideW": 1}
    operators = [
        Operator("PAD", (0, 1), 2, "PadOptions"),
        Operator("CONV_2D", (2, 3), 4, "Conv2DOptions", options),
    ]
    file = tmp_path / "model.tflite"
    file.write_bytes(Model(tensors, operators).build())
    pad, convolution = compile_model(file).operators
    assert (pad.kernel is None, convolution.kernel) == (folded, "conv2d_s8")


def test_a_model_of_uint8_keeps_its_ends(tmp_path: Path) -> None:
    """Inside it is one of int8: only what a table does is added, at both ends."""
    file = tmp_path / "model.tflite"
    old = dataclasses.replace(OLD, scale=1 / 256, zero_point=0)
    file.write_bytes(one("SOFTMAX", "SoftmaxOptions", old, made=old, Beta=1.0).build())
    model = compile_model(file)
    assert [end.dtype for end in (model.input, model.output)] == ["uint8", "uint8"]
    assert [one.kernel for one in model.operators] == ["table_s8", "softmax_s8", "table_s8"]
