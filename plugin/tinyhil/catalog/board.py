"""Facts about board types, read from ``boards/*.toml``.

What is wired to this desk (probe, port) is not a fact about a type: see `bench`.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from tinyhil.catalog.facts import Facts, Limit, Metric, NamedFacts, load_folders, shipped_and_own
from tinyhil.catalog.identity import OUR_TARGETS
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.paths import BOARDS


class Memory(Facts):
    """One region of the memory map; `start` and `size` in bytes."""

    name: str
    """As the data sheet calls it; errors name it."""
    start: int = Field(ge=0, lt=1 << 32, multiple_of=4)
    """First address."""
    size: int = Field(gt=0, le=1 << 32)
    """In bytes."""
    kind: Literal["flash", "ram"]
    """What a segment there counts as: code and constants, or data."""
    variables: bool = False
    """Of a RAM that is not the first: it takes our firmware's stack and variables, so that the
    first one is left to the model's arena and the input buffer."""
    constants: bool = False
    """Of a flash that is not the first: it takes a model's weights, where the first one has no room
    for them beside our firmware's code."""

    @property
    def end(self) -> int:
        """First address after the region."""
        return self.start + self.size

    @model_validator(mode="after")
    def _has_addresses(self) -> Self:
        if self.end > 1 << 32:
            raise ValueError(f"'{self.name}' goes beyond the last address of a 32-bit core")
        return self


class Toolchain(Facts):
    """How firmware for this board is compiled."""

    prefix: str
    """Of the cross compiler's programs, as in ``arm-none-eabi-``."""
    flags: tuple[str, ...]
    """Core selection for compiler and linker."""
    kernels: tuple[str, ...] = ()
    """Folders of ``firmware/kernels`` that are looked into before ``portable``, best first."""


class Part(Facts):
    """How to know the chip: a word that it holds."""

    address: int = Field(ge=0, lt=1 << 32, multiple_of=4)
    """Where."""
    mask: int = Field(gt=0, lt=1 << 32)
    """The bits that count."""
    value: int = Field(ge=0, lt=1 << 32)
    """What they are in this board's chip."""

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.value & ~self.mask:
            raise ValueError(f"'value' has bits that 'mask' ({self.mask:#x}) leaves out")
        return self


class FlashFacts(Facts):
    """How an image gets onto this board."""

    method: str = "pyocd"
    """Name of a module in ``tinyhil.flash``, or of what another package brings, or ``none``: the
    board is measured as it is."""
    target: str = ""
    """pyOCD's name of the target; needed by that method alone."""
    pack: str | None = None
    """Path of a CMSIS pack, for targets that are not built into pyOCD."""
    part: Part | None = None
    """Looked at before anything is programmed, so that no other chip is."""
    frequency_hz: int = Field(default=4_000_000, gt=0)
    """Of the debug probe's clock."""
    command: tuple[str, ...] = ()
    """Of the method ``command``: program and arguments, with ``{image}`` and ``{probe}`` in them;
    of ``openocd``: arguments that choose interface and target, such as ``-f FILE``."""
    drive: str = ""
    """Of the method ``drive``: where the board's drive is, a folder."""
    reset: tuple[str, ...] = ()
    """A command that resets the board, for methods that can't."""
    timeout_s: float = Field(default=120.0, gt=0, le=3600)
    """Of a command, or of a drive to take the image."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Keys of a method that another package brings."""


NO_FLASH = "none"
"""The method of a board that is measured as it is."""


class EmulatorFacts(Facts):
    """How QEMU plays this board."""

    machine: str
    """QEMU's name of the machine."""
    icount_shift: int = Field(ge=0, le=10)
    """An instruction takes 2**shift ns of emulated time."""
    qemu: str = Field(default="", pattern=r"^(>=[0-9]{1,3}(\.[0-9]{1,3})?)?$")
    """Version of QEMU that plays it, as in ``>=9``; empty: any."""
    devices: str = Field(default="", pattern=r"^[a-z0-9]*$")
    """What QEMU's machine lacks: a name of ``tinyhil/emulator/devices``, loaded into it."""
    device_options: dict[
        Annotated[str, Field(pattern=r"^[a-z]+$")],
        Annotated[int, Field(strict=True, ge=0, lt=1 << 32)],
    ] = Field(default_factory=dict)
    """Of these devices, to break them on purpose: ``worn``, a page that no longer erases …"""
    flash_controller: bool = False
    """Whether flash is changed through the chip's own controller alone, so that pyOCD programs it
    by the chip's flash algorithm; else the machine's flash is RAM."""
    probe: Literal["virtual", "cmsis-dap"] = "virtual"
    """The debug probe: ``virtual`` begins at pyOCD's own interface for probes, ``cmsis-dap`` is a
    USB device below pyOCD's own driver."""

    @property
    def instruction_s(self) -> float:
        """Emulated seconds that one instruction takes."""
        return float(2**self.icount_shift) * 1e-9


class Board(NamedFacts):
    """A board type."""

    schema_version: Literal[1] = Field(alias="schema")
    """Version of the file's form."""
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """As the file's: small letters, digits and ``-``."""
    title: str
    """Its name for people."""
    processor: str
    """As a results table shows it, with its maker."""
    core: str
    """As GCC's ``-mcpu`` calls it."""
    clock_hz: int = Field(gt=0, lt=1 << 32)
    """Of the timer behind the device's time stamps, in Hz."""
    port: str | None = None
    """Folder of ``firmware/ports``, or with a ``/`` in it one of the user's own, relative to the
    board's file; without one the reference firmware does not run on it, and images are the
    user's own."""
    baud: int = Field(default=115200, gt=0, lt=1 << 32)
    """At which the firmware's serial port starts."""
    input_buffer: Literal["benchmark", "sample"] = "benchmark"
    """What our firmware keeps memory for: the benchmark's largest sample (27,648 bytes), as its
    protocol has it, or no more than the model needs, on a board with little RAM."""
    memory: tuple[Memory, ...] = Field(min_length=1)
    """The memory map; the first flash takes the code, the first RAM the data, or the larger part
    of it, see `variables`."""
    toolchain: Toolchain
    """How firmware is compiled."""
    flash: FlashFacts
    """How an image gets onto the board."""
    emulator: EmulatorFacts | None = None
    """How QEMU plays it; a physical board has no such table."""
    limits: dict[str, dict[Metric, Limit]] = Field(default_factory=dict)
    """Limits by task and metric."""

    @model_validator(mode="after")
    def _has_a_target_of_its_own(self) -> Self:
        """Where flash is RAM, pyOCD is taught the target, which must be none that it knows."""
        taught = self.emulator is not None and not self.emulator.flash_controller
        if taught and self.flash.target and not self.flash.target.startswith(OUR_TARGETS):
            raise ValueError(
                f"'flash.target' of an emulated board without 'flash_controller' begins with "
                f"{OUR_TARGETS}"
            )
        return self

    @field_validator("memory")
    @classmethod
    def _lies_apart(cls, memory: tuple[Memory, ...]) -> tuple[Memory, ...]:
        for one, other in pairwise(sorted(memory, key=lambda region: region.start)):
            if other.start < one.end:
                raise ValueError(
                    f"'{one.name}' ({one.start:#x} to {one.end - 1:#x}) and '{other.name}' "
                    f"({other.start:#x} to {other.end - 1:#x}) overlap"
                )
        return memory

    def placed(self, folder: Path) -> Board:
        """The board with the port of its own below `folder`, where its file is."""
        if self.port is None or "/" not in self.port:
            return self
        return self.model_copy(update={"port": (folder / self.port).resolve().as_posix()})

    @property
    def emulated(self) -> bool:
        """Whether its times are instruction counts."""
        return self.emulator is not None

    @property
    def on_desks(self) -> bool:
        """Whether a physical one is flashed as this file says: where the emulator's flash is plain
        RAM, it is not."""
        return self.emulator is None or self.emulator.flash_controller

    def physical(self) -> Board:
        """The same type on a desk, which no emulator plays."""
        return self.model_copy(update={"emulator": None}) if self.on_desks else self


def load_boards(own: Path | None = None) -> dict[str, Board]:
    """All board types by name: those that tinyhil brings, and the user's own.

    Args:
        own: folder of the user's; by default what ``[tool.tinyhil]`` names, if it does.

    Raises:
        ConfigError: as `facts.load_folders`.
    """
    folders = shipped_and_own(BOARDS, own, "boards")
    boards = load_folders(folders, Board)
    return {name: board.placed(folders[-1]) for name, board in boards.items()}


def named_board(name: str) -> Board:
    """The board type of this name.

    Raises:
        ConfigError: there is none, or as `load_boards`.
    """
    boards = load_boards()
    if name not in boards:
        raise ConfigError(
            f"no board '{name}'; known: {', '.join(boards)}",
            hint="correct the name, or add boards/<name>.toml",
        )
    return boards[name]
