"""Builds the reference firmware for a board and a model with CMake and Ninja."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from tinyhil.catalog.board import Board
from tinyhil.catalog.cycles import waiting_flash
from tinyhil.catalog.task import Task
from tinyhil.ground.errors import BenchError, ConfigError, FirmwareError, ModelError
from tinyhil.ground.extras import how_to_get, part_of
from tinyhil.ground.files import writing_to
from tinyhil.ground.paths import FIRMWARE
from tinyhil.ground.processes import run_compiler
from tinyhil.image.elf import Image, read_image
from tinyhil.image.limits import (
    arena_room,
    check_memory,
    frames_carry,
    least_input,
)
from tinyhil.image.linker import check_room, linker_memory
from tinyhil.image.of_task import QUANTIZED, check_task

if TYPE_CHECKING:
    from tinyhil.image.compiler import CompiledModel, Goal, Target

_BUILD_S = 300.0
_SHOWN_LINES = 30


@dataclass(frozen=True)
class Wishes:
    """What the model compiler is asked for."""

    goal: Goal = "speed"
    """What kernels and the form of weights are chosen for."""
    keep_dead_channels: bool = False
    """Compute what is proved constant or unread too."""
    wait_states: int | None = None
    """Of each read of flash; None: the board's, if it is known that its flash waits."""
    most_arena_bytes: int | None = None
    """The tensor arena may be no larger; None: as large as the board has room for."""

    def target(self, board: Board | None) -> Target:
        """What the compiler compiles for; without a board, the portable kernels."""
        from tinyhil.image.compiler import Target  # noqa: PLC0415 - of an extra

        kernels = kernels_of(board) if board else ()
        flash = waiting_flash(board.name if board else "", self.wait_states)
        return Target(kernels, self.goal, self.keep_dead_channels, flash)


@dataclass(frozen=True)
class Firmware:
    """A built image and the model inside it."""

    image: Image
    model: CompiledModel


def folder_of(builds: Path, board: str, task: str, data: str, *, energy: bool = False) -> Path:
    """Where runs build the reference firmware of a board with the model of a task.

    Args:
        builds: the project's folder of builds.
        board: its type.
        task: its name.
        data: the kind of its material, such as ``stand-in``.
        energy: whether it marks time by a pin.
    """
    return builds / "firmware" / board / f"{task}-{data}{'-energy' * energy}"


def build(
    board: Board,
    task: Task,
    model: Path,
    folder: Path,
    *,
    energy: bool = False,
    extension: bool = True,
    sources: Path | None = None,
    wishes: Wishes = Wishes(),
) -> Firmware:
    """Compile `model` into the reference firmware for `board`.

    Args:
        board: whose core, port and memory map are used.
        task: whose name the firmware's `profile` answers with, and whose samples it takes.
        model: an int8 ``.tflite``.
        folder: for generated sources and objects; a second build there does only what changed.
        energy: mark time by a pin's edges, for a power monitor.
        extension: speak frames too, if they carry the task's samples and results; without it, the
            firmware is as others in the field, which speak only the official protocol.
        sources: the firmware's, or a copy of them that was changed; None: ours.
        wishes: of the model compiler.

    Raises:
        ConfigError: there is no firmware of ours for the board.
        ModelError: the model compiler refuses the model, or it is not of the task.
        BenchError: a build tool is missing.
        WriteError: the folder can't be written.
        FirmwareError: the image is too large for the board, or the build fails.
    """
    port_of(board)
    compiled = compile_for(task, model, board, wishes)
    return build_compiled(
        board, task, compiled, folder, energy=energy, extension=extension, sources=sources
    )


def build_compiled(
    board: Board,
    task: Task,
    compiled: CompiledModel,
    folder: Path,
    *,
    energy: bool = False,
    extension: bool = True,
    sources: Path | None = None,
) -> Firmware:
    """The same of a model that is compiled already.

    Raises:
        ConfigError, BenchError, WriteError, FirmwareError: as `build`.
    """
    port_of(board)
    check_memory(board, task, compiled)
    speaks = extension and frames_carry(task, compiled)
    options = {
        "TINYHIL_ENERGY_MODE": "ON" if energy else "OFF",
        "TINYHIL_EXTENSION": "ON" if speaks else "OFF",
        "TINYHIL_BAUD": str(board.baud),
        "TINYHIL_INPUT_LEAST": str(least_input(board)),
    }
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # Two runs may build the same firmware at once, one for each of two equal boards.
        try:
            with FileLock(folder / "lock", timeout=_BUILD_S):
                return _build(board, task, compiled, folder, options, sources or FIRMWARE)
        except Timeout as error:
            raise BenchError(
                f"{folder}: another build has held this folder for {_BUILD_S:g} s",
                hint="end that process, then try again",
            ) from error


def port_of(board: Board) -> str:
    """The folder of ``firmware/ports`` for a board, or the path of a port of the user's own.

    Raises:
        ConfigError: there is none, or it is not there.
    """
    if board.port is None:
        raise ConfigError(
            f"board '{board.name}': tinyhil has no firmware of its own for it",
            hint="name an image of yours: --hil-firmware ELF, or a [firmware] table in the bench "
            "file; or leave out probe and flash of the station, to measure what it holds",
        )
    if not os.path.isfile(FIRMWARE / "ports" / board.port / "port.cmake"):  # noqa: PTH113 - bears any
        raise ConfigError(
            f"board '{board.name}': its port {board.port} has no port.cmake",
            hint="correct 'port' in the board's file; `tinyhil new board --port` writes such a "
            "folder",
        )
    return board.port


def kernels_of(board: Board) -> tuple[str, ...]:
    """The folders of ``firmware/kernels`` that a board has before the portable one.

    Raises:
        ConfigError: one of them is not there; else a slip of the pen would cost its speed.
    """
    folders = (FIRMWARE / "kernels").iterdir()
    known = sorted({one.name for one in folders if one.is_dir()} - {"include", "portable"})
    for name in board.toolchain.kernels:
        if name not in known:
            raise ConfigError(
                f"board '{board.name}': there are no kernels '{name}'; known: {', '.join(known)}",
                hint="correct 'toolchain.kernels' in the board's file; [] for the portable ones",
            )
    return board.toolchain.kernels


def compile_for(
    task: Task,
    model: Path,
    board: Board | None,
    wishes: Wishes = Wishes(),
) -> CompiledModel:
    """Compile a model of a task for a board's kernels, or for the portable ones alone.

    Raises:
        ModelError: the model compiler refuses it, it takes or makes another number of numbers
            than the task, takes numbers of another type, keeps a state that the task has no use
            for, or has more results than fit a line.
        BenchError: the extra `build` is not installed.
        ConfigError: there are no such kernels.
    """
    return compile_as(lambda _: task, model, board, wishes)[1]


def compile_as(
    task_of: Callable[[CompiledModel], Task],
    model: Path,
    board: Board | None,
    wishes: Wishes = Wishes(),
) -> tuple[Task, CompiledModel]:
    """Compile a model, and choose its task by what it turns out to be.

    Raises:
        ModelError, BenchError: as `compile_for`; and what `task_of` raises.
    """
    with part_of("build", "building firmware"):
        from tinyhil.image.compiler import compile_model  # noqa: PLC0415 - of an extra
    most = wishes.most_arena_bytes

    def room(made: CompiledModel) -> int:
        has = arena_room(board, task_of(made), made) if board else made.arena_bytes
        return has if most is None else min(has, most)

    compiled = compile_model(model, wishes.target(board), room)
    if most is not None and compiled.arena_bytes > most:
        raise ModelError(
            f"{model}: {most:,} bytes are allowed for the tensor arena, it needs "
            f"{compiled.arena_bytes:,}, in bands of rows too",
            hint="allow more, or choose a model of smaller activations",
        )
    task = task_of(compiled)
    check_task(task, model, compiled)
    return task, compiled


def adapter_of(task: Task, compiled: CompiledModel) -> str:
    """Which of ``firmware/engines/compiled/input_*.c`` makes the model's input of a sample."""
    encoding, takes = task.input.encoding, compiled.input.dtype
    if takes == "int8" and encoding != "int16":
        return encoding
    # What an int8 model is given as it is, others are too, if it is of their type.
    return encoding if takes in QUANTIZED and encoding == "float32" else "int8"


def _build(
    board: Board,
    task: Task,
    compiled: CompiledModel,
    folder: Path,
    options: Mapping[str, str],
    sources: Path,
) -> Firmware:
    generated = folder / "generated"
    compiled.write(generated)
    _write_if_changed(generated / "board.ld", linker_memory(board, compiled))
    compiler = require_tool(f"{board.toolchain.prefix}gcc")
    definitions = {
        "CMAKE_TOOLCHAIN_FILE": str(sources / "cmake" / "cross.cmake"),
        "CMAKE_MAKE_PROGRAM": require_tool("ninja"),
        "TINYHIL_PREFIX": compiler.removesuffix("gcc"),
        "TINYHIL_FLAGS": " ".join(board.toolchain.flags),
        "TINYHIL_KERNEL_FOLDERS": ";".join(board.toolchain.kernels),
        "TINYHIL_KERNELS": ";".join(compiled.kernels),
        "TINYHIL_PORT": port_of(board),
        "TINYHIL_TASK": task.name,
        "TINYHIL_ENCODING": adapter_of(task, compiled),
        "TINYHIL_RESULT": task.result,
        "TINYHIL_CLOCK_HZ": str(board.clock_hz),
        "TINYHIL_GENERATED": str(generated.resolve()),
        **options,
    }
    objects = folder / "objects"
    arguments = [f"-D{name}={value}" for name, value in definitions.items()]
    places = ["-S", str(sources.resolve()), "-B", str(objects.resolve())]
    _configure([require_tool("cmake"), "-G", "Ninja", *places, *arguments], objects, board)
    _run([definitions["CMAKE_MAKE_PROGRAM"], "-C", str(objects)], board)
    return Firmware(read_image(objects / "firmware.elf"), compiled)


def _configure(command: list[str], objects: Path, board: Board) -> None:
    """Have CMake write Ninja's file, unless it did so by the same command."""
    done, text = objects / "configured", "\n".join(command)
    made = done.is_file() and (objects / "build.ninja").is_file()
    if made and done.read_text(encoding="utf-8") == text:
        return
    try:
        _run(command, board)
    except FirmwareError:
        # CMake refuses a folder that was moved, or was configured by another checkout.
        _run([*command, "--fresh"], board)
    done.write_text(text, encoding="utf-8")


def require_tool(name: str) -> str:
    """Path of a program: of this virtual environment first, then of the system.

    Raises:
        BenchError: there is none.
    """
    path = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if path is None:
        hint = "run `tinyhil doctor`; it says how to get it"
        if name in ("cmake", "ninja"):
            hint = how_to_get("build")
        raise BenchError(f"program '{name}' is not installed", hint=hint)
    return path


def _run(command: list[str], board: Board) -> None:
    try:
        done = run_compiler(command, _BUILD_S)
    except subprocess.TimeoutExpired as error:
        raise FirmwareError(
            f"the build took longer than {_BUILD_S:g} s: {' '.join(command)}",
            hint="run the command by hand to see where it hangs",
            board=board.name,
            stage="build",
        ) from error
    if done.returncode != 0:
        if os.strerror(errno.ENOSPC) in done.stdout + done.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        check_room(done.stdout, board)
        output = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_SHOWN_LINES:])
        raise FirmwareError(
            f"the build failed:\n{output}",
            hint="the compiler's or linker's message above names the place",
            board=board.name,
            stage="build",
        )


def _write_if_changed(path: Path, text: str) -> None:
    """Leave an unchanged file alone, so that Ninja sees nothing to do."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
