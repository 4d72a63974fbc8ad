"""Which emulated boards run on this machine, started by any of this user's processes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from tinyhil.catalog.board import Board, Memory
from tinyhil.catalog.facts import Facts
from tinyhil.emulator.runtime import BOARD_FILE, live_folders


class RunningBoard(Facts):
    """What a debugger in another process needs to know of an emulated board."""

    folder: Path
    """Holds ``board.json`` and the sockets of gdb stub and QMP."""
    name: str
    title: str
    core: str
    target: str
    """pyOCD's name of the target."""
    memory: tuple[Memory, ...]
    flash_controller: bool
    """See `EmulatorFacts`, as for the next."""
    devices: str
    probe: Literal["virtual", "cmsis-dap"]
    serial_url: str
    """For ``serial.serial_for_url``."""
    pid: int
    """Of QEMU; for people, nothing is decided by it."""

    @property
    def probe_uid(self) -> str:
        """Unique id of the virtual probe."""
        return self.folder.name


def publish(folder: Path, board: Board, serial_url: str, pid: int) -> RunningBoard:
    """Make a board that has just started known to `running_boards`."""
    assert board.emulator is not None
    running = RunningBoard(
        folder=folder,
        name=board.name,
        title=board.title,
        core=board.core,
        target=board.flash.target,
        memory=board.memory,
        flash_controller=board.emulator.flash_controller,
        devices=board.emulator.devices,
        probe=board.emulator.probe,
        serial_url=serial_url,
        pid=pid,
    )
    draft = folder / f".{BOARD_FILE}"
    draft.write_text(running.model_dump_json(exclude={"folder"}), encoding="utf-8")
    draft.rename(folder / BOARD_FILE)
    return running


def running_boards() -> list[RunningBoard]:
    """Every emulated board of this user that is alive and ready; never raises."""
    boards = (_read(folder) for folder in live_folders())
    return [board for board in boards if board is not None]


def _read(folder: Path) -> RunningBoard | None:
    """None for a board that is still starting, or was written by another version."""
    try:
        values = json.loads((folder / BOARD_FILE).read_text(encoding="utf-8"))
        return RunningBoard.model_validate({**values, "folder": os.fspath(folder)})
    except (OSError, ValueError, TypeError, ValidationError):
        return None
