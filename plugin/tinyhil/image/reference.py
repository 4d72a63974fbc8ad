"""The reference on the host: a known model with our portable kernels, built for this machine.

What it answers is what our own firmware must answer, to the thousandth; engines that round
otherwise come near.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock

from tinyhil.catalog.task import Task
from tinyhil.ground.errors import BenchError, FirmwareError
from tinyhil.ground.files import writing_to
from tinyhil.ground.paths import FIRMWARE
from tinyhil.ground.processes import run_group
from tinyhil.image.build import compile_for

_COMPILER = "cc"
# Without fused operations, which round once where the firmware's processors round twice.
_FLAGS = ("-std=gnu11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror")
_BUILD_S, _ANSWER_S = 120.0, 600.0
_ENGINE = FIRMWARE / "engines" / "compiled"
_KERNELS = FIRMWARE / "kernels"
_CORE = FIRMWARE / "core"
_SHOWN_LINES = 20


@dataclass(frozen=True)
class Reference:
    """A program that computes a task's model."""

    task: Task
    program: Path
    macs: int
    """Multiply-accumulates of one inference."""

    def answers(self, inputs: Sequence[bytes]) -> list[tuple[float, ...]]:
        """The results of inputs, as a device reports them.

        Raises:
            BenchError: the program failed.
        """
        try:
            done = subprocess.run(
                [self.program],
                input=b"".join(inputs),
                capture_output=True,
                check=False,
                timeout=_ANSWER_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failed(self.task, str(error)) from error
        found = np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], "<i4")
        if done.returncode != 0 or len(found) != len(inputs) * self.task.results:
            raise _failed(self.task, f"it ended with {done.returncode}")
        rows = found.reshape(len(inputs), self.task.results).tolist()
        return [tuple(number / 1000 for number in row) for row in rows]


def reference(task: Task, model: Path, folder: Path) -> Reference | None:
    """Build the reference of a task's model; None without a C compiler for this machine.

    Args:
        task: whose samples and results it has.
        model: an int8 ``.tflite``.
        folder: keeps what was built; several processes may share it.

    Raises:
        ModelError: the model compiler refuses the model, or it is not of the task.
        FirmwareError: the build fails.
        WriteError: the folder can't be written.
    """
    compiler = shutil.which(_COMPILER)
    if compiler is None:
        return None
    compiled = compile_for(task, model)
    read = [
        *sorted((_KERNELS / "portable").glob("*.c")),
        *(_ENGINE / f"{name}.c" for name in (f"input_{task.input.encoding}",
                                             f"result_{task.result}")),
        _CORE / "thousandths.c",
        FIRMWARE / "ports" / "host" / "reference.c",
    ]  # fmt: skip
    sum_ = hashlib.sha256("".join(compiled.sources.values()).encode())
    for path in read:
        sum_.update(path.read_bytes())
    own = folder / f"{task.name}-{sum_.hexdigest()[:16]}"
    program = own / "reference"
    if program.exists():
        return Reference(task, program, compiled.macs)
    includes = (own, _CORE, _CORE / "include", _ENGINE, _KERNELS / "include")
    element = task.input.inference_bytes // task.input.elements
    macros = {"HIL_TASK": f'"{task.name}"', "HIL_SAMPLE_ELEMENT": element, "HIL_EXTENSION": 1}
    part = own / "reference.part"
    command = [
        *(compiler, *_FLAGS),
        *(f"-D{name}={value}" for name, value in macros.items()),
        *(f"-I{place}" for place in includes),
        *map(str, (own / "model.c", *read)),
        *("-lm", "-o", str(part)),
    ]
    with writing_to(folder):
        own.mkdir(parents=True, exist_ok=True)
        with FileLock(own / "lock", timeout=2 * _BUILD_S):
            if not program.exists():
                compiled.write(own)
                _build(task, command)
                part.replace(program)
    return Reference(task, program, compiled.macs)


def _build(task: Task, command: Sequence[str]) -> None:
    try:
        done = run_group(command, _BUILD_S)
    except subprocess.TimeoutExpired as error:
        raise _unbuilt(task, f"not done in {_BUILD_S:g} s") from error
    if done.returncode != 0:
        raise _unbuilt(task, "\n".join(done.stderr.strip().splitlines()[-_SHOWN_LINES:]))


def _unbuilt(task: Task, why: str) -> FirmwareError:
    return FirmwareError(
        f"the reference of '{task.name}' can't be built for this machine: {why}",
        hint="the compiler's message above names the place",
        stage="build",
    )


def _failed(task: Task, why: str) -> BenchError:
    return BenchError(
        f"the reference of '{task.name}' does not answer on this machine: {why}",
        hint="remove the folder 'reference' among the builds, and try again",
    )
