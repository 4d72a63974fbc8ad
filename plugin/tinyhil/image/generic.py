"""The task of a model: one that is known, or, for a model of no task, one made of its own sizes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tinyhil.catalog.task import Input, Own, Task
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.extras import part_of
from tinyhil.ground.text import shown

if TYPE_CHECKING:
    from tinyhil.image.compiler import CompiledModel

GENERIC = "own"
"""Name of a task that was made for a model."""


def task_for(model: Path, tasks: Mapping[str, Task]) -> Task:
    """The one task that a model fits, or one of the model's own sizes.

    Raises:
        ModelError: the model compiler refuses it.
        ConfigError: it fits several tasks.
        BenchError: the extra `build` is not installed.
    """
    with part_of("build", "building firmware"):
        from tinyhil.image.compiler import compile_model  # noqa: PLC0415 - of an extra
    compiled = compile_model(model)
    fits = [task for task in tasks.values() if _fits(task, compiled)]
    if len(fits) > 1:
        raise ConfigError(
            f"{model}: fits the tasks {', '.join(task.name for task in fits)}",
            hint="name one of them: --task " + fits[0].name,
        )
    return fits[0] if fits else _of_sizes(model, compiled)


def _fits(task: Task, model: CompiledModel) -> bool:
    results = task.results if task.result == "scores" else task.input.elements
    return not model.state_bytes and (
        (model.input.elements, model.output.elements) == (task.input.elements, results)
        and model.input.dtype in ("int8", task.input.encoding)
    )  # fmt: skip


def _of_sizes(model: Path, compiled: CompiledModel) -> Task:
    """Samples are the model's input as it is; results are its outputs."""
    return Task(
        schema=1,
        name=GENERIC,
        title=shown(model.stem),
        classes=tuple(map(str, range(compiled.output.elements))),
        input=Input.model_validate(
            {"bytes": compiled.input.size, "encoding": compiled.input.dtype}
        ),
        own=Own(data=Path("data"), model=model),
    )
