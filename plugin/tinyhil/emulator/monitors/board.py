"""The power of an emulated board while it runs: modelled, by whether its core works or sleeps.

Firmware in energy mode tells when its core sleeps and wakes and when its pin falls, each with the
time of the board's own timer; see ``firmware/ports/cmsdk/pin.h``. While it works nothing is known
until it tells the next thing; while it sleeps, its time goes on as the host's does.
"""

from __future__ import annotations

import struct
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tinyhil.emulator.monitors.instrument import Faults, Instrument
from tinyhil.emulator.monitors.lpm01a import Lpm01a
from tinyhil.emulator.monitors.timeline import Live

WORKS_W_PER_HZ = 330e-12
"""Of a core that works: 100 uA/MHz at 3.3 V, as data sheets of small microcontrollers have it."""
SLEEPS_W = 0.5e-3
"""Of a core that waits for an interrupt, clocks running."""

_RECORD = struct.Struct("<cQ")
_FALLS, _SLEEPS, _WAKES = b"E", b"S", b"W"
_LOOK_S = 0.005
_AT_ONCE = 4096 * _RECORD.size


class Feeder(threading.Thread):
    """Makes a `Live` timeline of what an emulated board tells.

    Args:
        pin: the file that grows by it.
        clock_hz: of the board's timer.
    """

    def __init__(self, pin: Path, clock_hz: float) -> None:
        super().__init__(name="modelled power", daemon=True)
        self.timeline = Live(SLEEPS_W)
        self._pin, self._clock_hz = pin, clock_hz
        self._ended = threading.Event()
        self._offset_s = self._before_s = 0.0
        self._asleep_since: float | None = time.monotonic()
        """On the host's clock; None while it works."""

    def run(self) -> None:
        """Follow the file until `stop`."""
        held = b""
        with self._pin.open("rb") as file:
            while not self._ended.is_set():
                data = file.read(_AT_ONCE)
                held += data
                whole = len(held) // _RECORD.size * _RECORD.size
                for what, ticks in _RECORD.iter_unpack(held[:whole]):
                    self._take(what, ticks / self._clock_hz)
                held = held[whole:]
                if not data:
                    self._sleep_on()
                    self._ended.wait(_LOOK_S)

    def _take(self, what: bytes, second: float) -> None:
        if second < self._before_s:  # It was reset, and counts from 0.
            self._offset_s = self.timeline.known_s
        self._before_s = second
        # Time that the host's clock has given to its sleep already is not taken back.
        self._offset_s = max(self._offset_s, self.timeline.known_s - second)
        works_w = WORKS_W_PER_HZ * self._clock_hz
        power_w = {_SLEEPS: SLEEPS_W, _WAKES: works_w}.get(what)
        self.timeline.until(second + self._offset_s, power_w, edge=what == _FALLS)
        self._asleep_since = time.monotonic() if what == _SLEEPS else None

    def _sleep_on(self) -> None:
        if self._asleep_since is not None:
            now = time.monotonic()
            self.timeline.until(self.timeline.known_s + now - self._asleep_since)
            self._asleep_since = now

    def stop(self) -> None:
        """End it."""
        self._ended.set()
        if self.is_alive():
            self.join()


class BoardMonitor:
    """A stand-in monitor in the supply of an emulated board; a context manager.

    Args:
        pin: see `Feeder`.
        clock_hz: of the board's timer.
    """

    def __init__(self, pin: Path, clock_hz: float) -> None:
        self._feeder = Feeder(pin, clock_hz)
        self._instrument: Instrument = Lpm01a(self._feeder.timeline, Faults(seed=1))
        self._stack = ExitStack()

    @property
    def port(self) -> str:
        """Path of the monitor's serial port."""
        return self._instrument.port

    def __enter__(self) -> Self:
        self._feeder.start()
        self._stack.callback(self._feeder.stop)
        self._stack.enter_context(self._instrument)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
