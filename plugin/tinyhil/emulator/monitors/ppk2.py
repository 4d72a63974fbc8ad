"""A stand-in of Nordic's Power Profiler Kit II as a source meter: 100,000 samples a second.

A sample is a word of 32 bits: 14 of the converter, 3 of the range, 6 that count, 8 of the digital
inputs. The converter's value becomes a current by constants that the instrument tells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyhil.emulator.monitors.instrument import NO_FAULTS, Faults, Instrument, Measured
from tinyhil.emulator.monitors.timeline import Timeline

_RATE_HZ = 100_000.0
_RESISTORS = np.array([1031.64, 101.65, 10.15, 0.94, 0.043])
_OFFSETS = np.array([162.0, 158.0, 151.0, 147.0, 140.0])
_GS = np.array([0.02, 0.03, 0.05, 0.02, 0.01])
_GI = np.array([1.003, 0.998, 1.001, 0.996, 1.002])
_S = np.array([1e-9, 1e-8, 1e-8, 1e-7, 1e-7])
_I = np.array([-2e-9, 1e-8, 2e-8, 1e-7, 1e-6])
_UG = np.array([1.0, 1.001, 0.999, 1.0, 1.0])
_STEP = 1.8 / 163840
_UP, _DOWN = 14_000, 9_000
"""Of the converter, which ends at 16,383: from which on the next range is taken, and below which
the one before."""
_LENGTHS = {0x0D: 3, 0x0C: 2, 0x11: 2, 0x06: 1, 0x07: 1, 0x19: 1, 0x20: 1}
"""Bytes of each command."""


class Ppk2(Instrument):
    """See `Instrument`."""

    def __init__(
        self, timeline: Timeline, faults: Faults = NO_FAULTS, *, speed: float | None = None
    ) -> None:
        super().__init__(timeline, faults, speed=speed)
        self._held = b""
        self._volts = 0.8
        self._powered = False
        self._range = 0

    def heard(self, data: bytes) -> None:
        """See `Instrument`."""
        self._held += data
        while self._held:
            length = _LENGTHS.get(self._held[0], 1)
            if len(self._held) < length:
                return
            command, self._held = self._held[:length], self._held[length:]
            self._obey(command)

    def _ranges(self, amperes: NDArray[np.float64]) -> NDArray[np.int64]:
        """The range of each sample: how many of the four limits it is beyond, with hysteresis."""
        ranges = np.zeros(len(amperes), np.int64)
        for place in range(4):
            per_step = 4 * _STEP / _RESISTORS[place]
            up, down = amperes >= _UP * per_step, amperes < _DOWN * per_step
            ranges += _latched(up, down, self._range > place)
        return ranges

    def _obey(self, command: bytes) -> None:
        match command[0]:
            case 0x19:
                self.say(_metadata())
            case 0x0D:
                self._volts = ((command[1] - 3) * 256 + command[2] - 32 + 800) / 1000
            case 0x0C:
                self._powered = command[1] == 1
            case 0x06:
                self.begin(_RATE_HZ)
            case 0x07 | 0x20:
                self.samples = None

    def encoded(self, measured: Measured) -> bytes:
        """See `Instrument`."""
        amperes = measured.power_w / self._volts * self._powered
        ranges = self._ranges(amperes)
        converted = _converted(amperes, self._volts, ranges)
        switched = np.flatnonzero(np.diff(ranges, prepend=self._range))
        self._range = int(ranges[-1])
        # A range that was just chosen overshoots for a sample.
        converted[switched] = np.clip(converted[switched] * 1.3, 0, 16_383)
        if measured.overrange:
            ranges[-1], converted[-1] = 4, 16_383
        numbers = measured.first + np.arange(len(amperes))
        pins = np.full(len(amperes), 0xFF, np.uint32)
        for place in measured.edges:  # Low for two samples.
            pins[place : place + 2] = 0xFE
        words = (
            converted.astype(np.uint32)
            | ranges.astype(np.uint32) << 14
            | (numbers % 64).astype(np.uint32) << 18
            | pins << 24
        )
        return words[measured.there].astype("<u4").tobytes()


def _latched(above: NDArray[np.bool_], below: NDArray[np.bool_], before: bool) -> NDArray[np.bool_]:
    """Whether the last thing that happened was `above`."""
    places = np.where(above | below, np.arange(1, len(above) + 1), 0)
    last = np.maximum.accumulate(places)
    found: NDArray[np.bool_] = np.where(last > 0, above[last - 1], before)
    return found


def _converted(
    amperes: NDArray[np.float64], volts: float, ranges: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The converter's value of each current in its range."""
    gs, gi = _GS[ranges], _GI[ranges]
    linear = amperes / _UG[ranges] - (_S[ranges] * volts + _I[ranges])
    # What solves GS r^2 + GI r = linear.
    result = (np.sqrt(np.maximum(gi**2 + 4 * gs * linear, 0)) - gi) / (2 * gs)
    values = (result * _RESISTORS[ranges] / _STEP + _OFFSETS[ranges]) / 4
    found: NDArray[np.int64] = np.clip(np.rint(values), 0, 16_383).astype(np.int64)
    return found


def _metadata() -> bytes:
    rows = ["Calibrated: 0"]
    for name, values in (
        ("R", _RESISTORS), ("GS", _GS), ("GI", _GI), ("O", _OFFSETS), ("S", _S), ("I", _I),
        ("UG", _UG),
    ):  # fmt: skip
        rows += [f"{name}{place}: {value:.12g}" for place, value in enumerate(values)]
    return ("\n".join([*rows, "HW: 9173", "IA: 56", "END"]) + "\n").encode("ascii")
