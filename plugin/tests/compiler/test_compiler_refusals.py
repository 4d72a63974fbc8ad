"""What the compiler refuses, and that it says what, where and in which file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tflite

from tinyhil.ground.errors import ModelError
from tinyhil.ground.paths import ROOT, SUITES
from tinyhil.image.compiler import compile_model

from .fuzz import fuzz
from .models import Activation, Model, Operator, Weights

STAND_IN = SUITES / "standin" / "kws01.tflite"
MUTATIONS = 400

IMAGE = Activation((1, 4, 4, 2), 0.5, 3)
KERNEL = Weights(np.ones((3, 3, 3, 2), np.int8), [0.25])
BIAS = Weights(np.zeros(3, np.int32))
RESULT = Activation((1, 4, 4, 3), 2.0)
OPTIONS = {"StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1}
CONV = Operator("CONV_2D", (0, 1, 2), 3, "Conv2DOptions", OPTIONS)
SMALL = Model([IMAGE, KERNEL, BIAS, RESULT], [CONV])


def with_tensor(index: int, tensor: Weights | Activation) -> Model:
    """The small model with another tensor."""
    tensors: Sequence[Weights | Activation] = [
        tensor if i == index else own for i, own in enumerate(SMALL.tensors)
    ]
    return dataclasses.replace(SMALL, tensors=tensors)


def with_options(**values: int) -> Model:
    """The small model with other options."""
    conv = dataclasses.replace(CONV, values={**OPTIONS, **values})
    return dataclasses.replace(SMALL, operators=[conv])


def connected(input_scale: float, weight_scale: float) -> Model:
    """FULLY_CONNECTED alone."""
    weights = Weights(np.ones((3, 2), np.int8), [weight_scale])
    return Model(
        [Activation((1, 2), input_scale), weights, Activation((1, 3))],
        [Operator("FULLY_CONNECTED", (0, 1), 2, "FullyConnectedOptions")],
    )


def added(shape: tuple[int, ...], result: tuple[int, ...], scale: float) -> Model:
    """ADD of the input to itself."""
    return Model(
        [Activation(shape), Activation(result, scale)],
        [Operator("ADD", (0, 0), 1, "AddOptions")],
    )


def normalized(scale: float, classes: int) -> Model:
    """SOFTMAX alone."""
    return Model(
        [Activation((1, classes), scale), Activation((1, classes), 1 / 256, -128)],
        [Operator("SOFTMAX", (0,), 1, "SoftmaxOptions", {"Beta": 1.0})],
    )


def refusal(path: Path, content: bytes) -> str:
    """What the compiler says of a file that it must refuse."""
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        compile_model(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value.message


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the model at hand is."""
    return tmp_path / "model.tflite"


def test_the_small_model_itself_compiles(file: Path) -> None:
    file.write_bytes(SMALL.build())
    assert compile_model(file).macs == 4 * 4 * 3 * 3 * 3 * 2


def told(path: Path, model: Model) -> ModelError:
    """The whole error of a model that must be refused."""
    path.write_bytes(model.build())
    with pytest.raises(ModelError) as caught:
        compile_model(path)
    return caught.value


def test_an_unknown_operator_is_named_with_its_index_and_what_helps(file: Path) -> None:
    model = Model([*SMALL.tensors, RESULT], [CONV, Operator("ROUND", (3,), 4)])
    error = told(file, model)
    assert "operator 1 (ROUND): is not known; known are ADD, " in error.message
    assert "image/compiler/ops" in error.hint
    assert not re.search("quantiz|int8|undamaged", error.hint)


def test_a_float_model_is_told_that_it_is_one_and_how_it_is_quantized(file: Path) -> None:
    floats = [dataclasses.replace(t, dtype=tflite.TensorType.FLOAT32) for t in (IMAGE, RESULT)]
    model = Model(
        [*floats, RESULT], [Operator("ROUND", (0,), 1), Operator("CONV_2D", (1, 2, 2), 2)]
    )
    error = told(file, model)
    assert "is a float model: all of its operators (2) compute with floats" in error.message
    assert "operator 0 (ROUND): is not known" in error.message
    anchor = error.hint.split("kernels/#")[1].split()[0]
    page = (ROOT / "docs" / "kernels.md").read_text(encoding="utf-8").lower().replace(" ", "-")
    assert f"#-{anchor}\n" in page


def test_all_that_is_wrong_is_told_at_once(file: Path) -> None:
    """By operator, index and tensor; of a model that is float in part only."""
    padded = dataclasses.replace(CONV, values={**OPTIONS, "Padding": 7})
    asymmetric = dataclasses.replace(KERNEL, zero_point=1)
    float32 = dataclasses.replace(RESULT, dtype=tflite.TensorType.FLOAT32)
    int16 = dataclasses.replace(RESULT, dtype=tflite.TensorType.INT16)
    tensors = [*SMALL.tensors, asymmetric, float32, int16, RESULT]
    operators = [
        padded,
        dataclasses.replace(CONV, inputs=(0, 4, 2)),
        Operator("ROUND", (3,), 5),
        Operator("ADD", (3, 6), 7),
        padded,
    ]
    error = told(file, Model(tensors, operators, inputs=(0,) * 17))
    for what in (
        "can't be compiled, for 6 reasons:",
        "has 17 inputs; 1 to 16 can be compiled",
        "operators 0 and 4 (CONV_2D): has the padding 7",
        "operator 1 (CONV_2D): has weights with a zero point",
        "operator 2 (ROUND): tensor 5: computes with floats",
        "operator 2 (ROUND): is not known",
        "operator 3 (ADD): input 1 is INT16, not INT8",
        "known are ADD, ",
    ):
        assert what in error.message
    assert len(error.hint.splitlines()) == 6  # a step for each kind of cause


@pytest.mark.parametrize("kinds", [1, 40])
def test_a_thousand_bad_operators_are_grouped_and_counted(file: Path, kinds: int) -> None:
    operators = [
        dataclasses.replace(CONV, values={**OPTIONS, "Padding": 7 + i % kinds}) for i in range(1000)
    ]
    message = told(file, dataclasses.replace(SMALL, operators=operators)).message
    assert len(message) < 2500
    rest = 1000 // kinds - 8
    assert re.search(rf"operators 0, (\d+, ){{6}}\d+ and {rest} more \(CONV_2D\)", message)
    assert ("29 more, of CONV_2D" in message) == (kinds == 40)


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (dataclasses.replace(SMALL, inputs=(0, 3)), "writes tensor 3 again"),
        (dataclasses.replace(SMALL, outputs=(3, 3)), "one tensor as output several times"),
        (dataclasses.replace(SMALL, outputs=(1,)), "output is a constant"),
        (dataclasses.replace(SMALL, outputs=(0,)), "never written"),
        (dataclasses.replace(SMALL, operators=[CONV, CONV]), "writes tensor 3 again"),
        (
            dataclasses.replace(SMALL, operators=[dataclasses.replace(CONV, inputs=(3, 1, 2))]),
            "reads tensor 3 too early",
        ),
        (
            dataclasses.replace(SMALL, operators=[dataclasses.replace(CONV, inputs=(0, 99))]),
            "tensor index 99 is out of range",
        ),
        (
            dataclasses.replace(SMALL, operators=[dataclasses.replace(CONV, inputs=(0,))]),
            "input 1 is missing",
        ),
        (
            dataclasses.replace(SMALL, operators=[dataclasses.replace(CONV, options="")]),
            "has no Conv2DOptions",
        ),
        (with_options(DilationHFactor=0), "dilation 0"),
        (with_options(StrideW=0), "stride 0"),
        (with_options(Padding=7), "padding 7"),
        (with_options(FusedActivationFunction=4), "fused activation 4"),
        (with_options(StrideH=2), "4 outputs where its windows give 2"),
        (
            with_tensor(0, dataclasses.replace(IMAGE, signature=(-1, -1, 4, 2))),
            "dynamic shape",
        ),
        (with_tensor(0, dataclasses.replace(IMAGE, shape=(2, 4, 4, 2))), "batch"),
        (with_tensor(0, dataclasses.replace(IMAGE, shape=(1, 4, 4, 5))), "2 of 5 channels"),
        (with_tensor(0, dataclasses.replace(IMAGE, shape=(1, 0, 4, 2))), "shape [1, 0, 4, 2]"),
        (with_tensor(0, dataclasses.replace(IMAGE, shape=(1, 1 << 20, 1 << 20, 2))), "too large"),
        (with_tensor(0, dataclasses.replace(IMAGE, scale=-1.0)), "scale"),
        (with_tensor(0, dataclasses.replace(IMAGE, scale=float("nan"))), "scale"),
        (with_tensor(0, dataclasses.replace(IMAGE, zero_point=128)), "zero points"),
        (with_tensor(1, dataclasses.replace(KERNEL, scales=())), "without quantization"),
        (with_tensor(1, dataclasses.replace(KERNEL, zero_point=1)), "weights with a zero point"),
        (with_tensor(1, dataclasses.replace(KERNEL, scales=[1.0] * 2)), "2 weight scales for 3"),
        (with_tensor(1, dataclasses.replace(KERNEL, scales=[1.0] * 3, axis=3)), "along axis 3"),
        (with_tensor(2, Weights(np.zeros(4, np.int32))), "4 biases for 3"),
        (with_tensor(2, Weights(np.zeros(3, np.float32))), "is FLOAT32"),
        (with_tensor(2, Weights(np.full(3, 2**31 - 1, np.int32))), "32 bits"),
        (
            dataclasses.replace(
                with_options(FusedActivationFunction=3),
                tensors=[*SMALL.tensors[:3], dataclasses.replace(RESULT, scale=1e-40)],
            ),
            "output scale",
        ),
        (connected(3e38, 3e38), "not a number"),
        (added((1, 4, 1), (1, 4, 2), 1.0), "inputs of the shapes [[1, 4, 1], [1, 4, 1]]"),
        (added((1, 4), (1, 4), 1e-7), "output scale"),
        (normalized(1e-9, 12), "input scale"),
        (normalized(0.1, 8192), "8192 classes"),
    ],
)
def test_what_the_kernels_cannot_do_is_refused(file: Path, model: Model, what: str) -> None:
    assert what in refusal(file, model.build())


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.tflite: cannot be read"):
        compile_model(file)


def test_a_file_of_another_kind_is_refused(file: Path) -> None:
    assert "TFL3" in refusal(file, b"#!/bin/sh\nexit 0\n")
    assert "TFL3" in refusal(file, b"")


def test_a_file_beyond_any_microcontroller_is_refused(file: Path) -> None:
    assert "larger" in refusal(file, SMALL.build() + bytes(8 << 20))


def test_many_operators_on_one_large_buffer_are_refused(file: Path) -> None:
    size = 1024
    layers = 40
    square = Weights(np.ones((size, size), np.int8), [0.01])
    states = [Activation((1, size), 1.0) for _ in range(layers + 1)]
    operators = [
        Operator("FULLY_CONNECTED", (1 + i, 0), 2 + i, "FullyConnectedOptions")
        for i in range(layers)
    ]
    model = Model([square, *states], operators, inputs=(1,))
    assert "bytes of constants" in refusal(file, model.build())


@pytest.mark.parametrize("source", ["small", "stand-in"])
def test_a_truncated_file_is_refused(file: Path, source: str) -> None:
    content = SMALL.build() if source == "small" else STAND_IN.read_bytes()
    for length in np.linspace(0, len(content) * 3 // 4, 100).astype(int):
        refusal(file, content[:length])


def chained() -> Model:
    """Operators that choose, move and reduce values, between ends of floats and uint8."""
    pool = {"StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2}
    tensors: list[Weights | Activation] = [
        Activation((1, 4, 4, 2), dtype=tflite.TensorType.FLOAT32),
        IMAGE,
        Weights(np.array([[0, 0], [1, 1], [0, 2], [0, 0]], np.int32)),
        Activation((1, 6, 6, 2), 0.5, 3),
        Activation((1, 3, 3, 2), 0.5, 3),
        Weights(np.array([0, 3, 1, 2], np.int32)),
        Activation((1, 2, 3, 3), 0.5, 3),
        Activation((1, 2, 6, 3), 0.5, 3),
        Weights(np.array([2, 3], np.int32)),
        Activation((1, 2), 0.3),
        Activation((1, 2), 1 / 256, -128),
        Activation((1, 2), 1 / 256, 0, tflite.TensorType.UINT8),
        Weights(np.array([7, -9], np.int8), [0.1], zero_point=1),
        Activation((1, 2), 0.3),
    ]
    operators = [
        Operator("QUANTIZE", (0,), 1),
        Operator("PAD", (1, 2), 3, "PadOptions"),
        Operator("MAX_POOL_2D", (3,), 4, "Pool2DOptions", pool),
        Operator("TRANSPOSE", (4, 5), 6, "TransposeOptions"),
        Operator("CONCATENATION", (6, 6), 7, "ConcatenationOptions", {"Axis": 2}),
        Operator("MEAN", (7, 8), 9, "ReducerOptions"),
        Operator("ADD", (9, 12), 13, "AddOptions"),
        Operator("LOGISTIC", (13,), 10),
        Operator("QUANTIZE", (10,), 11),
    ]
    return Model(tensors, operators, outputs=(11,))


def changed(model: Model, **tensors: Weights | Activation) -> Model:
    """The model with other tensors, named ``t`` and their index."""
    own = [tensors.get(f"t{i}", tensor) for i, tensor in enumerate(model.tensors)]
    return dataclasses.replace(model, tensors=own)


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (changed(chained(), t2=Weights(np.full((4, 2), -1, np.int32))), "negative padding"),
        (changed(chained(), t2=Weights(np.zeros((3, 2), np.int32))), "padding of shape [3, 2]"),
        (
            changed(chained(), t5=Weights(np.array([0, 3, 1, 1], np.int32))),
            "the order [0, 3, 1, 1]",
        ),
        (changed(chained(), t8=Weights(np.array([2, 4], np.int32))), "has the axes [2, 4]"),
        (changed(chained(), t7=Activation((1, 2, 5, 3), 0.5, 3)), "do not fit together"),
        (changed(chained(), t7=Activation((1, 2, 6, 3), 0.4, 3)), "inputs of another scale"),
        (changed(chained(), t4=Activation((1, 3, 3, 2), 0.4, 3)), "output of another scale"),
        (changed(chained(), t10=Activation((1, 2), 1 / 128)), "another scale than 1/256"),
        (changed(chained(), t12=Weights(np.ones(3, np.int8), [0.1])), "inputs of the shapes"),
        (changed(chained(), t12=Weights(np.ones(2, np.int8))), "not quantized as a whole"),
        (changed(chained(), t9=Activation((1, 3), 0.3)), "does not have 2 outputs"),
        (
            changed(chained(), t1=dataclasses.replace(IMAGE, dtype=tflite.TensorType.UINT8)),
            "input 0 is UINT8, not INT8",
        ),
    ],
)
def test_what_kernels_of_shapes_cannot_do_is_refused(file: Path, model: Model, what: str) -> None:
    assert what in refusal(file, model.build())


@pytest.mark.parametrize(
    "model", [SMALL, connected(0.5, 0.5), normalized(0.1, 4), added((1, 8), (1, 8), 2.0), chained()]
)
def test_a_damaged_model_is_compiled_or_refused_and_nothing_else(
    tmp_path: Path, model: Model
) -> None:
    refused = fuzz(model.build(), tmp_path, count=MUTATIONS, seed=1)
    assert 0 < refused < MUTATIONS  # or nothing was tried
