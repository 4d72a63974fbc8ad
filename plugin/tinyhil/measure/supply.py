"""A station's monitor, opened, with the device's supply switched on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tinyhil.catalog.monitor import MonitorFacts
from tinyhil.device.dut import Dut
from tinyhil.flash import await_there
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import TinyhilError
from tinyhil.measure.monitors import Monitor, open_monitor, options_of

_OPEN_S = 20.0
_THERE_S = 20.0
"""How long a probe may take to show itself once it has power."""
_MODELLED_VOLTS = 3.3


@dataclass(frozen=True)
class Supply:
    """Of one device."""

    monitor: Monitor
    options: MonitorFacts
    modelled: bool
    """Whether the power comes from a model: such figures are never exported."""


@contextmanager
def supplied(dut: Dut, options: MonitorFacts | None, *, energy: bool) -> Iterator[Supply | None]:
    """Supply a device by its monitor until the block ends; then it is switched off.

    A device with a monitor gets its power from it, whatever is measured: without, its probe and its
    port may not even be there. An emulated board has a modelled one where energy is measured.

    Args:
        dut: the device.
        options: the monitor of the bench file; None: there is none.
        energy: whether energy is measured.

    Raises:
        MonitorError, BenchError: the monitor can't be opened.
    """
    if options is None and energy and dut.pin is not None:
        from tinyhil.emulator.monitors.board import BoardMonitor  # noqa: PLC0415 - for Linux alone

        with BoardMonitor(dut.pin, dut.board.clock_hz) as played:
            values = {"kind": "lpm01a", "volts": _MODELLED_VOLTS, "port": played.port}
            with opened(options_of(values, dut.station), modelled=True) as supply:
                yield supply
    elif options is None:
        yield None
    else:
        with opened(options, modelled=False) as supply:
            await_there(dut.board, dut.probe_uid, Deadline.after(_THERE_S))
            yield supply


@contextmanager
def opened(options: MonitorFacts, *, modelled: bool) -> Iterator[Supply]:
    """A monitor whose supply is on until the block ends."""
    monitor = open_monitor(options, Deadline.after(_OPEN_S))
    try:
        monitor.supply(True, Deadline.after(_OPEN_S))
        yield Supply(monitor, options, modelled or monitor.modelled)
    finally:
        with suppress(TinyhilError):  # It may be gone; what was measured is kept.
            monitor.supply(False, Deadline.after(_OPEN_S))
        monitor.close()
