"""The device under test: a station brought to life, with its probe and its serial port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tinyhil.catalog.bench import Station
from tinyhil.catalog.board import Board
from tinyhil.emulator import qemu
from tinyhil.ground.deadline import Deadline

_START_S = 20.0


@dataclass(frozen=True)
class Dut:
    """A board that can be flashed and talked to."""

    station: str
    board: Board
    probe_uid: str
    serial_url: str
    baud: int
    """Rate at which the board boots."""
    baud_max: int
    """Highest rate to try."""
    power_off: Callable[[], None] | None = None
    """Ends it for good; None where nothing here can do that."""


@contextmanager
def attached(station: Station) -> Iterator[Dut]:
    """The station's board, powered: an emulated one is started, and ended on every way out.

    Raises:
        BenchError: the emulator does not start.
    """
    board = station.board
    if station.wiring:
        wiring = station.wiring
        baud = wiring.baud or board.baud
        yield Dut(station.name, board, wiring.probe, wiring.port, baud, wiring.baud_max)
        return
    with qemu.start(board, deadline=Deadline.after(_START_S)) as emulated:
        # A pty has no rate: there is nothing to gain.
        uid, port, baud = emulated.probe_uid, emulated.serial_url, board.baud
        yield Dut(station.name, board, uid, port, baud, baud, emulated.process.stop)
