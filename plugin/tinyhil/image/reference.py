"""The right answers of a model: our portable kernels, built for this machine.

They are plain C, and the ones that each faster kernel must equal bit by bit: what they answer is
what our own firmware must answer, to the thousandth; engines that round otherwise come near. The
model may be a stranger's: the compiler refuses what its kernels can't bound, and the program that
it makes is held to bounds of time and memory.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from tinyhil.catalog.task import Task
from tinyhil.ground.errors import BenchError, FirmwareError
from tinyhil.ground.files import writing_to
from tinyhil.ground.paths import FIRMWARE
from tinyhil.ground.processes import run_compiler
from tinyhil.image.build import adapter_of, compile_for

if TYPE_CHECKING:
    from tinyhil.image.compiler import CompiledModel

_COMPILER, _SHELL = "cc", "/bin/sh"
# Without fused operations, which round once where the firmware's processors round twice.
_FLAGS = ("-std=gnu11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror")
_BUILD_S, _START_S = 120.0, 120.0
_INFER_S = 5.0
"""Of one inference, at most: the largest model of the benchmark takes some hundredths."""
_BOUNDED = 'ulimit -v 1048576 -c 0; exec "$0"'
"""Runs a program with at most 1 GiB of memory."""
_ENGINE, _KERNELS, _CORE = FIRMWARE / "engines/compiled", FIRMWARE / "kernels", FIRMWARE / "core"
_SHOWN_LINES = 20


@dataclass(frozen=True)
class Reference:
    """A program that computes a task's model."""

    task: Task
    program: Path
    macs: int
    """Multiply-accumulates of one inference."""

    def answers(self, inputs: Sequence[bytes]) -> list[tuple[float, ...]]:
        """The results of each input, as a device reports them.

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
                    [_SHELL, "-c", _BOUNDED, str(self.program)],
                    stdin=given,
                    stdout=made,
                    stderr=subprocess.DEVNULL,
                    timeout=_START_S + _INFER_S * len(inputs),
                    check=False,
                    cwd=self.program.parent,
                    env={},
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise self._failed(str(error)) from error
            made.seek(0)
            said = made.read()
        if done.returncode or len(said) != 4 * len(inputs) * self.task.results:
            raise self._failed(f"it ended with {done.returncode}")
        rows = np.frombuffer(said, np.int32).reshape(len(inputs), self.task.results).tolist()
        return [tuple(number / 1000 for number in row) for row in rows]

    def _failed(self, why: str) -> BenchError:
        return BenchError(
            f"the reference of '{self.task.name}' does not answer on this machine: {why}",
            hint="check that this machine is not out of memory, then try again",
        )


def reference(task: Task, model: Path, folder: Path) -> Reference | None:
    """Compile a model and build its reference, see `reference_of`.

    Raises:
        ModelError: the model compiler refuses the model, or it is not of the task.
        BenchError: the extra `build` is missing.
        FirmwareError, WriteError: see `reference_of`.
    """
    return reference_of(task, compile_for(task, model, None), folder) if _can_build() else None


def reference_of(task: Task, compiled: CompiledModel, folder: Path) -> Reference | None:
    """Build the reference of a task's model; None without a C compiler for this machine, or
    without the shell that bounds it.

    Args:
        task: whose samples and results it has.
        compiled: its model, for the portable kernels.
        folder: keeps what was built; several processes may share it.

    Raises:
        FirmwareError: the build fails.
        WriteError: the folder can't be written.
    """
    if not _can_build():
        return None
    adapter = adapter_of(task, compiled)
    read = [
        _ENGINE / "reference.c",
        _ENGINE / f"input_{adapter}.c",
        _ENGINE / f"result_{task.result}.c",
        _CORE / "thousandths.c",
        *(_KERNELS / "portable" / f"{kernel}.c" for kernel in compiled.kernels),
    ]
    sum_ = hashlib.sha256("".join(compiled.sources.values()).encode())
    for path in read:
        sum_.update(path.read_bytes())
    own = folder / f"{task.name}-{sum_.hexdigest()[:16]}"
    program = own / "reference"
    element = task.input.inference_bytes // compiled.input.size
    part = own / "reference.part"
    command = [
        *(_COMPILER, *_FLAGS, f'-DHIL_TASK="{task.name}"', f"-DHIL_SAMPLE_ELEMENT={element}"),
        *(f"-I{place}" for place in (own, _ENGINE, _KERNELS / "include", _CORE, _CORE / "include")),
        *map(str, (own / "model.c", *read)),
        *("-lm", "-o", str(part)),
    ]
    if program.exists():
        return Reference(task, program, compiled.macs)
    with writing_to(folder):
        own.mkdir(parents=True, exist_ok=True)
        with FileLock(own / "lock", timeout=2 * _BUILD_S):
            if not program.exists():
                compiled.write(own)
                _build(task, command)
                part.replace(program)
    return Reference(task, program, compiled.macs)


def _can_build() -> bool:
    return shutil.which(_COMPILER) is not None and Path(_SHELL).exists()


def _build(task: Task, command: Sequence[str]) -> None:
    try:
        done = run_compiler(command, _BUILD_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unbuilt(task, str(error)) from error
    if done.returncode != 0:
        raise _unbuilt(task, "\n".join(done.stderr.strip().splitlines()[-_SHOWN_LINES:]))


def _unbuilt(task: Task, why: str) -> FirmwareError:
    return FirmwareError(
        f"the reference of '{task.name}' can't be built for this machine: {why}",
        hint="the compiler's message above names the place",
        stage="build",
    )
