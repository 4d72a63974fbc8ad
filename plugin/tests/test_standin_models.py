"""The stand-in models are pinned and have exactly the closed division's architectures."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tflite

STANDIN = Path(__file__).resolve().parents[2] / "suites" / "standin"

Shape = tuple[int, ...]


class Step(NamedTuple):
    """One operator: what it does to which shape."""

    op: str
    source: Shape
    weights: Shape
    result: Shape
    stride: tuple[int, int] | None = None
    padding: str = ""
    activation: str = ""
    reads: tuple[int, ...] = (-1,)
    """How many operators back its inputs were made; the first one reads the model's input."""


def conv(
    source: Shape,
    channels: int,
    kernel: Shape,
    stride: int,
    activation: str = "RELU",
    reads: int = -1,
) -> Step:
    """A convolution with padding to the same size, divided by the stride."""
    weights = (channels, *kernel, source[3])
    result = (1, -(-source[1] // stride), -(-source[2] // stride), channels)
    return Step("CONV_2D", source, weights, result, (stride, stride), "SAME", activation, (reads,))


def depthwise(source: Shape, stride: int = 1) -> Step:
    """A 3x3 depthwise convolution with padding to the same size, divided by the stride."""
    weights = (1, 3, 3, source[3])
    result = (1, -(-source[1] // stride), -(-source[2] // stride), source[3])
    return Step("DEPTHWISE_CONV_2D", source, weights, result, (stride, stride), "SAME", "RELU")


def dense(width: int, outputs: int, activation: str = "NONE") -> Step:
    """A fully connected layer."""
    return Step(
        "FULLY_CONNECTED", (1, width), (outputs, width), (1, outputs), activation=activation
    )


def classifier(source: Shape, classes: int) -> tuple[Step, ...]:
    """The mean of each channel, one fully connected layer, and probabilities."""
    _, height, width, channels = source
    window, mean = (height, width), (1, 1, 1, channels)
    return (
        Step("AVERAGE_POOL_2D", source, window, mean, window, "VALID", "NONE"),
        Step("RESHAPE", mean, (), (1, channels)),
        dense(channels, classes),
        Step("SOFTMAX", (1, classes), (), (1, classes)),
    )


def separable(source: Shape, blocks: tuple[tuple[int, int], ...]) -> tuple[Step, ...]:
    """Depthwise-separable blocks with so many channels and such a stride."""
    steps: list[Step] = []
    for channels, stride in blocks:
        steps.append(depthwise(source, stride))
        steps.append(conv(steps[-1].result, channels, (1, 1), 1))
        source = steps[-1].result
    return tuple(steps)


def residual(source: Shape, channels: int, stride: int) -> tuple[Step, ...]:
    """A stage of the ResNet; its shortcut has a convolution where it changes the shape."""
    first = conv(source, channels, (3, 3), stride)
    second = conv(first.result, channels, (3, 3), 1, "NONE")
    shortcut = (conv(source, channels, (1, 1), stride, "NONE", -3),) if stride > 1 else ()
    reads = (-1, -2) if shortcut else (-3, -1)
    return (
        first,
        second,
        *shortcut,
        Step("ADD", second.result, (), second.result, activation="RELU", reads=reads),
    )


class Facts(NamedTuple):
    """What is promised of a model."""

    sha256: str
    official: str
    input: tuple[float, int]
    """Scale and zero point."""
    output: tuple[float, int]
    steps: tuple[Step, ...]
    """The reference model of github.com/mlcommons/tiny, benchmark/training, as converted."""


IMAGES = 0.003921568859368563  # 1/255 in float32
PROBABILITIES = (1 / 256, -128)

MODELS = {
    "kws01": Facts(
        "f7c636e4b29a4c39ee5d9d776344f8be5003b9df0ea4e8b4edae01fb7d05ce81",
        "kws_ref_model.tflite",
        (0.5, 83),
        PROBABILITIES,
        (
            conv((1, 49, 10, 1), 64, (10, 4), 2),
            *separable((1, 25, 5, 64), ((64, 1),) * 4),
            *classifier((1, 25, 5, 64), 12),
        ),
    ),
    "ic01": Facts(
        "411a029410cc41c95f790f02d738eb43a83e68543881a535273b1c5fedfeed8f",
        "pretrainedResnet_quant.tflite",
        (1.0, -128),
        PROBABILITIES,
        (
            conv((1, 32, 32, 3), 16, (3, 3), 1),
            *residual((1, 32, 32, 16), 16, 1),
            *residual((1, 32, 32, 16), 32, 2),
            *residual((1, 16, 16, 32), 64, 2),
            *classifier((1, 8, 8, 64), 10),
        ),
    ),
    "ad01": Facts(
        "b819ecf0f3a09ac6afd4d2bd788bf6ddf9ca937887b4590e7f4eaec57c80bafa",
        "ad01_int8.tflite",
        (0.26348039507865906, 72),
        (0.19281168282032013, 104),
        (
            dense(640, 128, "RELU"),
            *(dense(128, 128, "RELU"),) * 3,
            dense(128, 8, "RELU"),
            dense(8, 128, "RELU"),
            *(dense(128, 128, "RELU"),) * 3,
            dense(128, 640),
        ),
    ),
    "vww01": Facts(
        "18f6ca9c97744dad6851b97783536852abe5a68c08716b4b8fa2e5d255d53928",
        "vww_96_int8.tflite",
        (IMAGES, -128),
        PROBABILITIES,
        (
            conv((1, 96, 96, 3), 8, (3, 3), 2),
            *separable((1, 48, 48, 8), ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1))),
            *separable((1, 12, 12, 64), ((128, 2), *((128, 1),) * 5, (256, 2), (256, 1))),
            *classifier((1, 3, 3, 256), 2),
        ),
    ),
}

every_model = pytest.mark.parametrize("name", MODELS)

OPTIONS = {
    "ADD": tflite.AddOptions,
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "AVERAGE_POOL_2D": tflite.Pool2DOptions,
    "FULLY_CONNECTED": tflite.FullyConnectedOptions,
}


def name_of(enum: type, value: int) -> str:
    """Name of a value of one of the enumerations of the ``tflite`` package."""
    return next(name for name, number in vars(enum).items() if number == value)


def graph_of(path: Path) -> tuple[Any, Any]:
    """A model and its only subgraph."""
    model = tflite.Model.GetRootAs(path.read_bytes(), 0)
    assert model.SubgraphsLength() == 1
    return model, model.Subgraphs(0)


def shape_of(tensor: Any) -> Shape:
    """Shape of a tensor."""
    return tuple(tensor.ShapeAsNumpy().tolist())


def op_of(model: Any, operator: Any) -> str:
    """Name of an operator."""
    code = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
    return name_of(tflite.BuiltinOperator, code)


def options_of(operator: Any, op: str) -> Any:
    """An operator's options; None for those without stride and activation."""
    if op not in OPTIONS:
        return None
    options = OPTIONS[op]()
    table = operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    return options


def steps_of(path: Path) -> tuple[Step, ...]:
    """A model's operators in order."""
    model, graph = graph_of(path)
    steps = []
    maker = {graph.Inputs(0): -1}
    for number, operator in enumerate(graph.Operators(i) for i in range(graph.OperatorsLength())):
        op = op_of(model, operator)
        options = options_of(operator, op)
        inputs = operator.InputsAsNumpy().tolist()
        tensors = [graph.Tensors(index) for index in inputs]
        weights = shape_of(tensors[1]) if len(tensors) == 3 else ()
        stride, padding, activation = None, "", ""
        if options is not None:
            activation = name_of(tflite.ActivationFunctionType, options.FusedActivationFunction())
        if op == "AVERAGE_POOL_2D":
            weights = (options.FilterHeight(), options.FilterWidth())
        if hasattr(options, "StrideH"):
            stride = (options.StrideH(), options.StrideW())
            padding = name_of(tflite.Padding, options.Padding())
        result = shape_of(graph.Tensors(operator.Outputs(0)))
        reads = tuple(maker[index] - number for index in inputs if index in maker)
        maker[operator.Outputs(0)] = number
        steps.append(
            Step(op, shape_of(tensors[0]), weights, result, stride, padding, activation, reads)
        )
    return tuple(steps)


def tensors_of(path: Path) -> list[tuple[Any, ...]]:
    """Each tensor an operator touches: operator, version, shape, type, how it is quantized.

    Left out are what differs between two trainings of one architecture: weights, scales, zero
    points of activations, names and the order in the file.
    """
    model, graph = graph_of(path)
    rows = []
    for operator in (graph.Operators(i) for i in range(graph.OperatorsLength())):
        version = model.OperatorCodes(operator.OpcodeIndex()).Version()
        for index in (*operator.InputsAsNumpy(), *operator.OutputsAsNumpy()):
            tensor = graph.Tensors(index)
            found = tensor.Quantization()
            quantized = (found.ScaleLength(), found.QuantizedDimension()) if found else None
            constant = model.Buffers(tensor.Buffer()).DataLength() > 0
            kind = name_of(tflite.TensorType, tensor.Type())
            rows.append(
                (op_of(model, operator), version, shape_of(tensor), kind, quantized, constant)
            )
    return rows


def quantization_of(path: Path) -> tuple[tuple[float, int], tuple[float, int]]:
    """Scale and zero point of a model's int8 input and output."""
    _, graph = graph_of(path)
    assert (graph.InputsLength(), graph.OutputsLength()) == (1, 1)
    tensors = (graph.Tensors(graph.Inputs(0)), graph.Tensors(graph.Outputs(0)))
    assert [tensor.Type() for tensor in tensors] == [tflite.TensorType.INT8] * 2
    source, sink = (tensor.Quantization() for tensor in tensors)
    return (source.Scale(0), source.ZeroPoint(0)), (sink.Scale(0), sink.ZeroPoint(0))


@every_model
def test_the_model_is_pinned(name: str) -> None:
    content = (STANDIN / f"{name}.tflite").read_bytes()
    assert hashlib.sha256(content).hexdigest() == MODELS[name].sha256


@every_model
def test_the_model_has_the_closed_architecture(name: str) -> None:
    assert steps_of(STANDIN / f"{name}.tflite") == MODELS[name].steps


@every_model
def test_scales_and_zero_points_are_those_that_devices_are_told(name: str) -> None:
    facts = MODELS[name]
    assert quantization_of(STANDIN / f"{name}.tflite") == (facts.input, facts.output)


@every_model
def test_the_model_equals_the_official_one_tensor_by_tensor(name: str) -> None:
    folder = os.environ.get("TINYHIL_DATA")
    if not folder:
        pytest.skip("TINYHIL_DATA does not name the folder of the official data and models")
    official = Path(folder) / "models" / MODELS[name].official
    if not official.is_file():
        pytest.skip(f"the folder of TINYHIL_DATA has no {official.name}")
    ours = STANDIN / f"{name}.tflite"
    assert steps_of(ours) == steps_of(official)
    assert tensors_of(ours) == tensors_of(official)


@pytest.mark.parametrize("name", ["ic01", "vww01"])
def test_image_bytes_become_the_input_as_for_the_official_model(name: str) -> None:
    folder = os.environ.get("TINYHIL_DATA")
    if not folder:
        pytest.skip("TINYHIL_DATA does not name the folder of the official data and models")
    official, _ = quantization_of(Path(folder) / "models" / MODELS[name].official)
    assert official == MODELS[name].input
