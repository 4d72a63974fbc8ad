"""Counts the instructions of an inference, call by call, while QEMU runs it.

A plugin that is loaded into QEMU counts, see ``devices/instructions.c``. It counts blocks, at their
addresses: what those instructions are, the image tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tinyhil.catalog.board import Board
from tinyhil.catalog.cycles import FlashWaits
from tinyhil.emulator import devices
from tinyhil.emulator.program import enough, find_qemu, version_of
from tinyhil.ground.errors import BenchError
from tinyhil.image.elf import Image
from tinyhil.image.limits import places_of

MODEL: Final = "model_invoke"
"""The function of the compiled model, which calls a kernel for each operator."""
_SECOND_INTERFACE: Final = ">=9"
"""QEMU that no longer takes version 1 of the plugin interface."""


@dataclass(frozen=True)
class Block:
    """Instructions that QEMU ran in a row, in one call of the model."""

    call: int
    """From 0, in the order of the model's operators that compute anything."""
    address: int
    """Of the first instruction."""
    instructions: int
    ran: int
    """How often."""
    left: int
    """How often it went on elsewhere than behind its last instruction."""


@dataclass(frozen=True)
class Fetches:
    """Reads of flash that the caches did not serve, in one call of the model."""

    jumps: int
    """For code that did not follow what ran before."""
    next: int
    """For code in a row."""
    data: int


@dataclass(frozen=True)
class Counts:
    """Of one inference."""

    blocks: tuple[Block, ...]
    fetches: tuple[Fetches, ...]
    """By call."""

    @property
    def instructions(self) -> int:
        """Of the whole inference."""
        return sum(block.instructions * block.ran for block in self.blocks)


def plugin(board: Board, image: Image, flash: FlashWaits, out: Path) -> str:
    """What QEMU's option ``-plugin`` takes, to count each inference of an image into `out`.

    Args:
        board: an emulated one.
        image: our firmware.
        flash: whose caches are played beside the count.
        out: a file, whose folder is there; each inference replaces it.

    Raises:
        BenchError: there is no QEMU for the board, or no C compiler.
        FirmwareError: the image has no model of ours.
    """
    assert board.emulator is not None, "an emulated board"
    program = find_qemu(board.emulator.qemu, board.name)
    interface = 2 if enough(version_of(program), _SECOND_INTERFACE) else 1
    model, code = image.symbol(MODEL), places_of(board).code
    options = {
        "out": str(out).replace(",", ",,"),
        "from": model.address & ~1,
        "bytes": model.size,
        "flash-from": code.start,
        "flash-to": code.start + code.size,
        "fetch": flash.fetch_bytes,
        "code-lines": flash.code_lines,
        "data-lines": flash.data_lines,
    }
    made = str(devices.counter(interface, board.name)).replace(",", ",,")
    return ",".join((made, *(f"{name}={value}" for name, value in options.items())))


def read_counts(out: Path) -> Counts:
    """What was counted of the last inference.

    Raises:
        BenchError: nothing was, or the file is damaged.
    """
    blocks, fetches = [], []
    try:
        for line in out.read_text(encoding="utf-8").splitlines():
            name, _, *numbers = line.split()
            if name == "block":
                blocks.append(Block(*map(int, line.split()[1:])))
            else:
                fetches.append(Fetches(*map(int, numbers)))
    except (OSError, ValueError, TypeError) as error:
        raise BenchError(
            f"the instructions of the inference were not counted: {error}",
            hint="see whether the board ran the model at all, and whether the disk is full",
        ) from error
    return Counts(tuple(blocks), tuple(fetches))
