"""Models whose ends are not int8, from the task's sample to the device's results."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tflite

from tinyhil.catalog.board import load_boards
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.ground.errors import FirmwareError, ModelError
from tinyhil.image.build import compile_as, compile_for
from tinyhil.image.compiler import CompiledModel
from tinyhil.image.generic import task_for
from tinyhil.image.limits import check_memory
from tinyhil.image.reference import reference

from .compiler.models import Activation, Model, Operator
from .compiler.operators import draw_one

TYPES = {
    "float32": tflite.TensorType.FLOAT32,
    "uint8": tflite.TensorType.UINT8,
    "int16": tflite.TensorType.INT16,
}


def model(kind: str) -> bytes:
    """Twelve numbers that are quantized, and made what they were."""
    ends = Activation((1, 12), 0.5, 128 * (kind == "uint8"), TYPES[kind])
    middle = Activation((1, 12), 0.5)
    last = "DEQUANTIZE" if kind == "float32" else "QUANTIZE"
    operators = [Operator("QUANTIZE", (0,), 1), Operator(last, (1,), 2)]
    return Model([ends, middle, ends], operators).build()


def task(encoding: Literal["int8", "uint8", "int16", "float32"]) -> Task:
    kws01 = load_tasks()["kws01"]
    size = {"float32": 48, "int16": 24}.get(encoding, 12)
    sample = kws01.input.model_copy(update={"bytes": size, "encoding": encoding})
    return kws01.model_copy(update={"input": sample})


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: no 'cc' on the path")
def test_samples_of_the_models_own_type_reach_it_as_they_are(tmp_path: Path) -> None:
    numbers = np.arange(-6, 6) * 2.5
    for kind, sample in (
        ("float32", numbers.astype("<f4").tobytes()),
        ("uint8", (numbers * 2 + 128).astype(np.uint8).tobytes()),
    ):
        file = tmp_path / f"{kind}.tflite"
        file.write_bytes(model(kind))
        made = reference(task(kind), file, tmp_path)  # type: ignore[arg-type]
        assert made is not None
        assert made.answers([sample]) == [tuple(numbers)]


def wide() -> bytes:
    """Twelve numbers of 16 bits, as they are."""
    end = Activation((1, 12), 0.25, 0, TYPES["int16"])
    return Model([end, end], [Operator("RESHAPE", (0,), 1)]).build()


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: no 'cc' on the path")
def test_a_model_of_int16_takes_its_own_samples_or_floats(tmp_path: Path) -> None:
    numbers = np.array([-8192, -700.25, -2, -0.25, 0, 0.5, 3, 77, 100.75, 1000, 4096, 8191.75])
    file = tmp_path / "wide.tflite"
    file.write_bytes(wide())
    for kind, sample in (("int16", (numbers * 4).astype("<i2")), ("float32", numbers + 0.05)):
        stored = sample if kind == "int16" else sample.astype("<f4")
        made = reference(task(kind), file, tmp_path)  # type: ignore[arg-type]
        assert made is not None
        assert made.answers([stored.tobytes()]) == [tuple(numbers)]
    fitting, _ = compile_as(lambda one: task_for(file, one, load_tasks()), file, None)
    assert fitting.input.encoding == "int16"
    with pytest.raises(ModelError, match="takes int16, the samples of the task kws01 are uint8"):
        compile_for(task("uint8"), file, None)


def test_samples_of_another_type_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "float.tflite"
    file.write_bytes(model("float32"))
    with pytest.raises(ModelError, match="takes float32, the samples of the task kws01 are int8"):
        compile_for(task("int8"), file, None)


def ends(count: int) -> Task:
    """A task of as many results, of twelve bytes."""
    return task("int8").model_copy(update={"classes": tuple(map(str, range(count)))})


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: no 'cc' on the path")
def test_results_of_several_outputs_have_the_scale_of_each(tmp_path: Path) -> None:
    tensors = [
        Activation((1, 6), 0.5, -2), Activation((1, 6), 0.25, 4),
        Activation((1, 6), 2.0, 5), Activation((1, 6), 0.25, 4),
    ]  # fmt: skip
    operators = [Operator("QUANTIZE", (0,), 2), Operator("RESHAPE", (1,), 3)]
    file = tmp_path / "ends.tflite"
    file.write_bytes(Model(tensors, operators, inputs=(0, 1), outputs=(3, 2)).build())
    made = reference(ends(12), file, tmp_path)
    assert made is not None
    sample = np.array([2, 6, 10, 14, 18, 22, 0, 4, 8, 12, 16, 20], np.int8).tobytes()
    second = tuple(float(value) for value in range(-1, 5))
    assert made.answers([sample]) == [(*second, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0)]


def test_a_model_with_a_state_is_of_no_task(tmp_path: Path) -> None:
    file = tmp_path / "state.tflite"
    content = draw_one("READ_VARIABLE", np.random.default_rng(1))
    file.write_bytes(content.build())
    made, compiled = compile_as(lambda one: task_for(file, one, load_tasks()), file, None)
    assert made.own
    assert made.keeps_state
    assert compiled.state_bytes % 16 == 0 < compiled.state_bytes
    own = made.own.model_copy(update={"keeps_state": False})
    named = made.model_copy(update={"own": own})
    with pytest.raises(ModelError, match=r"keeps \d+ bytes from one inference to the next"):
        compile_for(named, file, None)
    variables = check_needs(compiled)
    assert f"state {compiled.state_bytes}" in variables


def check_needs(compiled: CompiledModel) -> str:
    """What a board with next to no memory lacks."""
    board = load_boards()["mps2-an386"]
    tiny = [memory.model_copy(update={"size": 1024}) for memory in board.memory]
    with pytest.raises(FirmwareError) as caught:
        check_memory(board.model_copy(update={"memory": tiny}), ends(12), compiled)
    return caught.value.message
