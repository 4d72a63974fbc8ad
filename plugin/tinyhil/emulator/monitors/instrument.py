"""What all stand-ins have in common: a pty, the clock, the samples, and what goes wrong."""

from __future__ import annotations

import os
import select
import threading
import time
import tty
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tinyhil.emulator.monitors.timeline import Timeline

_WAIT_S = 0.01
"""Between two looks at a device that is running."""
_CHUNK_S = 0.25
"""Of samples that are made together."""
_ROW = 8
"""Samples that a full buffer loses in a row."""


@dataclass(frozen=True)
class Faults:
    """What goes wrong, all of it by one seed."""

    seed: int = 0
    noise: float = 0.005
    """Of each sample, as a share of it; a real instrument always has some."""
    dropped: float = 0.0
    """Share of samples that never leave the instrument, some in a row, the rows evenly."""
    late_edge: tuple[int, float] | None = None
    """Number of an edge that is seen late, and by how many seconds."""
    missing_edge: int | None = None
    """Number of an edge that is not seen."""
    double_edge: int | None = None
    """Number of an edge that is seen twice, as that of a pin without a resistor."""
    no_supply: bool = False
    """The supply does not switch on."""
    stuck_from_s: float | None = None
    """From when on all samples are the same."""
    overrange_at_s: float | None = None
    """When the current is more than the instrument can measure."""
    drift: float = 0.0
    """By which share the instrument's clock is slow against the device's."""


NO_FAULTS = Faults()


@dataclass(frozen=True)
class Measured:
    """Samples in a row."""

    first: int
    """Number of the first one, counted with the lost ones."""
    power_w: NDArray[np.float64]
    there: NDArray[np.bool_]
    """Which of them leave the instrument."""
    edges: tuple[int, ...]
    """Places among them, in order."""
    overrange: bool


class Samples:
    """The samples of a timeline by an instrument's clock, with what goes wrong.

    Args:
        timeline: of the device.
        rate_hz: samples a second.
        faults: of the instrument.
    """

    def __init__(self, timeline: Timeline, rate_hz: float, faults: Faults) -> None:
        self._timeline = timeline
        self.rate_hz = rate_hz
        self._faults = faults
        self._random = np.random.default_rng(faults.seed)
        self._step_s = (1 + faults.drift) / rate_hz
        self._next = 0
        self._start_s = timeline.known_s if timeline.live else 0.0
        self._held: list[tuple[float, int]] = []  # Edges that are seen later than they are made.
        self._stuck_w: float | None = None

    def next(self, most: int) -> Measured | None:
        """The next samples, at most so many; None while nothing more is known."""
        known = int((self._timeline.known_s - self._start_s) / self._step_s)
        count = min(most, known - self._next)
        if count <= 0:
            return None
        first = self._next
        numbers = np.arange(first, first + count + 1, dtype=np.float64)
        times = self._start_s + numbers * self._step_s
        power_w = np.diff(self._timeline.energy_until(times)) / self._step_s
        if self._faults.no_supply:
            power_w = np.zeros(count)
        power_w *= 1 + self._faults.noise * self._random.standard_normal(count)
        self._stick(power_w, first)
        self._next += count
        return Measured(
            first,
            power_w,
            self._kept(first, count),
            self._edges(float(times[0]), float(times[-1]), count),
            self._over(first, count),
        )

    def _stick(self, power_w: NDArray[np.float64], first: int) -> None:
        begin_s = self._faults.stuck_from_s
        if begin_s is not None and (first + len(power_w)) / self.rate_hz > begin_s:
            place = max(0, int(begin_s * self.rate_hz) - first)
            self._stuck_w = float(power_w[place]) if self._stuck_w is None else self._stuck_w
            power_w[place:] = self._stuck_w

    def _kept(self, first: int, count: int) -> NDArray[np.bool_]:
        if not self._faults.dropped:
            return np.ones(count, np.bool_)
        # Evenly: by chance, a short window would lose more than its share.
        period = round(_ROW / self._faults.dropped)
        numbers = np.arange(first, first + count) - self._faults.seed * 1000 % (period // 2)
        kept: NDArray[np.bool_] = numbers % period >= _ROW
        return kept

    def _edges(self, start_s: float, end_s: float, count: int) -> tuple[int, ...]:
        faults = self._faults
        for number, second in self._timeline.edges_between(start_s, end_s):
            if number == faults.missing_edge:
                continue
            late = faults.late_edge
            self._held.append((second + (late[1] if late and late[0] == number else 0.0), number))
            if number == faults.double_edge:
                self._held.append((second + 3 * self._step_s, number))
        self._held.sort()
        seen = [second for second, _ in self._held if second < end_s]
        del self._held[: len(seen)]
        # Rounding must put none of them behind the last sample.
        return tuple(min(count - 1, int((second - start_s) / self._step_s)) for second in seen)

    def _over(self, first: int, count: int) -> bool:
        at_s = self._faults.overrange_at_s
        return at_s is not None and first <= at_s * self.rate_hz < first + count


class Instrument(threading.Thread):
    """A stand-in behind a pty; a context manager that leaves nothing behind.

    A subclass answers commands in `heard`, and makes the bytes of samples in `encoded`.

    Args:
        timeline: of the device.
        faults: of the instrument.
        speed: how many times faster than real it measures; None: as fast as it is read.
    """

    def __init__(
        self, timeline: Timeline, faults: Faults = NO_FAULTS, *, speed: float | None = None
    ) -> None:
        super().__init__(name="power monitor", daemon=True)
        self.timeline, self.faults = timeline, faults
        self._speed = speed
        self.samples: Samples | None = None
        """While it measures."""
        self.sent = 0
        """Samples that have left it."""
        self.cpu_s = 0.0
        """Processor time that it has taken."""
        self._line, self._far_end = os.openpty()
        tty.setraw(self._far_end)
        os.set_blocking(self._line, False)
        self.port = os.ttyname(self._far_end)
        """Path of its serial port; may be opened and closed at will."""
        self._ended = threading.Event()
        self._out = bytearray()
        self._began_s = 0.0

    @property
    def place(self) -> dict[str, str]:
        """Keys of a bench file's table that lead here."""
        return {"port": self.port}

    def heard(self, data: bytes) -> None:
        """Take what the host sends."""
        raise NotImplementedError

    def encoded(self, measured: Measured) -> bytes:
        """The bytes of some samples."""
        raise NotImplementedError

    def say(self, data: bytes) -> None:
        """Send bytes when the line is free."""
        self._out += data

    def begin(self, rate_hz: float) -> None:
        """Start to measure."""
        self.samples, self.sent = Samples(self.timeline, rate_hz, self.faults), 0
        self._began_s = time.monotonic()

    def run(self) -> None:
        """Serve the line until `stop`."""
        while not self._ended.is_set():
            idle = not self._out and not self._measure()
            readable, _, _ = select.select([self._line], [], [], _WAIT_S if idle else 0.0)
            if readable:
                self.heard(os.read(self._line, 4096))
            if self._out:
                select.select([self._line], [self._line], [], 0.1)
                try:
                    done = os.write(self._line, self._out)
                except BlockingIOError:
                    continue
                del self._out[:done]
            self.cpu_s = time.thread_time()

    def _measure(self) -> bool:
        """Measure some more; false where there is nothing yet."""
        if self.samples is None:
            return False
        most = max(1, int(_CHUNK_S * self.samples.rate_hz))
        if self._speed is not None:
            due_s = (time.monotonic() - self._began_s) * self._speed
            most = min(most, int(due_s * self.samples.rate_hz) - self.sent)
        measured = self.samples.next(most) if most > 0 else None
        if measured is None:
            return False
        self.sent += len(measured.power_w)
        self._out += self.encoded(measured)
        return True

    def stop(self) -> None:
        """End it."""
        self._ended.set()
        if self.is_alive():
            self.join()
        os.close(self._line)
        os.close(self._far_end)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
