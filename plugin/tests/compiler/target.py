"""A compiled model on an emulated board, as a bare-metal program that QEMU feeds over semihosting.

As a program: ``python -m compiler.target BOARD MODEL...`` in ``plugin/tests`` prints how many
instructions an inference of each model takes.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from tinyhil.catalog.board import Board, load_boards
from tinyhil.emulator.program import QEMU
from tinyhil.ground.paths import FIRMWARE
from tinyhil.image.build import require_tool
from tinyhil.image.compiler import CompiledModel, Goal, Room, Target, compile_model
from tinyhil.image.linker import linker_memory

_HERE: Final = Path(__file__).parent / "target"
_LINKER_SCRIPT: Final = FIRMWARE / "ports" / "cortex-m" / "cortex-m.ld"
_KERNELS: Final = sorted(path.stem for path in (FIRMWARE / "kernels/portable").glob("*.c"))
_TIMEOUT_S: Final = 300
_INSTRUCTION_NS: Final = 1
"""Of emulated time; so the counter of 24 bits lasts for some 500 million of them."""


@dataclass(frozen=True)
class TargetModel:
    """A compiled model and the program that runs it on an emulated board."""

    facts: CompiledModel
    board: Board
    program: Path

    def run(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """Outputs [samples, elements] for inputs [samples, ...]."""
        return self._run(inputs)[0]

    def instructions(self, inputs: NDArray[np.int8]) -> NDArray[np.int64]:
        """Instructions [samples, 1 + kernels]: of each inference, then of each kernel in it.

        All of them give or take a tick of the counter, some 40 instructions.
        """
        ticks = self._run(inputs)[1].astype(np.int64)
        return ticks * 1_000_000_000 // (self.board.clock_hz * _INSTRUCTION_NS)

    def _run(self, inputs: NDArray[np.int8]) -> tuple[NDArray[np.int8], NDArray[np.uint32]]:
        assert self.board.emulator is not None
        done = subprocess.run(
            [
                *(QEMU, "-machine", self.board.emulator.machine, "-icount", "shift=0"),
                *("-nodefaults", "-no-user-config", "-display", "none"),
                *("-semihosting-config", "enable=on,target=native", "-kernel", self.program),
            ],
            input=np.ascontiguousarray(inputs).tobytes(),
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
        size = self.facts.output.size
        calls = sum(step.kernel is not None for step in self.facts.steps)
        answers = np.frombuffer(done.stdout, np.uint8)
        complete = answers.size == len(inputs) * (size + 4 + 4 * calls)
        assert complete, f"stopped early: {done.stderr.decode()}"
        rows = answers.reshape(len(inputs), -1)
        return rows[:, :size].view(np.int8), rows[:, size:].copy().view("<u4")


@dataclass(frozen=True)
class TargetBuild:
    """The kernels, built for a board."""

    board: Board
    folder: Path

    def __call__(self, model: Path, room: Room | None = None, **wishes: Any) -> TargetModel:
        """Compile a ``.tflite`` file, with other fields of `Target`, and build the program."""
        facts = compile_model(model, Target(self.board.toolchain.kernels, **wishes), room)
        out = self.folder / f"{facts.sha256}-{facts.bands}"
        facts.write(out)
        program = out / "bare.elf"
        timed = "".join(f"TIME_KERNEL({kernel})\n" for kernel in _KERNELS)
        (out / "timed.c").write_text(f'#include "bare.h"\n{timed}', encoding="utf-8")
        toolchain = self.board.toolchain
        subprocess.run(
            [
                *(f"{toolchain.prefix}gcc", *toolchain.flags, "-O2", "-std=gnu11", "-Wall"),
                *("-Wextra", "-Werror", "-nostartfiles", "--specs=nano.specs"),
                *(f"-I{path}" for path in (out, _HERE, FIRMWARE / "kernels" / "include")),
                *(_HERE / "bare.c", out / "timed.c", out / "model.c"),
                self.folder / "kernels" / "libtinyhil_kernels.a",
                *(f"-Wl,--wrap={kernel}" for kernel in _KERNELS),
                *(f"-L{self.folder}", f"-T{_LINKER_SCRIPT}", "-o", program),
            ],
            check=True,
        )
        return TargetModel(facts, self.board, program)


def missing_tool(board: Board) -> str | None:
    """The first program that is needed and is not there."""
    tools = (QEMU, "cmake", "ninja", f"{board.toolchain.prefix}gcc")
    return next((tool for tool in tools if shutil.which(tool) is None), None)


def build_kernels(board: Board, folder: Path) -> TargetBuild:
    """Build the kernels as the firmware of `board` has them, in an empty folder."""
    toolchain = board.toolchain
    definitions = {
        "CMAKE_TOOLCHAIN_FILE": str(FIRMWARE / "cmake" / "cross.cmake"),
        "CMAKE_MAKE_PROGRAM": require_tool("ninja"),
        "TINYHIL_PREFIX": toolchain.prefix,
        "TINYHIL_FLAGS": " ".join(toolchain.flags),
        "TINYHIL_KERNEL_FOLDERS": ";".join(toolchain.kernels),
        "TINYHIL_FIRMWARE": str(FIRMWARE),
    }
    options = [f"-D{name}={value}" for name, value in definitions.items()]
    configure = ["-G", "Ninja", "-S", str(_HERE), "-B", str(folder), *options]
    for arguments in (configure, ["--build", str(folder)]):
        subprocess.run([require_tool("cmake"), *arguments], check=True, stdout=subprocess.DEVNULL)
    (folder / "board.ld").write_text(linker_memory(board), encoding="utf-8")
    return TargetBuild(board, folder)


def main() -> None:
    """Count the instructions of an inference on random inputs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("board", choices=sorted(load_boards()))
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--optimize", choices=get_args(Goal), default="speed")
    parser.add_argument("--keep-dead-channels", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build = build_kernels(load_boards()[arguments.board], Path(folder))
        for path in arguments.models:
            model = build(
                path, goal=arguments.optimize, keep_dead_channels=arguments.keep_dead_channels
            )
            shape = (3, model.facts.input.size)
            inputs = np.random.default_rng(0).integers(-128, 128, shape, np.int8)
            counts = model.instructions(inputs).mean(axis=0)
            sys.stdout.write(f"{path.stem}: {counts[0]:,.0f} instructions\n")
            called = [operator for operator in model.facts.operators if operator.kernel]
            for operator, count in zip(called, counts[1:], strict=True):
                shape_text = "x".join(map(str, operator.output_shape))
                sys.stdout.write(
                    f"{operator.index:4} {operator.name:18} {shape_text:14} "
                    f"{operator.macs:10,} MACs {count:12,.0f}\n"
                )


if __name__ == "__main__":
    main()
