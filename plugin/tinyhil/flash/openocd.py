"""Flashes by OpenOCD, which has to be installed: ``program IMAGE verify reset exit``."""

from __future__ import annotations

from tinyhil.catalog.board import Board
from tinyhil.flash.command import CommandFlasher
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError


def open_flasher(board: Board, probe_uid: str, deadline: Deadline) -> CommandFlasher:
    """Put OpenOCD's command together; nothing is opened.

    Raises:
        ConfigError: nothing says which interface and target it is.
    """
    del deadline
    if not board.flash.command:
        raise ConfigError(
            f"the flash method 'openocd' of board '{board.name}' has no arguments",
            hint="name interface and target in the bench file, as in command = "
            '["-f", "board/st_nucleo_l4.cfg"]',
            board=board.name,
        )
    serial = ["-c", "adapter serial {probe}"] if probe_uid else []
    program = ["-c", "program {{image}} verify reset exit"]
    return CommandFlasher(board, probe_uid, ["openocd", *board.flash.command, *serial, *program])
