"""What the linker is told of a board's memory, and what it says where that is too small."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tinyhil.catalog.board import Board, Memory
from tinyhil.image.limits import constants_of, no_room, places_of, too_small

if TYPE_CHECKING:
    from tinyhil.image.compiler import CompiledModel

_TOLD: Final = "/* Generated from the board's facts. */"
_CONSTANTS: Final = "SECTIONS { .constants : { *model.c.*(.rodata .rodata.*) } > CONSTANTS }"
_READ_ONLY: Final = ("CODE", "CONSTANTS")


def linker_memory(board: Board, compiled: CompiledModel | None = None) -> str:
    """The linker's memory map.

    Args:
        board: whose it is.
        compiled: a model, whose weights may be in a flash of their own; None: none of ours.
    """
    regions = _regions(board)
    if compiled and (constants := constants_of(board, compiled)):
        regions["CONSTANTS"] = constants
    lines = [
        f"    {name} ({'rx' if name in _READ_ONLY else 'rwx'}) : "
        f"ORIGIN = {memory.start:#x}, LENGTH = {memory.size:#x}"
        for name, memory in regions.items()
    ]
    alias = [] if "VARIABLES" in regions else ['REGION_ALIAS("VARIABLES", DATA)']
    moved = [_CONSTANTS] if "CONSTANTS" in regions else []
    return "\n".join([_TOLD, "MEMORY", "{", *lines, "}", *alias, *moved, ""])


def _regions(board: Board) -> dict[str, Memory]:
    """What the linker script names, see ``firmware/ports/cortex-m/cortex-m.ld``."""
    places = places_of(board)
    regions = {"CODE": places.code, "DATA": places.data, "VARIABLES": places.variables}
    return {name: one for name, one in regions.items() if name != "VARIABLES" or one != places.data}


def check_room(output: str, board: Board) -> None:
    """Say in the board's own terms what the linker says of a memory that is too small.

    Raises:
        FirmwareError: one is.
    """
    missing = [
        too_small(memory, f"{int(count):,} bytes")
        for name, memory in _regions(board).items()
        for count in re.findall(rf"region `{name}' overflowed by (\d+) bytes", output)
    ]
    if missing:
        raise no_room(board, missing)
