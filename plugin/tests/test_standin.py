"""The stand-in set is pinned byte for byte; its model has the closed division's architecture."""

from __future__ import annotations

import csv
import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tflite

from tinyhil import standin
from tinyhil.errors import ConfigError
from tinyhil.standin import kws01

STANDIN = Path(__file__).resolve().parents[2] / "suites" / "standin"
MODEL = STANDIN / "kws01.tflite"
OFFICIAL_MODEL = Path("models") / "kws_ref_model.tflite"

TEST_SET_SHA256 = "3c67afe25f560520c275b564ed925f387ce86d0087f4c7f08121cf857c3e3c61"
MODEL_SHA256 = "f7c636e4b29a4c39ee5d9d776344f8be5003b9df0ea4e8b4edae01fb7d05ce81"
INPUT_QUANTIZATION = (0.5, 83)
ORACLE_TOP1 = 960


class Step(NamedTuple):
    """One operator: what it does to which shape."""

    op: str
    source: tuple[int, ...]
    weights: tuple[int, ...]
    result: tuple[int, ...]
    stride: tuple[int, int] | None = None
    padding: str = ""
    activation: str = ""


MAP = (1, 25, 5, 64)
FIRST = Step("CONV_2D", (1, 49, 10, 1), (64, 10, 4, 1), MAP, (2, 2), "SAME", "RELU")
DEPTHWISE = Step("DEPTHWISE_CONV_2D", MAP, (1, 3, 3, 64), MAP, (1, 1), "SAME", "RELU")
POINTWISE = Step("CONV_2D", MAP, (64, 1, 1, 64), MAP, (1, 1), "SAME", "RELU")

# The DS-CNN of github.com/mlcommons/tiny, benchmark/training/keyword_spotting, as converted.
CLOSED_DIVISION = (
    FIRST,
    *(DEPTHWISE, POINTWISE) * 4,
    Step("AVERAGE_POOL_2D", MAP, (25, 5), (1, 1, 1, 64), (25, 5), "VALID", "NONE"),
    Step("RESHAPE", (1, 1, 1, 64), (), (1, 64)),
    Step("FULLY_CONNECTED", (1, 64), (12, 64), (1, 12), activation="NONE"),
    Step("SOFTMAX", (1, 12), (), (1, 12)),
)

OPTIONS = {
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


def shape_of(tensor: Any) -> tuple[int, ...]:
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
    for operator in (graph.Operators(i) for i in range(graph.OperatorsLength())):
        op = op_of(model, operator)
        options = options_of(operator, op)
        tensors = [graph.Tensors(i) for i in operator.InputsAsNumpy()]
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
        steps.append(Step(op, shape_of(tensors[0]), weights, result, stride, padding, activation))
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


def test_the_held_out_set_is_pinned() -> None:
    samples, labels = kws01.generate(kws01.TEST_COUNT, kws01.TEST_SEED)
    digest = hashlib.sha256(samples.tobytes() + labels.astype("<i8").tobytes())
    assert digest.hexdigest() == TEST_SET_SHA256


def test_shapes_types_and_range() -> None:
    samples, labels = kws01.generate(400, kws01.TRAIN_SEED)
    assert samples.shape == (400, 49, 10)
    assert labels.shape == (400,)
    assert samples.dtype == np.dtype(np.int8)
    assert labels.dtype == np.dtype(np.int64)
    assert (samples.min(), samples.max()) == (-128, 127)  # else the converter's scale drifts


def test_none_is_an_empty_set() -> None:
    samples, labels = kws01.generate(0, 1)
    assert (samples.shape, labels.shape) == ((0, 49, 10), (0,))


def test_a_shorter_set_is_the_beginning_of_a_longer_one() -> None:
    samples, labels = kws01.generate(5, kws01.TEST_SEED)
    more_samples, more_labels = kws01.generate(9, kws01.TEST_SEED)
    np.testing.assert_array_equal(samples, more_samples[:5])
    np.testing.assert_array_equal(labels, more_labels[:5])


def test_classes_are_balanced() -> None:
    _, labels = kws01.generate(kws01.TEST_COUNT, kws01.TEST_SEED)
    counts = np.bincount(labels, minlength=len(kws01.CLASSES))
    assert len(counts) == len(kws01.CLASSES) == 12
    assert counts.min() >= 60
    assert counts.max() <= 110


def test_training_and_held_out_samples_are_disjoint() -> None:
    assert len({kws01.TRAIN_SEED, kws01.TEST_SEED}) == 2
    held_out, _ = kws01.generate(kws01.TEST_COUNT, kws01.TEST_SEED)
    training, _ = kws01.generate(3000, kws01.TRAIN_SEED)
    seen = {sample.tobytes() for sample in held_out}
    assert len(seen) == kws01.TEST_COUNT
    assert not seen & {sample.tobytes() for sample in training}


def test_write_gives_the_layout_of_the_official_runner(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "kws01"
    standin.write("kws01", folder)
    samples, labels = kws01.generate(kws01.TEST_COUNT, kws01.TEST_SEED)
    with (folder / "y_labels.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == kws01.TEST_COUNT
    assert {file.name for file in folder.iterdir()} == {"y_labels.csv", *(row[0] for row in rows)}
    for index, (name, classes, label) in enumerate(rows):
        assert (int(classes), int(label)) == (12, labels[index])
        assert name == f"kws01_{index:06d}_{kws01.CLASSES[int(label)]}_{label}.bin"
        assert (folder / name).read_bytes() == samples[index].tobytes()
    assert list(folder.parent.iterdir()) == [folder]  # nothing of the scratch folder is left


def test_a_set_that_is_there_already_stands(tmp_path: Path) -> None:
    folder = tmp_path / "kws01"
    standin.write("kws01", folder)
    before = folder.stat().st_ino
    standin.write("kws01", folder)
    assert folder.stat().st_ino == before
    assert list(tmp_path.iterdir()) == [folder]


def test_write_leaves_an_existing_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ConfigError, match="exists"):
        standin.write("kws01", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kws01, "generate", fail)
    with pytest.raises(OSError, match="No space"):
        standin.write("kws01", tmp_path / "kws01")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("task", ["nope01", "", "../kws01", "kws01.x"])
def test_a_task_without_generator_is_refused(task: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no stand-in set"):
        standin.write(task, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_the_model_is_pinned() -> None:
    assert hashlib.sha256(MODEL.read_bytes()).hexdigest() == MODEL_SHA256


def test_the_model_has_the_closed_architecture() -> None:
    assert steps_of(MODEL) == CLOSED_DIVISION


def test_stored_bytes_are_the_models_input() -> None:
    _, graph = graph_of(MODEL)
    tensor = graph.Tensors(graph.Inputs(0))
    quantization = tensor.Quantization()
    assert tensor.Type() == tflite.TensorType.INT8
    assert (quantization.Scale(0), quantization.ZeroPoint(0)) == INPUT_QUANTIZATION


def test_the_model_equals_the_official_one_tensor_by_tensor() -> None:
    folder = os.environ.get("TINYHIL_DATA")
    if not folder:
        pytest.skip("TINYHIL_DATA does not name the folder of the official data and models")
    official = Path(folder) / OFFICIAL_MODEL
    if not official.is_file():
        pytest.skip(f"the folder of TINYHIL_DATA has no {OFFICIAL_MODEL}")
    assert steps_of(MODEL) == steps_of(official)
    assert tensors_of(MODEL) == tensors_of(official)


def test_the_oracle_belongs_to_the_held_out_set() -> None:
    samples, labels = kws01.generate(kws01.TEST_COUNT, kws01.TEST_SEED)
    with np.load(STANDIN / "kws01_oracle.npz") as oracle:
        names, outputs = oracle["names"], oracle["outputs"]
    assert (outputs.shape, outputs.dtype) == ((len(samples), 12), np.int8)
    assert [int(name[:-4].rsplit("_", 1)[1]) for name in names] == labels.tolist()
    assert int(np.sum(outputs.argmax(axis=1) == labels)) == ORACLE_TOP1
