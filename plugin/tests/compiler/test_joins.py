"""CONCATENATION without a copy: what it joins is written where its output is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyhil.image.compiler import CompiledModel, compile_model

from .host import RunModel
from .models import Activation, Model, Operator

SHAPE = (1, 2, 3, 4)


def joining(*inputs: int, axis: int = 1, more: tuple[int, ...] = ()) -> Model:
    """Tensor 0 is the input; 1, 2 and 3 are RELUs of it, or of the one before; 4 joins `inputs`,
    and 5 joins `more` along the same axis."""
    tensors = [Activation(SHAPE)] * 4
    operators = [Operator("RELU", (source,), source + 1) for source in range(3)]
    operators[1] = Operator("RELU_N1_TO_1", (1,), 2)
    for result, parts in ((4, inputs), (5, more)):
        if parts:
            size = sum(tensors[part].shape[axis] for part in parts)
            shape = (*SHAPE[:axis], size, *SHAPE[axis + 1 :])
            options = ("ConcatenationOptions", {"Axis": axis})
            tensors.append(Activation(shape))
            operators.append(Operator("CONCATENATION", parts, result, *options))
    return Model(tensors, operators, outputs=(len(tensors) - 1,))


def compiled(model: Model, tmp_path: Path) -> CompiledModel:
    file = tmp_path / "model.tflite"
    file.write_bytes(model.build())
    return compile_model(file)


def test_a_join_in_a_join_is_no_copy(run_model: RunModel, tmp_path: Path) -> None:
    model = joining(3, 1, more=(2, 4))
    facts = compiled(model, tmp_path)
    assert "concatenation_s8" not in facts.kernels
    assert [one.form for one in facts.operators[-2:]] == ["written in place"] * 2
    # All of it is written into the model's output.
    assert facts.arena_bytes == 16
    stored = np.random.default_rng(1).integers(-128, 128, (20, 24), dtype=np.int8)
    relu = np.maximum(stored, 0)
    wanted = np.concatenate([np.minimum(relu, 1), np.minimum(relu, 1), relu], axis=1)
    assert np.array_equal(run_model(model, stored), wanted)


@pytest.mark.parametrize(
    "model",
    [
        joining(0, 1),  # the model's input is the caller's
        joining(1, 1),  # one place can't be two
        joining(1, 3, axis=3),  # a pixel of each in turn
        joining(1, 3, more=(4, 4)),
    ],
)
def test_other_joins_copy(model: Model, tmp_path: Path) -> None:
    assert "concatenation_s8" in compiled(model, tmp_path).kernels
