"""Nordic's Power Profiler Kit II as a source meter, on its own serial port: 100 kHz.

A sample is a word of 32 bits: 14 of the converter, 3 of the range, 6 that count, 8 of the digital
inputs. As in Nordic's own program, the samples right after a change of range are those of a filter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tinyhil.catalog.monitor import MonitorFacts
from tinyhil.device.links.serial import SerialLink
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkError, LinkTimeoutError, MonitorError
from tinyhil.ground.text import printable
from tinyhil.measure.monitor_port import gone, on_port
from tinyhil.measure.monitors import EMPTY, Piece

_START, _STOP, _SWITCH, _VOLTAGE, _MODE, _METADATA = 0x06, 0x07, 0x0C, 0x0D, 0x11, 0x19
_SOURCE = 2
_ANSWER_S = 3.0
_MOST_METADATA = 1 << 14
_STEP = 1.8 / 163840
_RANGES, _FULL = 5, 0x3FFF
_SETTLING = 3
"""Samples after a change of range that are not taken as they are."""
_ALPHA, _ALPHA_4 = 0.18, 0.06
"""Of the filters, the second one for the highest range."""


class Options(MonitorFacts):
    """Keys of its table."""

    volts: float = Field(ge=0.8, le=5.0)
    """Supply of the device."""
    port: str
    """Its serial port, as ``port`` of a station: the first one of the two that it has."""
    pin: int = Field(default=0, ge=0, le=7)
    """Of its digital inputs, the one that the device's time stamp pin leads to."""


def open_monitor(options: Options, deadline: Deadline) -> Ppk2:
    """See `monitors.Kind`."""
    return on_port(options.port, 115_200, deadline, lambda link: Ppk2(link, options, deadline))


class Ppk2:
    """See `monitors.Monitor`."""

    modelled = False
    rate_hz = 100_000.0

    def __init__(self, link: SerialLink, options: Options, deadline: Deadline) -> None:
        self.name = "Nordic PPK2"
        self._link, self._options = link, options
        self._send(deadline, _STOP)
        self._send(deadline, _METADATA)
        self._constants = constants_of(self._metadata(deadline.within(_ANSWER_S)))
        self._send(deadline, _MODE, _SOURCE)
        high, low = divmod(round(options.volts * 1000) - 800 + 32, 256)
        self._send(deadline, _VOLTAGE, 3 + high, low)
        self._reader = Reader(self._constants, options.volts, options.pin)

    def supply(self, on: bool, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        self._send(deadline, _SWITCH, int(on))

    def start(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        self._link.poll()
        self._reader = Reader(self._constants, self._options.volts, self._options.pin)
        self._send(deadline, _START)

    def read(self, deadline: Deadline) -> Piece:
        """See `monitors.Monitor`."""
        try:
            return self._reader.feed(self._link.read(deadline))
        except LinkTimeoutError:
            return EMPTY
        except LinkError as error:
            raise gone(error) from error

    def stop(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        self._send(deadline, _STOP)

    def close(self) -> None:
        """See `monitors.Monitor`."""
        self._link.close()

    def _send(self, deadline: Deadline, *command: int) -> None:
        try:
            self._link.write(bytes(command), deadline)
        except LinkError as error:
            raise gone(error) from error

    def _metadata(self, deadline: Deadline) -> bytes:
        held = b""
        while b"END" not in held:
            try:
                held = (held + self._link.read(deadline))[-_MOST_METADATA:]
            except LinkTimeoutError as error:
                raise MonitorError(
                    f"the PPK2 does not tell its constants: {error.message}",
                    hint="see that 'monitor.port' is the first of its two ports, and plug it in "
                    "again",
                ) from error
            except LinkError as error:
                raise gone(error) from error
        return held


Constants = dict[str, NDArray[np.float64]]


def constants_of(metadata: bytes) -> Constants:
    """What makes a current of a converter's value, each for the five ranges.

    Raises:
        MonitorError: the instrument's text lacks one, or it is no number.
    """
    values: dict[str, float] = {}
    # Samples of a host that was killed may stand before.
    for line in metadata.decode("ascii", errors="replace").splitlines():
        name, colon, text = line.partition(": ")
        if colon:
            try:
                values[name[-3:].strip() if len(name) > 3 else name] = float(text)
            except ValueError:
                continue
    found: Constants = {}
    for name in ("R", "GS", "GI", "O", "S", "I", "UG"):
        try:
            found[name] = np.array([values[f"{name}{place}"] for place in range(_RANGES)])
        except KeyError as error:
            raise MonitorError(
                f"the PPK2 does not tell its constant {printable(str(error.args[0]))}",
                hint="update its firmware with Nordic's Power Profiler app",
            ) from error
    if not np.all(found["R"] > 0):
        raise MonitorError(
            "the PPK2's own resistors are told as 0", hint="calibrate it with Nordic's app"
        )
    return found


class Reader:
    """Bytes of a measurement to samples and edges, without I/O.

    Args:
        constants: of the instrument.
        volts: of the supply.
        pin: of the digital inputs.
    """

    def __init__(self, constants: Constants, volts: float, pin: int) -> None:
        self._constants, self._volts, self._pin = constants, volts, pin
        self._held = b""
        self._counter: int | None = None
        self._level, self._range, self._unsettled = 1, -1, 0
        self._filters: list[NDArray[np.float64]] | None = None

    def feed(self, data: bytes) -> Piece:
        """Take bytes as they come.

        Raises:
            MonitorError: the current is more than can be measured, or it sends nonsense.
        """
        data = self._held + data
        whole = len(data) // 4 * 4
        words, self._held = np.frombuffer(data[:whole], "<u4"), data[whole:]
        if not len(words):
            return EMPTY
        counters = (words >> 18 & 63).astype(np.int64)
        before = counters[0] - 1 if self._counter is None else self._counter
        steps = (np.diff(counters, prepend=before) - 1) % 64
        if len(words) > 64 and np.count_nonzero(steps) > len(words) // 2:
            raise MonitorError(
                "the PPK2's samples do not follow each other: bytes were lost within one",
                hint="give it a USB port of its own",
            )
        self._counter = int(counters[-1])
        power = self._amperes(words) * self._volts
        pins = (words >> 24 + self._pin & 1).astype(np.int8)
        falls = np.flatnonzero(np.diff(pins, prepend=np.int8(self._level)) < 0)
        self._level = int(pins[-1])
        places = np.arange(len(words)) + np.cumsum(steps)
        made = np.full(int(places[-1]) + 1, np.nan, np.float32)
        made[places] = power
        return Piece(made, tuple(int(place) for place in places[falls]))

    def _amperes(self, words: NDArray[np.uint32]) -> NDArray[np.float64]:
        ranges = np.minimum(words >> 14 & 7, _RANGES - 1).astype(np.int64)
        converted = (words & _FULL).astype(np.int64)
        if np.any((converted == _FULL) & (ranges == _RANGES - 1)):
            raise MonitorError(
                "the PPK2's highest range is full: the device takes more than it can measure",
                hint="choose another monitor, or look for a short circuit",
            )
        r, gs, gi, o, s, i, ug = (
            self._constants[name][ranges] for name in ("R", "GS", "GI", "O", "S", "I", "UG")
        )
        linear = (converted * 4 - o) * _STEP / r
        amperes: NDArray[np.float64] = ug * (linear * (gs * linear + gi) + (s * self._volts + i))
        return self._settled(amperes, ranges)

    def _settled(
        self, amperes: NDArray[np.float64], ranges: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """With the samples after a change of range taken from the filters."""
        from scipy.signal import lfilter  # noqa: PLC0415 - a second of import

        if self._range < 0:
            self._range = int(ranges[0])
        switched = np.diff(ranges, prepend=self._range) != 0
        self._range = int(ranges[-1])
        kernel = np.ones(_SETTLING, np.int64)
        settling = np.convolve(switched.astype(np.int64), kernel)
        settling[: min(self._unsettled, len(settling))] = 1
        self._unsettled = int(np.count_nonzero(settling[len(amperes) :]))
        if self._filters is None:
            self._filters = [np.array([(1 - alpha) * amperes[0]]) for alpha in (_ALPHA, _ALPHA_4)]
        smooth = []
        for place, alpha in enumerate((_ALPHA, _ALPHA_4)):
            made, self._filters[place] = lfilter(
                [alpha], [1, alpha - 1], amperes, zi=self._filters[place]
            )
            smooth.append(made)
        filtered = np.where(ranges == _RANGES - 1, smooth[1], smooth[0])
        settled: NDArray[np.float64] = np.where(settling[: len(amperes)] > 0, filtered, amperes)
        return settled
