"""Counts what an inference of our firmware runs on an emulated board, operator by operator."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tinyhil import flash
from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board
from tinyhil.catalog.cycles import CycleFile, load_cycles
from tinyhil.catalog.task import Task
from tinyhil.device.dut import attached
from tinyhil.device.links.serial import open_link
from tinyhil.device.queries.opening import asking
from tinyhil.device.session import Session
from tinyhil.emulator import counting, cycles
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, FirmwareError
from tinyhil.image.build import Firmware
from tinyhil.image.compiler.compiled import CompiledModel
from tinyhil.image.disassembly import disassemble

_TOLERANCE: Final = 0.002
"""Share by which two counts of the same instructions may differ: one is read from a timer."""
_AROUND: Final = 300
"""Instructions of a lap that are not the model's: reading the clock, an interrupt."""
_STEP_S: Final = 120.0
_LAPS: Final = 3


@dataclass(frozen=True)
class Counted:
    """An inference as it ran."""

    device: int | None
    """Instructions, as the device's own timer counts them; None of firmware without frames."""
    calls: counting.Counts
    """As the emulator counts them."""


@dataclass(frozen=True)
class OperatorCount:
    """What an operator takes, all its bands together."""

    instructions: int
    """As the emulator counted them."""
    cycles: int | None
    """Predicted from them, without waits for memory; None for a core without costs."""


@dataclass(frozen=True)
class Profile:
    """Of one inference, on an input of zeros."""

    instructions: int
    """Of all operators, and of what calls them."""
    operators: tuple[OperatorCount, ...]
    """In the order of the model's operators."""


def profile(board: Board, task: Task, built: Firmware) -> Profile:
    """Run an inference on an emulated board, and count it operator by operator.

    Raises:
        FirmwareError, BenchError, LinkError, DeviceError: it does not run.
    """
    facts = load_cycles()
    with tempfile.TemporaryDirectory(prefix="tinyhil-") as folder:
        ran = count(board, task, built, Path(folder) / "counts", facts).calls
    calls = [0] * len(ran.fetches)
    for block in ran.blocks:
        calls[block.call] += block.instructions * block.ran
    core, predicted = facts.cores.get(board.core), None
    if core is not None:
        vectors = "mve" in board.toolchain.kernels
        known = disassemble(built.image.path, board.toolchain.prefix, vectors=vectors)
        predicted = [one.cycles for one in cycles.predict(ran, known, core)]
    return Profile(ran.instructions, by_operator(built.model, calls, predicted))


def by_operator(
    model: CompiledModel, instructions: Sequence[int], predicted: Sequence[float] | None
) -> tuple[OperatorCount, ...]:
    """Calls of kernels, summed by the operator that they are of.

    Args:
        model: compiled.
        instructions: of each call, in order; where the last kernel comes back to the model, what is
            left to do there is one more.
        predicted: cycles of each call, if they are known.

    Raises:
        FirmwareError: these are not the calls of this model.
    """
    called = [step.operator for step in model.steps if step.kernel]
    called += called[-1:] * (len(instructions) == len(called) + 1)
    if len(called) != len(instructions):
        raise FirmwareError(
            f"the model calls {len(called)} kernels, the emulator has counted {len(instructions)}",
            hint="build the image again: it is of another model",
        )
    sums, costs = [0] * len(model.operators), [0.0] * len(model.operators)
    for call, operator in enumerate(called):
        sums[operator] += instructions[call]
        costs[operator] += predicted[call] if predicted else 0.0
    return tuple(
        OperatorCount(one, round(cost) if predicted else None)
        for one, cost in zip(sums, costs, strict=True)
    )


def count(board: Board, task: Task, built: Firmware, counts: Path, facts: CycleFile) -> Counted:
    """Run inferences of an input of zeros; the last one is what is counted.

    Args:
        board: an emulated one.
        task: whose samples the firmware takes.
        built: our firmware.
        counts: a file for what the emulator counts.
        facts: of the flash whose caches are played.
    """
    assert board.emulator is not None, "an emulated board"
    image = built.image
    plugins = [counting.plugin(board, image, facts.flash, counts)]
    with attached(stations({board.name: board}, None)[board.name], plugins=plugins) as dut:
        flash.flash(image, board, dut.probe_uid, Deadline.after(_STEP_S))
        session = Session(open_link(dut))
        session.synchronize(Deadline.after(_STEP_S))
        info = session.identify(Deadline.after(_STEP_S))
        with asking(session, info, dut, image, "serial") as queries:
            queries.load(bytes(task.input.inference_bytes))
            tells = info.extension is not None
            laps = queries.infer(_LAPS, 0, expected_s=None, laps=tells).laps
    ran = counting.read_counts(counts)
    if info.extension is None:
        return Counted(None, ran)
    device = round(max(laps) / info.extension.tick_hz / board.emulator.instruction_s)
    check_agreement(f"{board.name}, {task.name}", device, ran.instructions)
    return Counted(device, ran)


def check_agreement(where: str, device: int, emulator: int) -> None:
    """Hold the instructions that the device has counted against those that QEMU ran.

    Raises:
        BenchError: they are further apart than reading a clock takes.
    """
    if not 0 <= device - emulator <= _AROUND + device * _TOLERANCE:
        raise BenchError(
            f"{where}: the device took {device:,} instructions, and QEMU ran {emulator:,} of the "
            "model",
            hint="the counter does not fit this QEMU: see tinyhil/emulator/devices/instructions.c",
        )
