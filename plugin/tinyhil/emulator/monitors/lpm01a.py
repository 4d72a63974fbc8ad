"""A stand-in of ST's X-NUCLEO-LPM01A, which calls itself PowerShield.

Source: ST's user manual UM2269. That an edge shows as an information message in the binary form is
taken from its general form of metadata; the manual has no example of one.
"""

from __future__ import annotations

import re

import numpy as np

from tinyhil.emulator.monitors.instrument import NO_FAULTS, Faults, Instrument, Measured
from tinyhil.emulator.monitors.timeline import Timeline

_RATES = {"100k", "50k", "20k", "10k", "5k", "2k", "1k", "500", "200", "100", "50", "20", "10"}
_FIXED = {
    "htc", "hrc", "start", "stop", "pwr on", "pwr on nostatus", "pwr off", "trigsrc sw",
    "trigdelay 0", "acqtime inf", "acqtime 0", "eventsrc d7 fal", "eventsrc d7 ris",
    "output current", "output energy", "format ascii_dec", "format bin_hexa",
}  # fmt: skip
_BETWEEN_STAMPS = 1000
_VOLT = re.compile(r"volt (\d{4})m")
_OTHER = re.compile(r'lcd [12] ".{0,16}"|version|powershield')


class Lpm01a(Instrument):
    """See `Instrument`."""

    def __init__(
        self, timeline: Timeline, faults: Faults = NO_FAULTS, *, speed: float | None = None
    ) -> None:
        super().__init__(timeline, faults, speed=speed)
        self._held = b""
        self._volts = 3.3
        self._powered = False
        self._energy = self._binary = False
        self._rate_hz = 100.0
        self._events = 0
        self._unstamped = 0

    def heard(self, data: bytes) -> None:
        """See `Instrument`."""
        *lines, self._held = (self._held + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            if line.strip():
                self._obey(line.decode("ascii", errors="replace").strip())

    def _obey(self, command: str) -> None:
        name, _, value = command.partition(" ")
        volts = _VOLT.fullmatch(command)
        if command not in _FIXED and not (
            (name == "freq" and value in _RATES)
            or (volts and 1800 <= int(volts[1]) <= 3300)
            or _OTHER.fullmatch(command)
        ):
            self._tell(f"error {command}")
            self.say(b"Error detail: unknown command or value\r\n")
            return
        self._tell(f"ack {command}")
        if volts:
            self._volts = int(volts[1]) / 1000
        match name:
            case "freq":
                self._rate_hz = float(value.replace("k", "000"))
            case "output":
                self._energy = value == "energy"
            case "format":
                self._binary = value == "bin_hexa"
            case "pwr":
                self._powered = value.startswith("on")
            case "start":
                self._unstamped = self._events = 0
                self.begin(self._rate_hz)
            case "stop" if self.samples:
                self.samples = None
                self.say(b"\xf0\xf4\xff\xff" if self._binary else b"end\r\n")
                self._tell("Acquisition completed")

    def encoded(self, measured: Measured) -> bytes:
        """See `Instrument`."""
        power_w = measured.power_w if self._powered else np.zeros(len(measured.power_w))
        values = power_w / (self.samples_rate if self._energy else self._volts)
        made = self._words(values) if self._binary else self._lines(values)
        stamps = range(-self._unstamped % _BETWEEN_STAMPS, len(made), _BETWEEN_STAMPS)
        self._unstamped += len(made)
        marks = sorted([(place, 0) for place in stamps] + [(place, 1) for place in measured.edges])
        out, done = [], 0
        for place, edge in marks:
            out += self._left(made, measured, done, place)
            out.append(self._event() if edge else self._stamp(measured.first + place))
            done = place
        out += self._left(made, measured, done, len(made))
        if measured.overrange:
            out.append(b"\xf0\xf5\xff\xff" if self._binary else b"PowerShield > overcurrent\r\n")
        return b"".join(out)

    @staticmethod
    def _left(made: list[bytes], measured: Measured, start: int, end: int) -> list[bytes]:
        """The samples of a stretch that leave the instrument."""
        there = measured.there[start:end]
        if np.all(there):
            return made[start:end]
        return [made[start + place] for place in np.flatnonzero(there)]

    @property
    def samples_rate(self) -> float:
        """Samples a second of this measurement."""
        return self.samples.rate_hz if self.samples else self._rate_hz

    def _lines(self, values: np.ndarray) -> list[bytes]:
        """As in ``5000-09``: four digits, and a power of ten."""
        least = np.where(np.abs(values) < 1e-18, 1e-18, np.abs(values))
        exponents = np.clip(3 - np.floor(np.log10(least)), 0, 20).astype(int)
        digits = np.clip(np.rint(np.maximum(values, 0) * 10.0**exponents), 0, 9999).astype(int)
        return [b"%04d-%02d\r\n" % pair for pair in zip(digits, exponents, strict=True)]

    def _words(self, values: np.ndarray) -> list[bytes]:
        """Four bits of exponent, twelve of mantissa, the first byte first."""
        least = np.where(np.abs(values) < 1e-15, 1e-15, np.abs(values))
        exponents = np.clip(np.floor(np.log(4095 / least) / np.log(16)), 0, 14).astype(int)
        mantissas = np.clip(np.rint(np.maximum(values, 0) * 16.0**exponents), 0, 4095).astype(int)
        data = (exponents << 12 | mantissas).astype(">u2").tobytes()
        return [data[place : place + 2] for place in range(0, len(data), 2)]

    def _stamp(self, sample: int) -> bytes:
        ms = round(sample * 1000 / self.samples_rate)
        if self._binary:
            return b"\xf0\xf3" + ms.to_bytes(4, "big") + b"\x0c\xff\xff"
        return b"TimeStamp: %03ds %03dms, buff 12%%\r\n" % divmod(ms, 1000)

    def _event(self) -> bytes:
        self._events += 1
        text = b"event %d fal" % self._events
        return b"\xf0\xf2" + text + b"\xff\xff" if self._binary else text + b"\r\n"

    def _tell(self, text: str) -> None:
        self.say(f"PowerShield > {text}\r\n".encode("ascii", errors="replace"))
