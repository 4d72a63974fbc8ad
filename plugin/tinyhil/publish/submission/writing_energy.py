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

_TRACE, _STAMPS = "trace1-energy.bin", "trace1-timestamps.json"
_RUNNER_HZ = 1000.0
"""Of the samples in an entry of today's runner, which says no rate."""


def energy_files(chosen: Chosen, rehearsal: str) -> dict[str, str | bytes]:
    """The files of the energy test, by name."""
    used = chosen.used
    assert chosen.energy
    assert used
    energies_uj = _energies_uj(used)
    times = np.concatenate(([0.0], np.cumsum(np.full(len(energies_uj), 1.0 / _rate_hz(used)))))
    stamps = [float(times[place]) for place in _places(used)]
    labels = {row.sample: row.label for row in chosen.samples}
    lines = list(head_lines(chosen, chosen.energy, rehearsal))
    lines += [log_line(0, "m-timestamp-mode-energy", "dut")]
    for one in used.windows:
        start, end = (round(float(times[place]) * 1e6) for place in (one.first, one.last))
        lines.append(load_line(start, one.sample, 0, labels.get(one.sample)))
        started, done = infer_lines(one.count, None)
        lines += [_at(start, started), _at(end, done)]
    last = round(float(times[-1]) * 1e6)
    name = shown(str(used.heading["monitor"]))
    lines += [
        log_line(last, f"m-regfile-fn[{_TRACE}]-type[emon]-name[{name}]", "emon"),
        log_line(last, f"m-regfile-fn[{_STAMPS}]-type[etime]-name[{name}]", "emon"),
    ]
    entries = [_entry(chosen, one, energies_uj, labels.get(one.sample)) for one in used.windows]
    return {
        "log.txt": "".join(lines),
        "results.txt": summary_text(lines[-1], list(_figures(used, stamps)), rehearsal),
        "results.json": json.dumps(entries) + "\n",
        _TRACE: write_energies(_rate_hz(used), energies_uj),
        _STAMPS: json.dumps(stamps) + "\n",
    }


def hookup(used: Sequence[Chosen], rehearsal: str) -> str:
    """How energy was measured, as far as the runs know; the rules want a PDF with a picture."""
    rows = []
    for chosen in used:
        assert chosen.used
        heading = chosen.used.heading
        rows.append(
            f"| {chosen.task.name} | {shown(str(heading['monitor']))} | {heading['volts']:g} V "
            f"| {heading['rate_hz']:g} Hz | {heading['edges_from']} |"
        )
    return "\n".join(
        [
            "# How energy was measured",
            "",
            *([f"**{rehearsal}**", ""] if rehearsal else []),
            "Add a picture of the hook-up: where the monitor is in the supply, what else of the",
            "board gets power, and from where; then hand it in as `Energy-Hookup.pdf`.",
            "",
            "| task | power monitor | supply | samples | begin and end of a window |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _rate_hz(used: Energy) -> float:
    """As the trace's header has it."""
    return float(np.float32(used.trace.rate_hz))


def _places(used: Energy) -> list[int]:
    """Of the stamp of the set-up, and of each window's two."""
    pairs = [place for one in used.windows for place in (one.first, one.last)]
    before = [int(place) for place in used.trace.edges[:1]]
    return [*(before or [0]), *pairs]


def _energies_uj(used: Energy) -> np.ndarray:
    """Of each sample; one that was lost counts as the mean of its window."""
    power_w = np.array(used.trace.power_w, np.float64)
    for one in used.windows:
        part = power_w[one.first : one.last]
        part[np.isnan(part)] = one.window.power_w
    return (np.nan_to_num(power_w) / used.trace.rate_hz * 1e6).astype("<f4")


def _entry(
    chosen: Chosen, one: Inferred, energies_uj: np.ndarray, label: int | None
) -> dict[str, Any]:
    entry = entry_of(chosen, one.sample, label, one.count, None, None)
    used = chosen.used
    if used is not None and used.trace.rate_hz == _RUNNER_HZ:
        part = energies_uj[one.first : one.last].astype(np.float64) * 1e-6
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
