"""A board whose probe and port are there only while a power monitor supplies it.

The board is an emulated one that is taken for a physical one; the monitor is the stand-in of an
LPM01A in its supply, by an entry point of its own in a run of the suites.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from unittest import mock

from tinyhil.catalog.board import load_boards
from tinyhil.emulator import qemu
from tinyhil.emulator.monitors.board import Feeder
from tinyhil.emulator.monitors.lpm01a import Lpm01a
from tinyhil.emulator.monitors.timeline import Live
from tinyhil.ground.deadline import Deadline
from tinyhil.measure.monitors import Piece, lpm01a

BOARD, DIGITS = "mps2-an386", "0badcafe"
PROBE = f"{BOARD}.{DIGITS}"


class Options(lpm01a.Options):
    """Keys of its table; `port` is that of the board."""


def open_monitor(options: Options, deadline: Deadline) -> Gate:
    """See `monitors.Kind`."""
    return Gate(options, deadline)


class Gate:
    """See `monitors.Monitor`. The board is back some time after its supply."""

    rate_hz, name, modelled = 1000.0, "LPM01A of a gated board", True

    def __init__(self, options: Options, deadline: Deadline) -> None:
        self._link = Path(options.port)
        self._instrument = Lpm01a(Live(0.0))
        self._instrument.start()
        values = options.model_copy(update={"port": self._instrument.port})
        self._monitor = lpm01a.open_monitor(values, deadline)
        self.start, self.stop = self._monitor.start, self._monitor.stop
        self._coming = threading.Thread()
        self._board: qemu.EmulatedBoard | None = None
        self._feeder: Feeder | None = None
        self.supplied = 0
        """How often it was switched on."""

    def supply(self, on: bool, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        self._monitor.supply(on, deadline)
        if on:
            self.supplied += 1
            self._coming = threading.Thread(target=self._come)
            self._coming.start()
        elif self._board is not None or self._coming.is_alive():
            self._go()

    def read(self, deadline: Deadline) -> Piece:
        """See `monitors.Monitor`."""
        return self._monitor.read(deadline)

    def close(self) -> None:
        """See `monitors.Monitor`."""
        self._monitor.close()
        self._instrument.stop()

    def _come(self) -> None:
        board: Any = load_boards()[BOARD]
        # Its probe has the same name each time, as that of a real one.
        with mock.patch("secrets.token_hex", return_value=DIGITS):
            self._board = qemu.start(board, deadline=Deadline.after(60))
        self._feeder = Feeder(self._board.pin, board.clock_hz)
        self._feeder.start()
        self._instrument.timeline = self._feeder.timeline
        self._link.symlink_to(self._board.serial_url)

    def _go(self) -> None:
        self._coming.join()
        assert self._board
        assert self._feeder
        self._link.unlink()
        self._board.stop()
        self._feeder.stop()
        self._board = None
