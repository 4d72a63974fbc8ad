"""``tinyhil emulate``: a board that stays until Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from tinyhil.catalog.board import Board
from tinyhil.emulator.qemu import EmulatedBoard, start
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.text import say

_START_S = 30.0


def emulate(board: Board, *, console: Console) -> int:
    """Start a board, say how to reach it, and wait; to be called in the main thread.

    Returns:
        0 after Ctrl-C, SIGTERM or SIGHUP.

    Raises:
        ConfigError, BenchError: as `start`; also when the board dies, as a lockup makes it.
    """
    try:
        with (
            _ending_cleanly(),
            start(board, deadline=Deadline.after(_START_S)) as emulated,
        ):
            say(console, _describe(emulated))
            emulated.process.exited.wait()
            raise emulated.death()
    except KeyboardInterrupt:
        return 0


def _describe(emulated: EmulatedBoard) -> str:
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


@contextmanager
def _ending_cleanly() -> Iterator[None]:
    """Have the signals that end a process unwind it; SIGINT too, which a shell has its
    background processes ignore."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
