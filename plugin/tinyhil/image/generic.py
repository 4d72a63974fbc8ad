"""The task of a model: one that is known, or, for a model of no task, one made of its own sizes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tinyhil.catalog.task import Input, Own, Task
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.outputs import write_text
from tinyhil.ground.text import shown

if TYPE_CHECKING:
    from tinyhil.image.compiler import CompiledModel

_INPUTS: Final = 16
"""Random ones of a task that was made for a model."""
_BYTES: Final = 16 << 20
"""Of them all, at most."""
_NAME_CHARACTERS: Final = 24


def task_for(model: Path, compiled: CompiledModel, tasks: Mapping[str, Task]) -> Task:
    """The one task that a model fits, or one of the model's own sizes.

    Raises:
        ConfigError: it fits several tasks.
    """
    fits = [task for task in tasks.values() if _fits(task, compiled)]
    if len(fits) > 1:
        raise ConfigError(
            f"{model}: fits the tasks {', '.join(task.name for task in fits)}",
            hint="name one of them: --task " + fits[0].name,
        )
    return fits[0] if fits else _of_sizes(model, compiled, tasks)


def _fits(task: Task, model: CompiledModel) -> bool:
    results = task.results if task.result == "scores" else task.input.elements
    return not model.state_bytes and (
        (model.input.elements, model.output.elements) == (task.input.elements, results)
        and model.input.dtype in ("int8", task.input.encoding)
    )  # fmt: skip


def _of_sizes(model: Path, compiled: CompiledModel, tasks: Mapping[str, Task]) -> Task:
    """Samples are the model's input as it is, drawn at random; results are its outputs."""
    name = re.sub("[^a-z0-9]", "", model.stem.lower())[:_NAME_CHARACTERS]
    return Task(
        schema=1,
        name=f"own{name}" if name in ("", *tasks) else name,
        title=shown(model.stem),
        classes=tuple(map(str, range(compiled.output.elements))),
        input=Input.model_validate(
            {"bytes": compiled.input.size, "encoding": compiled.input.dtype}
        ),
        own=Own(
            random=max(1, min(_INPUTS, _BYTES // compiled.input.size)),
            model=model.resolve(),
            keeps_state=bool(compiled.state_bytes),
        ),
    )


def write_task(task: Task, folder: Path) -> Path:
    """Write the file of a task that was made for a model, for ``--hil-tasks FOLDER``.

    Raises:
        WriteError: it can't be written.
    """
    own = task.own
    assert own is not None
    classes = ", ".join(map(json.dumps, task.classes))
    text = f"""\
# Made by `tinyhil build` for a model of no task: random inputs, for latency and memory. They have
# no right answers. For a data set of yours, name its folder by the key `data`, in the place of
# `random`.
schema = 1
name = "{task.name}"
title = {json.dumps(task.title, ensure_ascii=False)}
classes = [{classes}]

[input]
bytes = {task.input.bytes}
encoding = "{task.input.encoding}"

[own]
random = {own.random}
model = {json.dumps(str(own.model), ensure_ascii=False)}
keeps_state = {"true" if own.keeps_state else "false"}
"""
    path = folder / f"{task.name}.toml"
    write_text(path, text)
    return path
