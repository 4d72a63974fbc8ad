"""A station's emulated board: only ours, and with a power switch."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tinyhil.catalog.bench import Station
from tinyhil.device.lock import Hold, held
from tinyhil.device.power import Cycle
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, TakenError
from tinyhil.ground.hosts import require_linux

if TYPE_CHECKING:
    from tinyhil.emulator.qemu import EmulatedBoard

_START_S = 20.0
_TRIES = 3


class Played:
    """The board that plays a station, from `start` to `close`; each start is another process, with
    another probe and port.

    Args:
        station: which.
        plugins: of QEMU.
    """

    def __init__(self, station: Station, plugins: Sequence[str] = ()) -> None:
        self._station = station
        self._plugins = plugins
        self._running = ExitStack()
        self._killed = False
        self.board: EmulatedBoard
        """What runs now."""
        self._hold: Hold

    def start(self, deadline: Deadline | None = None) -> None:
        """Power it.

        Somebody may still hold a port of this name whose own board has just died: then that name is
        kept out of use, and another board takes the next one.

        Raises:
            TakenError, BenchError: see `lock.held` and `qemu.start`.
        """
        require_linux(f"the emulated board '{self._station.board.name}'")
        from tinyhil.emulator import qemu  # noqa: PLC0415 - only Linux can import it

        deadline = deadline or Deadline.after(_START_S)
        for attempt in range(1, _TRIES + 1):
            self.board = self._running.enter_context(
                qemu.start(self._station.board, deadline=deadline, plugins=self._plugins)
            )
            hold = held(self._station.name, self.board.probe_uid, self.board.serial_url)
            try:
                self._hold = self._running.enter_context(hold)
                return
            except TakenError:
                if attempt == _TRIES:
                    raise

    @property
    def claim(self) -> Callable[[str], None]:
        """See `Hold.claim`."""
        return self._hold.claim

    def close(self) -> None:
        """End it, and let go of it."""
        self._running.close()

    def kill(self) -> None:
        """End it for good, as one that has burnt: power does not bring it back."""
        self._killed = True
        self.board.process.stop()

    def freeze(self) -> None:
        """Let the core, the port and the probe stand still, all at once, until it loses power."""
        os.kill(self.board.pid, signal.SIGSTOP)

    def cycle(self, moved: Callable[[Played], None]) -> Cycle:
        """Its power switch; `moved` is told each time that it has another probe
        and another port."""

        def switch(deadline: Deadline) -> None:
            if self._killed:
                raise BenchError(
                    "the board has power, and stays dead", hint="it was killed on purpose"
                )
            self.close()
            self.start(deadline)
            moved(self)

        return switch
