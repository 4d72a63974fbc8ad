"""A run's model, compiled for this machine: once, for its MACs and for its answers."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tinyhil.catalog.task import Task
from tinyhil.ground.extras import part_of
from tinyhil.image.of_task import check_task

if TYPE_CHECKING:
    from tinyhil.image.compiler import CompiledModel

_NAME = "model.tflite"


def compiled_for(task: Task, model: bytes) -> CompiledModel:
    """A model of a task, for the portable kernels.

    Raises:
        ModelError: the model compiler refuses it, or it is not of the task.
        BenchError: the extra `build` is not installed.
    """
    compiled = _compiled(model)
    check_task(task, Path(_NAME), compiled)
    return compiled


@lru_cache(maxsize=2)
def _compiled(model: bytes) -> CompiledModel:
    with part_of("build", "computing answers"):
        from tinyhil.image.compiler import compile_model  # noqa: PLC0415 - of an extra
    with tempfile.TemporaryDirectory(prefix="tinyhil-model-") as folder:
        file = Path(folder) / _NAME
        file.write_bytes(model)
        return compile_model(file)
