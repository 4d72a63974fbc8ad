"""Builds the firmware's core for this machine: a task's replayed device, see `native`.

One call of the C compiler, without CMake and without a cross compiler. What was built is kept under
the sum of all that went into it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock, Timeout

from tinyhil.catalog.task import Task
from tinyhil.ground.errors import BenchError, FirmwareError
from tinyhil.ground.files import writing_to
from tinyhil.ground.paths import FIRMWARE
from tinyhil.ground.processes import run_compiler

_COMPILER = "cc"
_FLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE")
_SANITIZERS = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
_BUILD_S = 120.0
_SHOWN_LINES = 30

_CORE = FIRMWARE / "core"
_PORT = FIRMWARE / "ports" / "host"
_ENGINE = FIRMWARE / "engines" / "compiled"
_INCLUDES = (
    *(_CORE, _CORE / "include", _ENGINE, FIRMWARE / "ports", _PORT),
    FIRMWARE / "kernels" / "include",
)

_DEVICE = ("../main.c", "main.c", "port.c", "line.c", "replay.c")
_FUZZER = ("fuzz.c", "fuzz_input.c")
"""Files of the host's port that make a program."""


def build(task: Task, folder: Path, *, sanitize: bool = False) -> Path:
    """Build the replayed device of a task.

    Args:
        task: whose shapes, encoding and results it has.
        folder: keeps what was built; several processes may share it.
        sanitize: with the address and undefined-behaviour sanitizers; what they find ends it.

    Returns:
        The program.

    Raises:
        BenchError: there is no C compiler.
        WriteError: the folder can't be written.
        FirmwareError: the build fails.
    """
    return _build(task, folder, _DEVICE, {"rtt.c"}, sanitize=sanitize)


def build_fuzzer(task: Task, folder: Path) -> Path:
    """Build the program that feeds damaged input to a task's core, with sanitizers.

    See `build`, and ``firmware/ports/host/fuzz.c`` for its command line.
    """
    return _build(task, folder, _FUZZER, {"rtt.c", "tinyhil.c"}, sanitize=True)


def _build(
    task: Task, folder: Path, port: tuple[str, ...], replaced: set[str], *, sanitize: bool
) -> Path:
    """Build a program of files of the port and of the core, except those that `port` replaces."""
    compiler = shutil.which(_COMPILER)
    if compiler is None:
        raise BenchError(
            f"there is no C compiler for this machine: no program '{_COMPILER}'",
            hint="on Debian: apt install gcc libc6-dev",
        )
    sources = [
        *(path for path in sorted(_CORE.glob("*.c")) if path.name not in replaced),
        *(_PORT / name for name in port),
        _ENGINE / f"input_{task.input.encoding.replace('int16', 'int8')}.c",  # as they are
        _ENGINE / f"result_{task.result}.c",
    ]
    arguments = [
        *(*_FLAGS, *(_SANITIZERS if sanitize else ())),
        *(f"-D{name}={value}" for name, value in _definitions(task).items()),
        *(f"-I{folder}" for folder in _INCLUDES),
    ]
    target = folder / f"{task.name}-{Path(port[-1]).stem}-{_digest(compiler, arguments)}"
    if target.exists():
        return target
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            # Many devices may be started at once; the first one builds.
            with FileLock(f"{target}.lock", timeout=2 * _BUILD_S):
                if not target.exists():
                    part = target.with_suffix(".part")
                    _run([compiler, *arguments, *map(str, sources), "-lm", "-o", str(part)], task)
                    part.replace(target)
        except Timeout as error:
            raise BenchError(
                f"{target}: another build has held this file for {2 * _BUILD_S:g} s",
                hint="end that process, then try again",
            ) from error
    return target


def _definitions(task: Task) -> dict[str, str]:
    """Macros of the task, for the firmware and for the host port's model_config.h."""
    size = task.input.elements
    element = task.input.inference_bytes // size
    return {
        "HIL_TASK": f'"{task.name}"',
        "HIL_SAMPLE_ELEMENT": str(element),
        "HIL_EXTENSION": "1",
        "MODEL_INPUT_BYTES": str(size),
        "MODEL_OUTPUT_COUNT": str(task.results if task.result == "scores" else size),
        # The port has a `main` of its own, which reads the command line.
        "main": "firmware_main",
    }


def _digest(compiler: str, arguments: list[str]) -> str:
    """Sum of the compiler's version, its arguments and every file that it may read."""
    version = subprocess.run([compiler, "--version"], capture_output=True, check=False).stdout
    read = [file for folder in _INCLUDES for file in sorted(folder.rglob("*.[ch]"))]
    whole = hashlib.sha256(version)
    for part in (*map(os.fsencode, arguments), *(file.read_bytes() for file in read)):
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()[:16]


def _run(command: list[str], task: Task) -> None:
    try:
        done = run_compiler(command, _BUILD_S)
    except subprocess.TimeoutExpired as error:
        raise FirmwareError(
            f"the program that plays '{task.name}' was not built in {_BUILD_S:g} s",
            hint="check what else keeps this machine busy, then try again",
            stage="build",
        ) from error
    if done.returncode != 0:
        output = "\n".join(done.stderr.strip().splitlines()[-_SHOWN_LINES:])
        raise FirmwareError(
            f"the program that plays '{task.name}' can't be built:\n{output}",
            hint="the compiler's message above names the place; sanitizers need libasan, libubsan",
            stage="build",
        )
