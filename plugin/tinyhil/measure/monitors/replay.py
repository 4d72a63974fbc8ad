"""Plays a trace that was recorded before, sample by sample: to try what is made of it, without its
instrument. Its figures are never exported: they are not of the device at hand.

A trace is one of a run (``….npy`` with ``….edges.npy`` beside it, and its rate), or one
of EEMBC's runner (``…-energy.bin`` with ``…-timestamps.json``).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field

from tinyhil.catalog.monitor import MonitorFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError, MonitorError
from tinyhil.ground.tree import Unreadable
from tinyhil.measure.monitors import EMPTY, Piece
from tinyhil.record.recordings import MAX_HZ, read_energies, read_stamps
from tinyhil.record.traces import Trace, read_trace

_CHUNK_S = 0.1
_LOOK_S = 0.01


class Options(MonitorFacts):
    """Keys of its table."""

    volts: float = Field(default=3.0, gt=0, le=60)
    """Supply that was; nothing is switched."""
    trace: Path
    """The file with the samples."""
    rate_hz: float = Field(default=1000.0, ge=1, le=MAX_HZ)
    """Samples a second, of a trace of a run; the other kind tells its own."""
    speed: float = Field(default=1.0, gt=0)
    """How many times faster than it was recorded."""


def open_monitor(options: Options, deadline: Deadline) -> Replay:
    """See `monitors.Kind`."""
    del deadline
    try:
        return Replay(_read(options), options)
    except (ConfigError, OSError, ValueError, Unreadable) as error:
        told = error.message if isinstance(error, ConfigError) else str(error)
        raise MonitorError(
            f"{options.trace}: cannot be played: {told}",
            hint="name a trace that was recorded, with its file of edges or stamps beside it",
        ) from error


class Replay:
    """See `monitors.Monitor`."""

    modelled = True

    def __init__(self, trace: Trace, options: Options) -> None:
        self.rate_hz = trace.rate_hz
        self.name = "replay"
        self._trace, self._speed = trace, options.speed
        self._place = 0
        self._began = Deadline.after(0.0)

    def supply(self, on: bool, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""

    def start(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        del deadline
        self._place, self._began = 0, Deadline.after(0.0)

    def read(self, deadline: Deadline) -> Piece:
        """See `monitors.Monitor`."""
        most = max(1, round(_CHUNK_S * self.rate_hz))
        end = min(self._due(), self._place + most, len(self._trace.power_w))
        while end <= self._place and not deadline.expired:
            deadline.pause(_LOOK_S)
            end = min(self._due(), self._place + most, len(self._trace.power_w))
        if end <= self._place:
            return EMPTY
        start, self._place = self._place, end
        first, last = np.searchsorted(self._trace.edges, (start, end))
        edges = tuple(int(place) - start for place in self._trace.edges[first:last])
        return Piece(np.array(self._trace.power_w[start:end]), edges)

    def stop(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""

    def close(self) -> None:
        """See `monitors.Monitor`."""

    def _due(self) -> int:
        """The place that is reached by now."""
        passed_s = Deadline.after(0.0).expires - self._began.expires
        return int(passed_s * self._speed * self.rate_hz)


def _read(options: Options) -> Trace:
    path = options.trace.expanduser()
    if path.suffix == ".npy":
        return read_trace(path.parent, path.stem, options.rate_hz)
    with path.open("rb") as file:
        rate_hz, pieces = read_energies(file)
        energies_uj = np.concatenate([np.empty(0, np.float32), *pieces])
    beside = path.with_name(path.name.replace("-energy.bin", "-timestamps.json"))
    stamps_s = np.array(read_stamps(beside.read_bytes()), np.float64)
    edges = np.rint(stamps_s * rate_hz).astype(np.int64)
    return Trace((energies_uj * np.float32(1e-6 * rate_hz)).astype(np.float32), edges, rate_hz)
