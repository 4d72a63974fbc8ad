"""A device whose power is a formula, and the measure of its energy by a stand-in monitor.

The device is played in no time: it says what it used from when to when, and the stand-in measures
that as fast as it is read. All else is what measures a board: the monitor's own protocol on a pty,
the samples on disk, the edges, the checks, the figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinyhil.catalog.rules import PERFORMANCE_INPUTS, Rules
from tinyhil.device.inference import Inference
from tinyhil.emulator.monitors.instrument import NO_FAULTS, Faults, Instrument
from tinyhil.emulator.monitors.lpm01a import Lpm01a
from tinyhil.emulator.monitors.otii import Otii
from tinyhil.emulator.monitors.ppk2 import Ppk2
from tinyhil.emulator.monitors.timeline import Live
from tinyhil.ground.deadline import Deadline
from tinyhil.measure.energy.procedure import Procedure
from tinyhil.measure.energy.recording import Recording
from tinyhil.measure.energy.result import Energy, energy_of
from tinyhil.measure.monitors import Monitor, open_monitor, options_of
from tinyhil.measure.supply import Supply
from tinyhil.record.rows import Row

_OPEN_S, _PAUSE_S, _CATCH_UP_S = 10.0, 0.01, 120.0
_AFTER_S = 2.0
"""How long the device waits after each inference."""
_IDLE_W, _GAP_S = 0.0021, 0.3
"""While it waits, and for how long before each thing that it does."""
_PHASES = ((0.6, 0.019), (0.3, 0.033), (0.1, 0.0094))
"""Of an inference: share of its time, and power; more than a decade above waiting."""

KINDS: Mapping[str, tuple[type[Instrument] | type[Otii], Mapping[str, Any]]] = {
    "LPM01A, lines": (Lpm01a, {"kind": "lpm01a", "rate_hz": 1000}),
    "LPM01A, binary": (Lpm01a, {"kind": "lpm01a", "rate_hz": 10_000, "format": "bin_hexa"}),
    "PPK2": (Ppk2, {"kind": "ppk2"}),
    "Otii": (Otii, {"kind": "otii", "rate_hz": 10_000}),
}
"""Stand-ins, and the bench file's table for each."""


@dataclass
class Played:
    """The device.

    Args:
        inference_s: how long an inference takes.
    """

    inference_s: float = 0.0417
    live: Live = field(default_factory=lambda: Live(_IDLE_W))
    now_s: float = 0.0
    edges_s: list[float] = field(default_factory=list)
    """All that its pin has made."""

    def stamp(self) -> None:
        """Make the edge of the set-up."""
        self._go(_GAP_S)
        self._edge()
        self._go(2.0)

    def load(self, data: bytes) -> None:
        """See `Device`."""
        del data
        self.idle()

    def idle(self) -> None:
        """Wait a little, on the host's clock too."""
        self._go(_GAP_S)
        Deadline.after(_PAUSE_S).pause(_PAUSE_S)

    def infer(self, count: int, warm_up: int) -> Inference:
        """See `Device`."""
        self._infer(warm_up)
        self._go(0.01)
        start_s = self.now_s
        self._edge()
        self._infer(count)
        self._edge()
        end_s = self.now_s
        self._go(_AFTER_S)
        return Inference(count, round(start_s * 1e6), round(end_s * 1e6), (1.0,))

    @property
    def energy_j(self) -> float:
        """Of one inference, exact."""
        return self.inference_s * sum(share * power_w for share, power_w in _PHASES)

    def _infer(self, count: int) -> None:
        for _ in range(count):
            for share, power_w in _PHASES:
                self.live.until(self.now_s, power_w)
                self._go(share * self.inference_s)
        self.live.until(self.now_s, _IDLE_W)

    def _go(self, seconds: float) -> None:
        self.now_s += seconds
        self.live.until(self.now_s)

    def _edge(self) -> None:
        self.live.until(self.now_s, edge=True)
        self.edges_s.append(self.now_s)


class Followed(Recording):
    """A recording while whose host waits for samples the device's time goes on."""

    def __init__(self, monitor: Monitor, folder: Path, name: str, device: Played) -> None:
        super().__init__(monitor, folder, name)
        self._device = device

    def await_samples(self, wanted: int, deadline: Deadline) -> None:
        """See `Recording`."""
        while self.samples < wanted and not deadline.expired:
            self._device.idle()
        super().await_samples(wanted, deadline)


@dataclass(frozen=True)
class Measured:
    """What was found of a played device."""

    energy: Energy
    device: Played
    cpu_s: float
    """Processor time of the host's side: reading, decoding and writing."""

    @property
    def error(self) -> float:
        """Of the figure, as a share."""
        return self.energy.energy_j / self.device.energy_j - 1

    @property
    def edges_off(self) -> float:
        """By how many samples two edges were seen nearer, or further apart, than they were made;
        below 1 where each was seen in its own sample."""
        rate_hz, made = self.energy.trace.rate_hz, np.array(self.device.edges_s)
        return float(np.ptp(made * rate_hz - self.energy.trace.edges))


def measured(
    kind: str,
    folder: Path,
    faults: Faults = NO_FAULTS,
    *,
    inference_s: float = 0.0417,
    window_s: float = 10.0,
    edges: str = "pin",
) -> Measured:
    """Measure a played device by the official procedure.

    Raises:
        MonitorError: a fault was seen.
    """
    stand_in, table = KINDS[kind]
    device, rows = Played(inference_s), list[Row]()
    with stand_in(device.live, faults) as played:
        values = {**table, "volts": 3.0, **played.place, "edges": edges}
        options = options_of(values, "stand-in")
        monitor = open_monitor(options, Deadline.after(_OPEN_S))
        try:
            monitor.supply(True, Deadline.after(_OPEN_S))
            supply = Supply(monitor, options, modelled=True)
            with Followed(monitor, folder, "trace", device) as recording:
                made = Procedure(
                    recording,
                    supply,
                    Rules(window_s=window_s),
                    rows.append,
                    virtual=True,
                    edges_s=60.0,
                )
                made.begin("trace", device.stamp)
                for number in range(PERFORMANCE_INPUTS):
                    made.window(device, f"{number}.bin", b"")
                # Its time has run ahead of the samples where no edge was waited for.
                reached = int((device.now_s - _AFTER_S + 0.1) * monitor.rate_hz)
                recording.await_samples(reached, Deadline.after(_CATCH_UP_S))
                made.end()
            made.close(recording.samples)
        finally:
            monitor.close()
    return Measured(energy_of(rows, folder), device, recording.cpu_s)
