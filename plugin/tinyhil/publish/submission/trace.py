"""Energy between time stamps, from the traces that the runners keep of a power monitor."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.tree import MIB, Unreadable
from tinyhil.publish.submission.runner_json import Power, loads

MAX_BYTES = 64 * MIB
"""4.6 hours at 1 kHz."""
MAX_STAMPS = 10_000

_MARK = 0xF1
_HEADER = struct.Struct("<Bf")


@dataclass(frozen=True)
class Window:
    """What was used between two time stamps."""

    energy_j: float
    seconds: float
    """By the power monitor's clock."""


@dataclass(frozen=True)
class Trace:
    """A recording of EEMBC's runner."""

    rate_hz: float
    energies_j: NDArray[np.float64]
    """``(samples,)``, used in each period of ``1 / rate_hz``."""
    stamps_s: tuple[float, ...]

    def windows(self, count: int) -> tuple[Window, ...]:
        """Energy of the last `count` pairs of stamps: before them there is one of the set-up.

        A sample's time is the sum of the periods before it, added up one by one in double
        precision, as the runner did: one that falls between the stamps of a window counts.

        Raises:
            Unreadable: there are fewer stamps, or one lies outside the recording.
        """
        if len(self.stamps_s) < 2 * count:
            raise Unreadable(f"{len(self.stamps_s)} time stamps are too few for {count} windows")
        if not count:
            return ()
        periods = np.full(len(self.energies_j), 1.0 / self.rate_hz)
        times = np.concatenate(([0.0], np.cumsum(periods)))
        stamps = self.stamps_s[-2 * count :]
        pairs = tuple(zip(stamps[::2], stamps[1::2], strict=True))
        for start, end in pairs:
            if not 0.0 <= start < end <= times[-1]:
                raise Unreadable(f"stamps {start} s and {end} s are not a window of the recording")
        return tuple(Window(self._between(times, start, end), end - start) for start, end in pairs)

    def _between(self, times: NDArray[np.float64], start: float, end: float) -> float:
        first, last = np.searchsorted(times[:-1], (start, end))
        return float(self.energies_j[first:last].sum())


def read_trace(recording: bytes, stamps: bytes) -> Trace:
    """A recording (``-energy.bin``) and its stamps (``-timestamps.json``).

    The recording: byte 0xF1, the rate in Hz, then the energy of each sample in microjoules, all
    float32 little-endian. The stamps: seconds since its start.

    Raises:
        Unreadable: one of the two has another form.
    """
    if len(recording) < _HEADER.size or (len(recording) - _HEADER.size) % 4:
        raise Unreadable("is not a recording of EEMBC's runner: its length is odd")
    mark, rate_hz = _HEADER.unpack_from(recording)
    if mark != _MARK or not 1.0 <= rate_hz <= 1e6:
        raise Unreadable("is not a recording of EEMBC's runner: it starts differently")
    energies_j = np.frombuffer(recording, "<f4", offset=_HEADER.size).astype(np.float64) * 1e-6
    if not np.all(np.isfinite(energies_j)):
        raise Unreadable("holds samples that are not numbers")
    return Trace(rate_hz, energies_j, _stamps(loads(stamps)))


def window_of(power: Power) -> Window:
    """Energy between the last two stamps of a recording in ``results.json``.

    Raises:
        Unreadable: there are not two, or they lie outside it.
    """
    if len(power.timestamps) < 2:
        raise Unreadable("an inference has fewer than two time stamps")
    start, end = (count for _, count in power.timestamps[-2:])
    if not 0 <= start < end <= len(power.samples):
        raise Unreadable(
            f"stamps {start} and {end} are not a window of {len(power.samples)} samples"
        )
    return Window(float(np.sum(power.samples[start:end])), (end - start) / 1000)


def _stamps(values: object) -> tuple[float, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) > MAX_STAMPS:
        raise Unreadable("is not a list of time stamps")
    if not all(isinstance(value, int | float) and 0 <= value < 1e9 for value in values):
        raise Unreadable("holds time stamps that are not times")
    return tuple(float(value) for value in values)
