"""Hangs a board's core on purpose; see `flash.hang`."""

from __future__ import annotations

from contextlib import ExitStack

from tinyhil.catalog.board import Board
from tinyhil.flash._pyocd_errors import Warnings, translated
from tinyhil.flash._pyocd_observer import attach

FOREVER = bytes.fromhex("fee7")
"""The instruction ``b .``."""
_BELOW_STACK = 512
"""Bytes below the stack's end, where no frame is."""


def hang(board: Board, probe_uid: str) -> None:
    """See `flash.hang`."""
    with Warnings() as warnings, ExitStack() as undo:
        session = attach(board, probe_uid, warnings, undo, "sabotage")
        with translated("hanging the core", board.name, probe_uid, warnings, "sabotage"):
            core = session.target
            core.halt()
            place = (core.read_core_register("sp") - _BELOW_STACK) & ~3
            core.write_memory_block8(place, FOREVER)
            core.write_core_register("primask", 1)
            core.write_core_register("pc", place)
            core.resume()
