"""The right answers of a model: our portable kernels, built for this machine.

They are plain C and the ones that each faster kernel must equal bit by bit, so that our firmware
gives the same thousandths on any board. The model may be a stranger's: the compiler refuses what
its kernels can't bound, and the program that it makes is held to bounds of time and memory.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from tinyhil.catalog.task import Task
from tinyhil.ground.errors import BenchError, ModelError
from tinyhil.ground.paths import FIRMWARE
from tinyhil.ground.processes import run_group
from tinyhil.image.build import compile_for

_COMPILER = "cc"
# No fused steps: they would round otherwise than the kernels of a core without them.
_FLAGS = ("-std=gnu11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror")
_BUILD_S = 300.0
_INFER_S = 5.0
"""Of one inference, at most: the largest model of the benchmark takes some hundredths."""
_BOUNDED = 'ulimit -v 1048576 -c 0; exec "$0"'
"""Runs a program with at most 1 GiB of memory."""
_ENGINE, _KERNELS, _CORE = FIRMWARE / "engines/compiled", FIRMWARE / "kernels", FIRMWARE / "core"
_INCLUDES = (_ENGINE, _KERNELS / "include", _CORE, _CORE / "include")


class Reference:
    """A model's answers; a context manager that leaves nothing behind.

    Args:
        task: of the model.
        model: an int8 ``.tflite``.

    Raises:
        ModelError: the model compiler refuses the model, or it is not of the task.
        BenchError: there is no C compiler for this machine, or the extra `build` is missing.
    """

    def __init__(self, task: Task, model: Path) -> None:
        self._task = task
        self._folder = tempfile.TemporaryDirectory(prefix="tinyhil-reference-")
        self._program = Path(self._folder.name) / "reference"
        compiler = shutil.which(_COMPILER)
        if compiler is None:
            raise BenchError(
                f"the reference needs a C compiler for this machine: no program '{_COMPILER}'",
                hint="on Debian: apt install gcc libc6-dev",
            )
        self._build(compiler, model)

    def answers(self, inputs: Sequence[bytes]) -> list[tuple[float, ...]]:
        """The results of each input, as our firmware would print them.

        Args:
            inputs: each as it is sent to a device, of one inference.

        Raises:
            BenchError: the program fails, or takes too long.
        """
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as made:
            given.writelines(inputs)
            given.seek(0)
            try:
                done = subprocess.run(
                    ["/bin/sh", "-c", _BOUNDED, str(self._program)],
                    stdin=given,
                    stdout=made,
                    stderr=subprocess.DEVNULL,
                    timeout=_BUILD_S + _INFER_S * len(inputs),
                    check=False,
                    cwd=self._folder.name,
                    env={},
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise _failed(self._task, str(error)) from error
            made.seek(0)
            results = np.frombuffer(made.read(), np.int32)
        if done.returncode or len(results) != len(inputs) * self._task.results:
            raise _failed(self._task, f"exit status {done.returncode}")
        rows = results.reshape(len(inputs), self._task.results)
        return [tuple(int(number) / 1000 for number in row) for row in rows]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()

    def _build(self, compiler: str, model: Path) -> None:
        task, generated = self._task, Path(self._folder.name) / "generated"
        compile_for(task, model).write(generated)
        element = task.input.inference_bytes // task.input.elements
        sources = [
            _ENGINE / "reference.c",
            _ENGINE / f"input_{task.input.encoding}.c",
            _ENGINE / f"result_{task.result}.c",
            _CORE / "thousandths.c",
            generated / "model.c",
            *sorted((_KERNELS / "portable").glob("*.c")),
        ]
        command = [
            *(compiler, *_FLAGS, f'-DHIL_TASK="{task.name}"', f"-DHIL_SAMPLE_ELEMENT={element}"),
            *(f"-I{folder}" for folder in (generated, *_INCLUDES)),
            *(*map(str, sources), "-lm", "-o", str(self._program)),
        ]
        try:
            done = run_group(command, _BUILD_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failed(task, str(error)) from error
        if done.returncode:
            raise ModelError(
                f"the reference of {task.name} can't be built:\n{done.stderr.strip()[-2000:]}",
                hint="the compiler's message above names the place",
            )


def _failed(task: Task, why: str) -> BenchError:
    return BenchError(
        f"the reference of {task.name} gives no answers: {why}",
        hint="check that this machine is not out of memory, then try again",
    )
