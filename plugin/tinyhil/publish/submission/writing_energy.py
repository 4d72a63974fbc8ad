"""The files of an energy session: its log, its figures, and the monitor's samples and stamps.

Times in the log are the power monitor's. The trace has the form of EEMBC's runner, at the monitor's
own rate; the pairs of stamps behind the first one are those of the windows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinyhil.catalog import metrics
from tinyhil.ground.text import shown
from tinyhil.measure.energy.result import Energy, Inferred
from tinyhil.publish.submission.selection import Chosen
from tinyhil.publish.submission.writing import (
    entry_of,
    head_lines,
    infer_lines,
    load_line,
    log_line,
    summary_text,
)
from tinyhil.record.recordings import write_energies
from tinyhil.record.traces import blocks_of

_TRACE, _STAMPS = "trace1-energy.bin", "trace1-timestamps.json"
_RUNNER_HZ = 1000.0
"""Of the samples in an entry of today's runner, which says no rate."""
_PIECE = 1 << 20
"""Periods that are added up together."""


def energy_files(chosen: Chosen, rehearsal: str) -> dict[str, str | Iterator[bytes]]:
    """The files of the energy test, by name; a long trace comes piece by piece."""
    used = chosen.used
    assert chosen.energy
    assert used
    end = len(used.trace.power_w)
    times = _times(_rate_hz(used), [*_places(used), end])
    stamps = [times[place] for place in _places(used)]
    labels = {row.sample: row.label for row in chosen.samples}
    lines = list(head_lines(chosen, chosen.energy, rehearsal))
    lines += [log_line(0, "m-timestamp-mode-energy", "dut")]
    for one in used.windows:
        first, last = (round(times[place] * 1e6) for place in (one.first, one.last))
        lines.append(load_line(first, one.sample, 0, labels.get(one.sample)))
        started, done = infer_lines(one.count, None)
        lines += [_at(first, started), _at(last, done)]
    last = round(times[end] * 1e6)
    name = shown(str(used.heading["monitor"]))
    lines += [
        log_line(last, f"m-regfile-fn[{_TRACE}]-type[emon]-name[{name}]", "emon"),
        log_line(last, f"m-regfile-fn[{_STAMPS}]-type[etime]-name[{name}]", "emon"),
    ]
    entries = [_entry(chosen, one, labels.get(one.sample)) for one in used.windows]
    return {
        "log.txt": "".join(lines),
        "results.txt": summary_text(lines[-1], list(_figures(used, stamps)), rehearsal),
        "results.json": json.dumps(entries) + "\n",
        _TRACE: write_energies(_rate_hz(used), _energies_uj(used)),
        _STAMPS: json.dumps(stamps) + "\n",
    }


def _rate_hz(used: Energy) -> float:
    """As the trace's header has it."""
    return float(np.float32(used.trace.rate_hz))


def _places(used: Energy) -> list[int]:
    """Of the stamp of the set-up, and of each window's two."""
    pairs = [place for one in used.windows for place in (one.first, one.last)]
    before = [int(place) for place in used.trace.edges[:1]]
    return [*(before or [0]), *pairs]


def _times(rate_hz: float, places: Sequence[int]) -> dict[int, float]:
    """Seconds at each place: the periods before it, added up one by one, as the runner does."""
    found, now_s, done = {}, 0.0, 0
    for place in sorted(places):
        while done < place:
            steps = np.full(min(_PIECE, place - done) + 1, 1.0 / rate_hz)
            steps[0] = now_s
            now_s, done = float(np.cumsum(steps)[-1]), done + len(steps) - 1
        found[place] = now_s
    return found


def _energies_uj(used: Energy) -> Iterator[np.ndarray]:
    """Of each sample; one that was lost counts as the mean of its window."""
    begin = 0
    for power_w in blocks_of(used.trace.power_w):
        for one in used.windows:
            part = power_w[max(0, one.first - begin) : max(0, one.last - begin)]
            part[np.isnan(part)] = one.window.power_w
        begin += len(power_w)
        yield np.nan_to_num(power_w) / used.trace.rate_hz * 1e6


def _entry(chosen: Chosen, one: Inferred, label: int | None) -> dict[str, Any]:
    entry = entry_of(chosen, one.sample, label, one.count, None, None)
    used = chosen.used
    if used is not None and used.trace.rate_hz == _RUNNER_HZ:
        power_w = np.array(used.trace.power_w[one.first : one.last], np.float64)
        power_w[np.isnan(power_w)] = one.window.power_w
        part = (power_w / _RUNNER_HZ * 1e6).astype(np.float32).astype(np.float64) * 1e-6
        entry["power"] = {"samples": part.tolist(), "timestamps": [[1, 0], [2, len(part)]]}
    return {**entry, "mode": "e"}


def _figures(used: Energy, stamps: Sequence[float]) -> Iterator[str]:
    pairs = list(zip(stamps[1::2], stamps[2::2], strict=True))
    for number, (one, (start, end)) in enumerate(zip(used.windows, pairs, strict=True), start=1):
        window = one.window
        yield f"Energy data for window {2 * number} at time {start:.2f} for {end - start:.2f} sec.:"
        yield f"  Energy       : {window.energy_j * 1e6:>12.3f} uJ"
        yield f"  Power        : {window.power_w * 1e6:>12.3f} uW"
        yield f"  Energy/Inf.  : {one.energy_j * 1e6:>12.3f} uJ/inf."
    yield f"Median energy cost is {used.energy_j * 1e6:.3f} uJ/inf."
    for number, (one, (start, end)) in enumerate(zip(used.windows, pairs, strict=True), start=1):
        yield f"Performance results for window {2 * number}:"
        yield f"  # Inferences : {one.count:>12}"
        yield f"  Runtime      : {end - start:>12.3f} sec."
        yield f"  Throughput   : {one.count / (end - start):>12.3f} inf./sec."
    rate = metrics.throughput([(one.count, one.window.seconds) for one in used.windows])
    yield f"Median throughput is {rate:>10.3f} inf./sec."


def _at(microseconds: int, line: str) -> str:
    """A line at another time."""
    return f"{microseconds * 1e-6:09.3f} {line.split(' ', 1)[1]}"
