"""``tinyhil emulate``: a board that stays until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from tinyhil.catalog.board import Board
from tinyhil.emulator.qemu import EmulatedBoard, start
from tinyhil.ground.deadline import Deadline

_START_S = 30.0


def emulate(board: Board, tell: Callable[[EmulatedBoard], None]) -> NoReturn:
    """Start a board, tell how to reach it, and wait for Ctrl-C, which raises KeyboardInterrupt.

    Raises:
        ConfigError, BenchError: as `start`; also when the board dies, as a lockup makes it.
    """
    with start(board, deadline=Deadline.after(_START_S)) as emulated:
        tell(emulated)
        emulated.process.exited.wait()
        raise emulated.death()


def describe(emulated: EmulatedBoard) -> str:
    """How to reach a board, for a person."""
    board, uid, port = emulated.board, emulated.probe_uid, emulated.serial_url
    return f"""\
{board.title} runs, empty and halted.

  serial port  {port}
  debug probe  {uid}

In another terminal:

  pyocd list
  pyocd flash --uid {uid} image.elf
  pyocd reset --uid {uid}
  pyocd commander --uid {uid}
  pyserial-miniterm {port} {board.baud}

Ctrl-C ends it."""
