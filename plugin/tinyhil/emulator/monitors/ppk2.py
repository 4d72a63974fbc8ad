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
_FULL = 14_000
"""Of the converter, from which on the next range is taken; it ends at 16,383."""
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
        ranges, converted = _converted(amperes, self._volts)
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


def _converted(
    amperes: NDArray[np.float64], volts: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Range and converter's value of each current."""
    every = []
    for place in range(5):
        linear = amperes / _UG[place] - (_S[place] * volts + _I[place])
        # What solves GS r^2 + GI r = linear.
        root = np.sqrt(np.maximum(_GI[place] ** 2 + 4 * _GS[place] * linear, 0))
        result = (root - _GI[place]) / (2 * _GS[place])
        every.append((result * _RESISTORS[place] / _STEP + _OFFSETS[place]) / 4)
    table = np.array(every)
    ranges = np.argmax(table < _FULL, axis=0)
    ranges[np.all(table >= _FULL, axis=0)] = 4
    chosen = table[ranges, np.arange(len(amperes))]
    return ranges, np.clip(np.rint(chosen), 0, 16_383).astype(np.int64)


def _metadata() -> bytes:
    rows = ["Calibrated: 0"]
    for name, values in (
        ("R", _RESISTORS), ("GS", _GS), ("GI", _GI), ("O", _OFFSETS), ("S", _S), ("I", _I),
        ("UG", _UG),
    ):  # fmt: skip
        rows += [f"{name}{place}: {value:.12g}" for place, value in enumerate(values)]
    return ("\n".join([*rows, "HW: 9173", "IA: 56", "END"]) + "\n").encode("ascii")
