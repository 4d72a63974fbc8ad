"""ST's X-NUCLEO-LPM01A, on its own virtual serial port.

As lines (``ascii_dec``) it sends the energy of each sample period, up to 10,000 a second; in binary
(``bin_hexa``) the current, up to 100,000. Once in a while it tells its own time: what is missing
until then was lost. Source: ST's user manual UM2269.
"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from tinyhil.catalog.monitor import MonitorFacts
from tinyhil.device.links.serial import SerialLink
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkError, LinkTimeoutError, MonitorError
from tinyhil.ground.text import printable
from tinyhil.measure.monitor_port import gone, on_port
from tinyhil.measure.monitors import EMPTY, Piece

_BAUD = 3_686_400
_ANSWER_S = 3.0
_MOST_HELD = 1 << 16
_MOST_W = 1.0
"""Far beyond its 50 mA: bytes were lost within a sample."""
_SAMPLE = re.compile(rb"(\d{4})([+-]\d{2})")
_STAMP = re.compile(rb"TimeStamp: (\d{1,7})s (\d{1,3})ms, buff \d{1,3}%")
_EVENT = re.compile(rb"event \d{1,10} (?:ris|fal)")
_WRONG = re.compile(rb"over ?current|error", re.IGNORECASE)
_META, _ERROR, _INFO, _TIME, _END, _OVER = 0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5
_TAIL = b"\xff\xff"


class Options(MonitorFacts):
    """Keys of its table."""

    volts: float = Field(default=3.3, ge=1.8, le=3.3)
    """Supply of the device."""
    port: str
    """Its serial port, as ``port`` of a station; ``usb:0483:5740`` is any one of its kind."""
    rate_hz: Literal[100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000] = 1000
    """Samples a second; above 10,000 only in binary."""
    format: Literal["ascii_dec", "bin_hexa"] = "ascii_dec"
    """How it sends samples."""

    @model_validator(mode="after")
    def _can(self) -> Options:
        if self.format == "ascii_dec" and self.rate_hz > 10_000:
            raise ValueError("'rate_hz' above 10000 needs format = \"bin_hexa\"")
        return self


def open_monitor(options: Options, deadline: Deadline) -> Lpm01a:
    """See `monitors.Kind`."""
    return on_port(options.port, _BAUD, deadline, lambda link: Lpm01a(link, options, deadline))


class Lpm01a:
    """See `monitors.Monitor`."""

    modelled = False

    def __init__(self, link: SerialLink, options: Options, deadline: Deadline) -> None:
        self.rate_hz = float(options.rate_hz)
        self.name = "X-NUCLEO-LPM01A"
        self._link = link
        self._binary = options.format == "bin_hexa"
        # As lines each sample is the energy of its period, in binary the current.
        self._scale = options.volts if self._binary else self.rate_hz
        self._reader = Reader(self.rate_hz, self._scale, binary=self._binary)
        rate = f"{options.rate_hz // 1000}k" if options.rate_hz >= 1000 else f"{options.rate_hz}"
        self._quiet(deadline)
        for command in (
            "htc", "pwr off", "acqtime inf", "trigdelay 0", "trigsrc sw", "eventsrc d7 fal",
            f"output {'current' if self._binary else 'energy'}", f"format {options.format}",
            f"freq {rate}", f"volt {round(options.volts * 1000)}m",
        ):  # fmt: skip
            self._command(command, deadline)

    def supply(self, on: bool, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        self._command("pwr on nostatus" if on else "pwr off", deadline)

    def start(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        self._reader = Reader(self.rate_hz, self._scale, binary=self._binary)
        self._reader.feed(self._command("start", deadline))

    def read(self, deadline: Deadline) -> Piece:
        """See `monitors.Monitor`."""
        try:
            self._reader.feed(self._link.read(deadline))
        except LinkTimeoutError:
            return EMPTY
        except LinkError as error:
            raise gone(error) from error
        return self._reader.take()

    def stop(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        self._send("stop", deadline)
        held = b""
        while b"Acquisition completed" not in held:
            held = (held + self._receive(deadline))[-_MOST_HELD:]

    def close(self) -> None:
        """See `monitors.Monitor`."""
        self._link.close()

    def _quiet(self, deadline: Deadline) -> None:
        """End what a host that was killed has left running."""
        self._send("stop", deadline)
        self._send("htc", deadline)
        held = b""
        while b"ack htc" not in held:
            held = (held + self._receive(deadline.within(_ANSWER_S)))[-_MOST_HELD:]

    def _command(self, command: str, deadline: Deadline) -> bytes:
        """Send a command; returns what came behind its answer."""
        deadline = deadline.within(_ANSWER_S)
        self._send(command, deadline)
        held, good = b"", f"ack {command}\r\n".encode("ascii")
        while good not in held:
            held += self._receive(deadline)
            if f"error {command}".encode("ascii") in held or len(held) > _MOST_HELD:
                raise MonitorError(
                    f"{self.name} refuses '{command}': {printable(held[-200:].decode('latin-1'))}",
                    hint="correct the keys of 'monitor' in the bench file, or update its firmware",
                )
        return held.partition(good)[2]

    def _send(self, command: str, deadline: Deadline) -> None:
        try:
            self._link.write(f"{command}\r\n".encode("ascii"), deadline)
        except LinkError as error:
            raise gone(error) from error

    def _receive(self, deadline: Deadline) -> bytes:
        try:
            return self._link.read(deadline)
        except LinkTimeoutError as error:
            raise MonitorError(
                f"{self.name} does not answer: {error.message}",
                hint="see that 'monitor.port' is its own port, and plug it in again",
            ) from error
        except LinkError as error:
            raise gone(error) from error


class Reader:
    """Bytes of a measurement to samples and edges, without I/O.

    Args:
        rate_hz: samples a second.
        scale: makes watts of a sample.
        binary: in which form they come.
    """

    def __init__(self, rate_hz: float, scale: float, *, binary: bool) -> None:
        self._rate_hz, self._scale, self._binary = rate_hz, scale, binary
        self._held = b""
        self._samples: list[float] = []
        self._edges: list[int] = []
        self._count = 0
        """Of all samples before those that are held."""

    def feed(self, data: bytes) -> None:
        """Take bytes as they come.

        Raises:
            MonitorError: the instrument says that something is wrong.
        """
        self._held += data
        if self._binary:
            self._held = self._held[self._words(self._held) :]
        else:
            *lines, self._held = self._held.split(b"\n")
            for line in lines:
                self._line(line.strip())
        if len(self._held) > _MOST_HELD:
            raise MonitorError(
                "the LPM01A sends what is none of its samples",
                hint="see that 'monitor.format' is what it sends; plug it in again",
            )

    def take(self) -> Piece:
        """What has come since the last time.

        Raises:
            MonitorError: a sample is none.
        """
        # Float64 first: the product must not be rounded twice.
        power_w = np.array(self._samples, np.float64) * self._scale
        if np.any(np.abs(power_w) > _MOST_W):
            raise MonitorError(
                f"the LPM01A sends {np.nanmax(np.abs(power_w)):.3g} W for a sample, which it can't "
                "measure: bytes were lost within one",
                hint="give it a USB port of its own",
            )
        piece = Piece(power_w.astype(np.float32), tuple(self._edges))
        self._count += len(self._samples)
        self._samples, self._edges = [], []
        return piece

    def _line(self, line: bytes) -> None:
        sample = _SAMPLE.fullmatch(line)
        if sample:
            self._samples.append(float(b"%se%s" % sample.groups()))
        elif stamp := _STAMP.fullmatch(line):
            self._stamp(int(stamp[1]) + int(stamp[2]) / 1000)
        elif _EVENT.fullmatch(line):
            self._edges.append(len(self._samples))
        elif _WRONG.search(line):
            self._wrong(line)

    def _words(self, data: bytes) -> int:
        """Take whole words; returns the place behind the last one."""
        place, end = 0, len(data)
        while place + 1 < end:
            if data[place] != _META:
                place += self._run(data, place)
                continue
            length = self._meta(data, place)
            if not length:
                break
            place += length
        return place

    def _run(self, data: bytes, place: int) -> int:
        """Take samples up to the next metadata; returns their bytes."""
        end = place + (len(data) - place) // 2 * 2
        words = np.frombuffer(data[place:end], ">u2")
        meta = np.flatnonzero(words >> 8 == _META)
        words = words[: meta[0]] if len(meta) else words
        values = (words & 0xFFF) * 16.0 ** -(words >> 12).astype(np.float64)
        self._samples.extend(values.tolist())
        return 2 * len(words)

    def _meta(self, data: bytes, place: int) -> int:
        """Take a piece of metadata; returns its bytes, 0 where it is not whole."""
        kind = data[place + 1]
        if kind == _TIME:
            if place + 9 > len(data):
                return 0
            self._stamp(int.from_bytes(data[place + 2 : place + 6], "big") / 1000)
            return 9
        tail = data.find(_TAIL, place + 2)
        if tail < 0:
            return 0
        text = data[place + 2 : tail]
        if kind == _INFO and _EVENT.search(text):
            self._edges.append(len(self._samples))
        elif kind in (_ERROR, _OVER):
            self._wrong(text or b"overcurrent")
        return tail + 2 - place

    def _stamp(self, second: float) -> None:
        """The instrument's time: what is missing until then was lost."""
        missing = round(second * self._rate_hz) - self._count - len(self._samples)
        if missing < -1 or missing > 3600 * self._rate_hz:
            raise MonitorError(
                f"the LPM01A's time of {second:.3f} s does not fit its samples, "
                f"{self._count + len(self._samples):,} at {self._rate_hz:g} Hz",
                hint="plug it in again; see that nothing else reads its port",
            )
        self._samples.extend([np.nan] * missing)

    def _wrong(self, text: bytes) -> None:
        over = b"current" in text.lower()
        raise MonitorError(
            f"the LPM01A says '{printable(text[-200:].decode('latin-1'))}' while it measures",
            hint="the device takes more than the 50 mA that it can measure: choose another monitor"
            if over
            else "see its display, and plug it in again",
        )
