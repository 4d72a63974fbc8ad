"""What `tinyhil doctor`, `boards` and `build` answer to programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tinyhil.ground.answer import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from tinyhil.catalog.board import Board
    from tinyhil.cli.doctor import Check
    from tinyhil.image.build import Firmware
    from tinyhil.image.check import Comparison
    from tinyhil.image.compiler.compiled import InArena, ModelStep, OperatorSummary
    from tinyhil.measure.profile import Profile


@dataclass(frozen=True)
class Doctor(Answer):
    """What this machine has and lacks; the exit status is 1 if `missing` is not 0."""

    checks: tuple[Check, ...]
    """Everything that was looked for."""
    missing: int
    """How many were not found."""
    not_tried: int
    """How many were found in a version that was not tested; this is not an error."""


@dataclass(frozen=True)
class BoardRow:
    """A board type."""

    name: str
    """For `--hil-board` and `--board`."""
    processor: str
    """As a results table shows it."""
    title: str
    """Its name for people."""
    core: str
    """The core alone."""
    clock_hz: int
    """Of the timer behind its time stamps, in Hz."""
    flash_bytes: int
    """All flash of the memory map."""
    ram_bytes: int
    """All RAM of the memory map."""
    emulated: bool
    """Whether its times are instruction counts."""

    @classmethod
    def of(cls, board: Board) -> Self:
        """Of a board's facts."""
        flash, ram = (
            sum(memory.size for memory in board.memory if memory.kind == kind)
            for kind in ("flash", "ram")
        )
        return cls(
            board.name,
            board.processor,
            board.title,
            board.core,
            board.clock_hz,
            flash,
            ram,
            board.emulated,
        )


@dataclass(frozen=True)
class Boards(Answer):
    """The board types that are known."""

    boards: tuple[BoardRow, ...]
    """By name."""


@dataclass(frozen=True)
class Suites(Answer):
    """Where the benchmark's tests are."""

    folder: Path
    """For pytest."""


@dataclass(frozen=True)
class Emulated(Answer):
    """A board that runs, empty and halted, until the process that printed this ends."""

    board: str
    """Name of its type."""
    port: str
    """Its serial port, for pyserial."""
    baud: int
    """Rate of the port."""
    probe: str
    """Unique id of its debug probe, as ``pyocd list`` shows it."""


@dataclass(frozen=True)
class Built(Answer):
    """A firmware image and the model inside it."""

    board: str
    """Name of the board type."""
    task: str
    """Name of the task."""
    image: Path
    """The ELF file."""
    firmware_sha256: str
    """Of the ELF file."""
    build_id: str | None
    """What the linker made of its content; the device answers with it."""
    model_sha256: str
    """Of the ``.tflite`` file."""
    macs: int
    """Multiply-accumulates of one inference."""
    weights_bytes: int
    """All constants of the model."""
    arena_bytes: int
    """The tensor arena: activations and working memory, without the model's input and output."""
    whole_arena_bytes: int
    """The same with the model's input and output, as other frameworks count it."""
    arena_least_bytes: int
    """What no plan of the arena can do with less than."""
    text_bytes: int
    """Code and constants of the image, as GNU ``size`` counts them."""
    data_bytes: int
    """Variables with initial values."""
    bss_bytes: int
    """Variables that start as zeros."""
    operators: tuple[OperatorSummary, ...]
    """In the order in which they run."""
    bands: int
    """In how many bands of rows the first operators are computed; 1: all at once."""
    arena_at_once_bytes: int
    """Of the arena, if they were computed at once."""
    arena: tuple[InArena, ...]
    """What is in the arena, from which step to which."""
    steps: tuple[ModelStep, ...]
    """What is computed, one after the other: operators, or bands of them."""
    checked: Comparison | None
    """What a check of the compiled model has found; None without one."""
    profile: Profile | None
    """What was counted on the emulated board; None without ``--profile``."""

    @classmethod
    def of(
        cls,
        board: Board,
        task: str,
        built: Firmware,
        checked: Comparison | None,
        profile: Profile | None,
    ) -> Self:
        """Of a finished build."""
        image, model = built.image, built.model
        return cls(
            board=board.name,
            task=task,
            image=image.path,
            firmware_sha256=image.sha256,
            build_id=image.build_id,
            model_sha256=model.sha256,
            macs=model.macs,
            weights_bytes=model.weights_bytes,
            arena_bytes=model.arena_bytes,
            whole_arena_bytes=model.whole_arena_bytes,
            arena_least_bytes=model.arena_least_bytes,
            text_bytes=image.text_bytes,
            data_bytes=image.data_bytes,
            bss_bytes=image.bss_bytes,
            operators=model.operators,
            bands=model.bands,
            arena_at_once_bytes=model.arena_at_once_bytes,
            arena=model.arena,
            steps=model.steps,
            checked=checked,
            profile=profile,
        )
