"""Models whose ends are not int8, from the task's sample to the device's results."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tflite

from tinyhil.catalog.task import Task, load_tasks
from tinyhil.ground.errors import ModelError
from tinyhil.image.build import compile_for
from tinyhil.image.reference import reference

from .compiler.models import Activation, Model, Operator

TYPES = {"float32": tflite.TensorType.FLOAT32, "uint8": tflite.TensorType.UINT8}


def model(kind: str) -> bytes:
    """Twelve numbers that are quantized, and made what they were."""
    ends = Activation((1, 12), 0.5, 128 * (kind == "uint8"), TYPES[kind])
    middle = Activation((1, 12), 0.5)
    last = "DEQUANTIZE" if kind == "float32" else "QUANTIZE"
    operators = [Operator("QUANTIZE", (0,), 1), Operator(last, (1,), 2)]
    return Model([ends, middle, ends], operators).build()


def task(encoding: Literal["int8", "uint8", "float32"]) -> Task:
    kws01 = load_tasks()["kws01"]
    size = 48 if encoding == "float32" else 12
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


def test_samples_of_another_type_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "float.tflite"
    file.write_bytes(model("float32"))
    with pytest.raises(ModelError, match="takes float32, the samples of the task kws01 are int8"):
        compile_for(task("int8"), file, None)
