"""Keysight N6705 through VISA: its external data logger, as its programmer's guide has it.

It supplies the device by one of its outputs and logs that output's current. No input of it takes
the device's edges: the windows are read off the power.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Literal

import numpy as np
from pydantic import Field

from tinyhil.catalog.monitor import MonitorFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import MonitorError
from tinyhil.ground.extras import part_of
from tinyhil.ground.text import printable
from tinyhil.measure.monitors import EMPTY, Piece

_LEAST_S = 102.4e-6
"""Of a sample, by the logger."""
_MOST_ROUNDED = 0.25
_MOST_RECORDS = 4096
_LOOK_S = 0.05
_ANSWER_MS = 10_000


class Options(MonitorFacts):
    """Keys of its table."""

    edges: Literal["trace"] = "trace"
    """It takes no edges of a pin."""
    address: str
    """Of VISA, as in ``TCPIP0::192.0.2.7::INSTR``."""
    channel: int = Field(default=1, ge=1, le=4)
    """The output that supplies the device."""
    rate_hz: float = Field(default=5000.0, ge=1, le=1 / _LEAST_S)
    """Samples a second, as near as it has them; each is the mean of its period."""
    library: str = "@py"
    """Of VISA, as PyVISA names it: ``@ivi`` for the vendor's own."""


def open_monitor(options: Options, deadline: Deadline) -> N6705:
    """See `monitors.Kind`."""
    del deadline
    with part_of("energy", "a Keysight N6705"):
        import pyvisa  # noqa: PLC0415 - of an extra
    try:
        manager = pyvisa.ResourceManager(options.library)
        instrument: Any = manager.open_resource(
            options.address, read_termination="\n", write_termination="\n"
        )
        instrument.timeout = _ANSWER_MS
    except Exception as error:  # Its backends raise their own, and those of what is below them.
        raise MonitorError(
            f"{options.address}: no instrument can be opened: {printable(str(error))}",
            hint="see 'monitor.address' in the bench file, and that the instrument is on",
        ) from error
    try:
        return N6705(instrument, options)
    except BaseException:
        _close(instrument)
        raise


class N6705:
    """See `monitors.Monitor`."""

    modelled = False

    def __init__(self, instrument: Any, options: Options) -> None:
        self.rate_hz = options.rate_hz
        self._instrument, self._options = instrument, options
        self._at = f"(@{options.channel})"
        told = self._query("*IDN?")
        maker, _, rest = told.partition(",")
        model = rest.partition(",")[0].strip()
        if not model.startswith("N67"):
            raise MonitorError(
                f"{options.address} is no N6705: it calls itself '{printable(told)}'",
                hint="correct 'monitor.address' in the bench file",
            )
        self.name = f"{maker.strip()} {model}"
        self._write(f"ABOR:ELOG {self._at}")
        self._write(f"VOLT {options.volts:g},{self._at}")
        for quantity, state in (("VOLT", "OFF"), ("CURR", "ON"), ("CURR:MINM", "OFF")):
            self._write(f"SENS:ELOG:FUNC:{quantity} {state},{self._at}")
        self._write(f"SENS:ELOG:PER {1 / self.rate_hz:.9g},{self._at}")
        self._write(f"TRIG:ELOG:SOUR BUS,{self._at}")
        self._refuse_errors()
        self.rate_hz = self._rate()

    def supply(self, on: bool, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        del deadline
        self._write(f"OUTP {'ON' if on else 'OFF'},{self._at}")
        self._refuse_errors()

    def start(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        del deadline
        self._write(f"INIT:ELOG {self._at}")
        self._write(f"TRIG:ELOG {self._at}")
        self._refuse_errors()

    def read(self, deadline: Deadline) -> Piece:
        """See `monitors.Monitor`."""
        while not deadline.expired:
            told = self._query(f"FETC:ELOG? {_MOST_RECORDS},{self._at}").strip()
            if told:
                try:
                    amperes = np.array(told.split(","), np.float64)
                except ValueError as error:
                    raise MonitorError(
                        f"{self.name} sends '{printable(told[:80])}' for samples",
                        hint="see its display for an error",
                    ) from error
                if np.any(np.abs(amperes) > 1e9):  # What SCPI has for what can't be measured.
                    raise MonitorError(
                        f"{self.name}: overcurrent, its range is exceeded",
                        hint="choose a module or a range with more room",
                    )
                return Piece((amperes * self._options.volts).astype(np.float32))
            deadline.pause(_LOOK_S)
        return EMPTY

    def stop(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        del deadline
        self._write(f"ABOR:ELOG {self._at}")
        self._refuse_errors()

    def close(self) -> None:
        """See `monitors.Monitor`."""
        _close(self._instrument)

    def _rate(self) -> float:
        """Samples a second: it rounds the period that it is asked for, to 20.48 us as a rule."""
        told = self._query(f"SENS:ELOG:PER? {self._at}").strip()
        try:
            rate_hz = 1 / float(told)
        except (ValueError, ArithmeticError):
            rate_hz = 0.0
        if not abs(rate_hz / self._options.rate_hz - 1) < _MOST_ROUNDED:
            raise MonitorError(
                f"{self.name} takes '{printable(told[:80])}' for the seconds of a sample, asked "
                f"for {1 / self._options.rate_hz:.6g}",
                hint="choose a rate_hz that it has",
            )
        return rate_hz

    def _refuse_errors(self) -> None:
        """Also that the logger's buffer ran over, as samples were lost then."""
        told = self._query("SYST:ERR?").strip()
        if not told.startswith(("+0", "0")):
            raise MonitorError(
                f"{self.name} says {printable(told[:200])}",
                hint="correct the keys of 'monitor' in the bench file, or choose a lower rate_hz",
            )

    def _write(self, command: str) -> None:
        try:
            self._instrument.write(command)
        except Exception as error:  # See `open_monitor`.
            raise _gone(error) from error

    def _query(self, command: str) -> str:
        try:
            return str(self._instrument.query(command))
        except Exception as error:  # See `open_monitor`.
            raise _gone(error) from error


def _gone(error: Exception) -> MonitorError:
    told = printable(str(error))
    return MonitorError(f"the N6705 does not answer: {told}", hint="check network and power")


def _close(instrument: Any) -> None:
    """One that is gone can't be closed, and need not be."""
    with suppress(Exception):
        instrument.close()
