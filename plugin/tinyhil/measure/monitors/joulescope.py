"""Joulescope JS110 and JS220, through Jetperch's driver package; the supply is a source of its own.

The instrument streams power and each of its inputs apart, both numbered by one clock: a gap in the
numbers is what was lost, and an edge may come later than the samples around it.
"""

from __future__ import annotations

import queue
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tinyhil.catalog.monitor import MonitorFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import MonitorError
from tinyhil.ground.extras import part_of
from tinyhil.ground.text import printable
from tinyhil.measure.monitors import EMPTY, Piece

_FULL_HZ = {"js110": 2_000_000, "js220": 1_000_000}
_POWER, _INPUT = "s/p", "s/gpi/{}"
_RANGE = {"js110": "s/i/range/select", "js220": "s/i/range/mode"}
_MOST_QUEUED = 4096
_MOST_LOST = 1 << 26
"""Samples in one gap: more is another clock."""


class Options(MonitorFacts):
    """Keys of its table."""

    serial: str = ""
    """Of the instrument, as it is printed on it; empty: there is one alone."""
    pin: int = Field(default=0, ge=0, le=3)
    """Of its general-purpose inputs, the one that the device's time stamp pin leads to."""
    rate_hz: int = Field(default=100_000, ge=1000, le=2_000_000)
    """Samples a second: its full rate, or an integer part of it."""


def open_monitor(options: Options, deadline: Deadline) -> Joulescope:
    """See `monitors.Kind`."""
    with part_of("energy", "a Joulescope"):
        from pyjoulescope_driver import Driver  # noqa: PLC0415 - of an extra
    driver = Driver()
    try:
        return Joulescope(driver, options, deadline)
    except BaseException:
        driver.finalize()
        raise


class Joulescope:
    """See `monitors.Monitor`."""

    modelled = False

    def __init__(self, driver: Any, options: Options, deadline: Deadline) -> None:
        self.rate_hz = float(options.rate_hz)
        self._driver, self._options = driver, options
        self._device = _chosen(list(driver.device_paths()), options.serial)
        self._model = self._device.split("/")[1]
        self.name = f"Joulescope {self._model.upper()} {self._device.rpartition('/')[2]}"
        full_hz = _FULL_HZ[self._model]
        if full_hz % options.rate_hz:
            raise MonitorError(
                f"{self.name} has no rate of {options.rate_hz} Hz",
                hint=f"choose a rate_hz that {full_hz} is a multiple of",
            )
        self._input = _INPUT.format(options.pin)
        self._queue: queue.Queue[tuple[str, Any]] = queue.Queue(_MOST_QUEUED)
        self._streams = Streams(full_hz // options.rate_hz)
        self._overrun = False
        self._ask(lambda: driver.open(self._device, "defaults", timeout=deadline.remaining()))
        self._publish("h/fs", options.rate_hz)

    def supply(self, on: bool, deadline: Deadline) -> None:
        """See `monitors.Monitor`: the current's path is closed, or opened."""
        del deadline
        self._publish(_RANGE[self._model], "auto" if on else "off")

    def start(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        del deadline
        self._streams = Streams(self._streams.step)
        for stream in (_POWER, self._input):
            topic = f"{self._device}/{stream}/!data"
            self._ask(lambda topic=topic: self._driver.subscribe(topic, "pub", self._heard))
            self._publish(f"{stream}/ctrl", 1)

    def read(self, deadline: Deadline) -> Piece:
        """See `monitors.Monitor`."""
        if self._overrun:
            raise MonitorError(
                f"{self.name} sends samples faster than they are taken",
                hint="choose a lower rate_hz, or a machine with less to do",
            )
        try:
            topic, value = self._queue.get(timeout=max(0.001, deadline.remaining()))
        except queue.Empty:
            return EMPTY
        if f"/{_POWER}/" in topic:
            return self._streams.power(value)
        self._streams.pin(value)
        return EMPTY

    def stop(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        del deadline
        for stream in (_POWER, self._input):
            self._publish(f"{stream}/ctrl", 0)
            topic = f"{self._device}/{stream}/!data"
            self._ask(lambda topic=topic: self._driver.unsubscribe(topic, self._heard))

    def close(self) -> None:
        """See `monitors.Monitor`."""
        self._driver.finalize()

    def _heard(self, topic: str, value: Any) -> None:
        """The driver's thread calls it."""
        try:
            self._queue.put_nowait((topic, value))
        except queue.Full:
            self._overrun = True

    def _publish(self, topic: str, value: object) -> None:
        self._ask(lambda: self._driver.publish(f"{self._device}/{topic}", value))

    def _ask(self, what: Any) -> None:
        try:
            what()
        except Exception as error:  # The driver raises its own, and RuntimeError, and others.
            raise MonitorError(
                f"the Joulescope refuses: {error}",
                hint="close other programs that use it, and plug it in again",
            ) from error


class Streams:
    """Two streams to samples and edges, without I/O.

    Args:
        step: numbers from one sample of power to the next.
    """

    def __init__(self, step: int) -> None:
        self.step = step
        self._next: int | None = None
        """Number of the next sample of power."""
        self._origin: int | None = None
        self._level = 1
        self._falls: list[int] = []

    def power(self, value: Any) -> Piece:
        """Take samples.

        Raises:
            MonitorError: the numbers run backwards, or another rate comes.
        """
        first, data = int(value["sample_id"]), np.asarray(value["data"], np.float32)
        if int(value["decimate_factor"]) != self.step:
            raise MonitorError(
                "the Joulescope sends another rate than was asked for", hint="plug it in again"
            )
        lost = 0 if self._next is None else (first - self._next) // self.step
        if not 0 <= lost <= _MOST_LOST:
            raise MonitorError("the Joulescope's samples run backwards", hint="plug it in again")
        begin = first - lost * self.step
        self._next = first + len(data) * self.step
        self._origin = first if self._origin is None else self._origin
        # One that was before all samples nobody knows; one that is behind them has to wait.
        come = [number for number in self._falls if number < self._next]
        self._falls = self._falls[len(come) :]
        edges = tuple((n - begin) // self.step for n in come if n >= self._origin)
        return Piece(np.concatenate((np.full(lost, np.nan, np.float32), data)), edges)

    def pin(self, value: Any) -> None:
        """Take samples of the pin, 8 in a byte, the first one the lowest bit."""
        packed: NDArray[np.uint8] = np.asarray(value["data"], np.uint8)
        bits = np.unpackbits(packed, bitorder="little").astype(np.int8)
        falls = np.flatnonzero(np.diff(bits, prepend=np.int8(self._level)) < 0)
        if len(bits):
            self._level = int(bits[-1])
        first, step = int(value["sample_id"]), int(value["decimate_factor"])
        self._falls += [first + int(place) * step for place in falls]


def _chosen(paths: list[str], serial: str) -> str:
    """The instrument that the bench file means.

    Raises:
        MonitorError: it is missing, or there are several.
    """
    known = [path for path in paths if path.split("/")[1] in _FULL_HZ]
    found = [path for path in known if not serial or path.endswith(f"/{serial}")]
    if len(found) == 1:
        return found[0]
    there = ", ".join(known) or "none"
    named = f"with the serial '{printable(serial)}' " if serial else ""
    raise MonitorError(
        f"{len(found)} Joulescopes {named}are there: {there}",
        hint="plug it in, or choose one by the key 'serial'",
    )
