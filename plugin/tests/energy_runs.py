"""A measure of energy in a run folder, as a monitor leaves it: samples, edges, rows and line."""

from __future__ import annotations

import numpy as np

from tinyhil.measure.energy.result import Energy, energy_of
from tinyhil.record import Record
from tinyhil.record.traces import TraceWriter

RATE_HZ, IDLE_W, BUSY_W = 1000, 0.002, 0.02
_WINDOW, _GAP = 10_300, 400


def keep_energy(
    record: Record, task: str, names: list[str], *, modelled: bool = False, lost: int = 0
) -> Energy:
    """Write the rows and the trace of one window for each name.

    Args:
        record: of the run.
        task: its name.
        names: of the inputs.
        modelled: whether the monitor plays a model.
        lost: samples of the first window.
    """
    random = np.random.default_rng(1)
    name, rows = f"{task}-energy-1", []
    rows.append(
        {
            "role": "trace", "trace": name, "monitor": "X-NUCLEO-LPM01A", "modelled": modelled,
            "rate_hz": float(RATE_HZ), "volts": 1.8, "accuracy": 0.0, "edges_from": "pin",
        }
    )  # fmt: skip
    rows.append({"role": "stamp", "edges": [100]})
    with TraceWriter(record.raw, name) as writer:
        writer.add(_noisy(random, IDLE_W, 1000), [100])
        for number, sample in enumerate(names):
            writer.add(_noisy(random, IDLE_W, _GAP))
            first, last = writer.samples, writer.samples + _WINDOW
            power_w = _noisy(random, BUSY_W + 1e-5 * number, _WINDOW)
            power_w[50 : 50 + lost * (number == 0)] = np.nan
            writer.add(power_w, [0])
            writer.add(_noisy(random, IDLE_W, 10), [0])
            stamps = {"start_us": first * 1000, "end_us": last * 1000}
            row = {"sample": sample, "count": 100, "warm_up": 10, "edges": [first, last], **stamps}
            rows.append({**row, "scores": [0.5]})
        writer.add(_noisy(random, IDLE_W, 1200))
        rows.append({"role": "end", "samples": writer.samples})
    for row in rows:
        record.keep(f"{task}-energy", row)
    return energy_of(rows, record.raw)


def _noisy(random: np.random.Generator, power_w: float, count: int) -> np.ndarray:
    return (power_w * (1 + 0.01 * random.standard_normal(count))).astype(np.float32)
