"""Whether a compiled model is of a task: its sizes, its types, and what it keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tinyhil.catalog.task import Task
from tinyhil.ground.errors import ModelError
from tinyhil.image.limits import check_line

if TYPE_CHECKING:
    from tinyhil.image.compiler import CompiledModel

QUANTIZED = ("int8", "int16")
"""Types that the firmware can make of samples that are floats."""


def check_task(task: Task, model: Path, compiled: CompiledModel) -> None:
    """Refuse a model that is not of the task.

    Raises:
        ModelError: see `compile_for`.
    """
    made = compiled.input.elements, compiled.output.elements
    results = task.results if task.result == "scores" else task.input.elements
    names = _counted(operator.name for operator in compiled.operators)
    if made != (task.input.elements, results):
        raise ModelError(
            f"{model}: the model makes {made[1]} numbers of {made[0]}, the task {task.name} "
            f"{results} of {task.input.elements}; all of its operators are known ({names})",
            hint="choose the model's own task, or another model",
        )
    _check_state(model, task, compiled)
    takes = compiled.input.dtype
    quantized = takes in QUANTIZED and task.input.encoding == "float32"
    if takes not in ("int8", task.input.encoding) and not quantized:
        raise ModelError(
            f"{model}: the model takes {takes}, the samples of the task {task.name} are "
            f"{task.input.encoding}",
            hint="convert the model with inference_input_type int8; or give the task samples of "
            f"{takes}, by the key `encoding`",
        )
    check_line(str(model), task, compiled)


def _check_state(model: Path, task: Task, compiled: CompiledModel) -> None:
    """Refuse what a task's samples and results have no place for.

    Raises:
        ModelError: the model keeps a state, or has several tensors where one is meant.
    """
    if compiled.state_bytes and not task.keeps_state:
        raise ModelError(
            f"{model}: the model keeps {compiled.state_bytes:,} bytes from one inference to the "
            f"next; samples of the task {task.name} are asked for in any order, and again",
            hint="build it for itself: `tinyhil build --model`; or say so in a task of its own: "
            "own.keeps_state; or convert it so that all that it needs is in its input",
        )
    quantized = compiled.input.dtype in QUANTIZED and task.input.encoding == "float32"
    several = {
        "inputs": len(compiled.inputs) > 1 and (quantized or task.result != "scores"),
        "outputs": len(compiled.outputs) > 1 and task.result != "scores",
    }
    for what in (name for name, wrong in several.items() if wrong):
        raise ModelError(
            f"{model}: the model has several {what}, a sample of the task {task.name} is one "
            "tensor of floats",
            hint="join them inside of the model, or choose the model's own task",
        )


def _counted(names: Iterable[str]) -> str:
    """Each name, and how often it is there."""
    return ", ".join(f"{name} {count:,}" for name, count in sorted(Counter(names).items()))
