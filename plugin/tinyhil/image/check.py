"""Compares what the compiler made of a model for a board with the general form of the model.

Both are built for this machine from the portable kernels and fed the same random inputs: choices of
kernels, forms of weights, dead channels, and the arena's plan are tried so. The board's own twins
of the kernels are not: their tests hold them equal to the portable ones bit by bit.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.errors import BenchError, FirmwareError
from tinyhil.ground.extras import part_of
from tinyhil.ground.paths import FIRMWARE
from tinyhil.ground.processes import run_compiler

with part_of("build", "checking a model"):
    from tinyhil.image.compiler import CompiledModel, Target, compile_model

_COMPILER = "cc"
# A byte beside a buffer ends the program, as does any behaviour that C leaves open.
_FLAGS = ("-std=c11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror",
          "-fsanitize=address,undefined", "-fno-sanitize-recover=all")  # fmt: skip
_BUILD_S, _RUN_S = 300.0, 600.0
_KERNELS, _DRIVER = FIRMWARE / "kernels", FIRMWARE / "engines" / "compiled" / "compare.c"
_SHOWN_LINES = 20


@dataclass(frozen=True)
class Comparison:
    """Of the two forms of a model."""

    seed: int
    """Of the inputs."""
    inputs: int
    """That both were given."""
    differing: int
    """For how many of them an output differs; there must be none."""
    first: str
    """The first difference, in words; empty without one."""
    seconds: float
    """Building and running."""


def compare(model: Path, chosen: CompiledModel, count: int, seed: int) -> Comparison:
    """Feed random inputs to a model as it is compiled for a board, and in its general form.

    Args:
        model: a ``.tflite``.
        chosen: the same, compiled for a board.
        count: of inputs; the first two are the smallest and the largest numbers alone.
        seed: of the others.

    Raises:
        ModelError: the compiler refuses the model.
        BenchError: this machine has no C compiler.
        FirmwareError: a program can't be built, or fails.
    """
    if shutil.which(_COMPILER) is None:
        raise BenchError(
            f"a model is checked by a program for this machine: no '{_COMPILER}' on the path",
            hint="install a C compiler, on Debian the package gcc",
        )
    started = time.monotonic()
    general = compile_model(model, Target(keep_dead_channels=True))
    inputs = _inputs(general, count, seed)
    with tempfile.TemporaryDirectory(prefix="tinyhil-") as folder:
        wanted, found = (
            _outputs(one, inputs, Path(folder) / name)
            for one, name in ((general, "general"), (chosen, "chosen"))
        )
    differ = np.flatnonzero((wanted != found).any(axis=1))
    return Comparison(
        seed,
        count,
        len(differ),
        _first(wanted, found, int(differ[0])) if len(differ) else "",
        time.monotonic() - started,
    )


def outputs_here(model: CompiledModel, inputs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a compiled model makes of inputs on this machine, one after the other.

    Args:
        model: compiled for any board; the portable kernels run.
        inputs: bytes ``(count, size)``.

    Raises:
        FirmwareError: its program can't be built, or fails.
    """
    with tempfile.TemporaryDirectory(prefix="tinyhil-") as folder:
        return _outputs(model, inputs, Path(folder) / "model")


def _inputs(model: CompiledModel, count: int, seed: int) -> NDArray[np.uint8]:
    """Bytes ``(count, size)`` of the model's input."""
    random, facts = np.random.default_rng(seed), model.input
    if facts.dtype == "float32":
        floats = random.normal(0.0, 1.0, (count, facts.elements)) * random.choice(
            [0.1, 1.0, 10.0, 300.0], (count, 1)
        )
        return np.ascontiguousarray(floats, "<f4").view(np.uint8)
    made = random.integers(0, 256, (count, facts.size), np.uint8)
    kind = np.iinfo(facts.dtype)
    for place, value in enumerate((kind.min, kind.max)[:count]):
        made[place] = np.full(facts.elements, value, facts.dtype).view(np.uint8)
    return made


def _outputs(model: CompiledModel, inputs: NDArray[np.uint8], folder: Path) -> NDArray[np.uint8]:
    """Bytes ``(count, size)`` of its output, by a program that is built in a new folder."""
    model.write(folder)
    program = folder / "compare"
    kernels = [_KERNELS / "portable" / f"{name}.c" for name in model.kernels]
    sizes = {"ARENA": model.arena_bytes, "INPUT": model.input.size, "OUTPUT": model.output.size}
    command: Sequence[str] = [
        *(_COMPILER, *_FLAGS, f"-I{folder}", f"-I{_KERNELS / 'include'}"),
        *(f"-DCHECK_{name}_BYTES={max(1, size)}" for name, size in sizes.items()),
        *map(str, (folder / "model.c", _DRIVER, *kernels)),
        *("-lm", "-o", str(program)),
    ]
    try:
        built = run_compiler(command, _BUILD_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed("it can't be built", str(error)) from error
    if built.returncode:
        raise _failed("it can't be built", built.stderr)
    try:
        done = subprocess.run(
            [program], input=inputs.tobytes(), capture_output=True, timeout=_RUN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed("it does not answer", str(error)) from error
    if done.returncode or len(done.stdout) != len(inputs) * model.output.size:
        raise _failed("it ended too early", done.stderr.decode("utf-8", "replace"))
    return np.frombuffer(done.stdout, np.uint8).reshape(len(inputs), -1)


def _first(wanted: NDArray[np.uint8], found: NDArray[np.uint8], number: int) -> str:
    (place, *_) = np.flatnonzero(wanted[number] != found[number])
    ours, theirs = int(found[number, place]), int(wanted[number, place])
    return f"input {number}, byte {place} of the output: {ours}, in the general form {theirs}"


def _failed(what: str, why: str) -> FirmwareError:
    lines = why.strip().splitlines()[:_SHOWN_LINES]
    return FirmwareError(
        "\n".join([f"the model's program for this machine: {what}", *lines]),
        hint="report it with the model: the compiler must refuse a model, or be right",
    )
