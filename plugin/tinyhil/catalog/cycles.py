"""Facts about the cycles of instructions and of reads of flash, for predictions alone."""

from __future__ import annotations

from functools import cache
from typing import Final, Literal

from pydantic import Field

from tinyhil.catalog.facts import Facts, load
from tinyhil.ground.paths import SUITES

_FILE: Final = SUITES / "cycles.toml"

Cost = Field(ge=0, le=100)


class CoreCycles(Facts):
    """Cycles of a core's instructions, without waits for memory; what is not named takes one."""

    source: str
    basis: Literal["manual", "rule of thumb"]
    note: str
    """What was left out or taken as an average."""
    error: str
    """What predictions were compared with, and how far off they were."""
    load: float = Cost
    load_next: float = Cost
    """Straight after another load or store of one register."""
    store: float = Cost
    pair: float = Cost
    """LDRD, STRD."""
    multiply: float = Cost
    multiply_add: float = Cost
    """MLA, SMLAD and their like."""
    multiply_long: float = Cost
    """With a product of 64 bits, added or not."""
    divide: float = Cost
    float_: float = Field(ge=0, le=100, alias="float")
    """Floating-point instruction of one number, but those of the next."""
    float_divide: float = Cost
    """Division and square root."""
    vector: float = Cost
    """Helium."""
    multiple: float = Cost
    """LDM, STM, PUSH, POP: more than one a register."""
    taken: float = Cost
    """More, for a jump that is taken."""
    loop: float = Cost
    """The same at the end of a low-overhead loop."""


class FlashWaits(Facts):
    """A flash memory behind small caches; both least recently used first, in sectors of a read."""

    boards: tuple[str, ...]
    """Whose flash it is."""
    source: str
    clock_hz: int = Field(gt=0)
    """That its waits belong to."""
    wait_states: int = Field(ge=0, le=63)
    """Of each read that no cache serves."""
    code_lines: int = Field(ge=1, le=64)
    """Of 32 bytes each, as the next."""
    data_lines: int = Field(ge=1, le=64)
    fetch_bytes: int = Field(ge=4, le=32)
    """That one read brings."""
    prefetch: bool
    """Whether code in a row is read ahead, so that nothing waits for it."""


def waiting_flash(board: str, wait_states: int | None) -> FlashWaits | None:
    """The flash of a board, if reading it waits.

    Args:
        board: its name.
        wait_states: of each read; None: as it is known of the board.

    Raises:
        ConfigError: the file with the facts is damaged.
    """
    flash = load_cycles().flash
    if wait_states is not None:
        flash = flash.model_copy(update={"wait_states": wait_states})
    elif board not in flash.boards:
        return None
    return flash if flash.wait_states else None


class CycleFile(Facts):
    """The whole of ``suites/cycles.toml``."""

    schema_version: Literal[1] = Field(alias="schema")
    cores: dict[str, CoreCycles]
    """By the name that a board's file has for the core."""
    flash: FlashWaits


@cache
def load_cycles() -> CycleFile:
    """The facts that come with the package; the compiler asks for them operator by operator.

    Raises:
        ConfigError: the file is damaged.
    """
    return load(_FILE, CycleFile)
