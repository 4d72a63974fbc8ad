"""``make bench-energy``: energy by stand-in monitors, against formulas and on an emulated board.

First an LPM01A, a PPK2 and an Otii measure a device whose power is a formula, many times, each with
noise of its own; then with each fault that such an instrument may have. At last the suite itself
measures an emulated board, whose modelled power is known from the times that it tells.

A window of the PPK2, which takes 100,000 samples a second, is 2 s long and not 10: a sample more or
less at its ends matters five times as much.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import BUILD, campaign_options, write_figures
from tinyhil.benchmarks.energy_played import KINDS, Measured, measured
from tinyhil.catalog.board import load_boards
from tinyhil.emulator.monitors.board import WORKS_W_PER_HZ
from tinyhil.emulator.monitors.instrument import Faults
from tinyhil.ground.errors import MonitorError
from tinyhil.ground.paths import ROOT
from tinyhil.ground.progress import progress_bar

MOST_ERROR, MOST_OFF = 1e-3, 1.0
"""Of a figure, as a share, and of an edge, in samples."""
_RUNS = {"LPM01A, lines": 80, "LPM01A, binary": 40, "PPK2": 80, "Otii": 40}
_WINDOW_S = {"LPM01A, lines": 10.0, "LPM01A, binary": 10.0, "PPK2": 2.0, "Otii": 10.0}
_EACH = 3
"""Runs of each fault by each kind."""
_BOARD, _TASK = "mps2-an386", "kws01"
_SUITE_S = 900.0


@dataclass(frozen=True)
class Fault:
    """One that has to be named, or that a figure has to stand."""

    name: str
    faults: Faults
    named: str = ""
    """What the error says; empty: the figure must be right in spite of it."""


def faults_of(random: Random) -> tuple[Fault, ...]:
    """Every fault, at a place by chance: there are 21 edges, the first one of the set-up, then two
    of a single inference and two of a window for each input."""
    window = random.randrange(5)
    edge, late_s = 3 + 4 * window + random.randrange(2), random.uniform(0.05, 0.3)
    at_s = random.uniform(6.0, 12.0)
    return (
        Fault("more noise", Faults(noise=0.05)),
        Fault("0.02 % of samples dropped", Faults(dropped=2e-4)),
        Fault("clock 0.02 % slow", Faults(drift=2e-4)),
        Fault("0.5 % of samples dropped", Faults(dropped=5e-3), "were lost"),
        Fault("late edge", Faults(late_edge=(edge, late_s)), "an edge is"),
        Fault("missing edge", Faults(missing_edge=edge), "is missing"),
        Fault("missing edge of the set-up", Faults(missing_edge=0), "0 edges of the pin"),
        Fault("double edge", Faults(double_edge=edge), "a double edge"),
        Fault("no supply", Faults(no_supply=True), "stuck"),
        Fault("stuck samples", Faults(stuck_from_s=at_s), "stuck"),
        Fault("overrange", Faults(overrange_at_s=at_s), "current|range is full"),
        Fault("clock 3 % slow", Faults(drift=0.03), "clock and the device's differ"),
    )


def by_seed(kind: str, seed: int) -> Measured:
    """One run with noise: the time of an inference, and so all places, are of the seed.

    Raises:
        MonitorError: a fault was seen where there is none.
    """
    random = Random(seed)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        found = measured(
            kind,
            Path(folder),
            Faults(seed=seed, noise=random.uniform(0.002, 0.02)),
            inference_s=random.uniform(0.02, 0.09),
            window_s=_WINDOW_S[kind],
        )
        # Looked at before the trace is gone.
        assert found.edges_off >= 0
        return found


def outcome(kind: str, fault: Fault, seed: int) -> str:
    """What came of a fault: ``right`` if it is as it should be, else what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            faults = replace(fault.faults, seed=seed)
            found = measured(kind, Path(folder), faults, window_s=_WINDOW_S[kind])
        except MonitorError as error:
            told = any(part in error.message for part in fault.named.split("|") if fault.named)
            return "right" if told else f"told as: {error.message}"
        if fault.named:
            return f"a figure, {100 * found.error:+.3f} %"
        return "right" if abs(found.error) < MOST_ERROR else f"{100 * found.error:+.3f} %"


def campaign(seed: int, share: float, console: Console) -> list[dict[str, Any]]:
    """All runs with noise and with faults; the figures of each kind."""
    figures = []
    for kind in KINDS:
        runs = max(1, round(_RUNS[kind] * share))
        errors, off, refused = [], [], []
        with progress_bar(console, f"{kind}: {runs} runs with noise") as progress:
            for number in range(runs):
                progress(number, runs)
                try:
                    found = by_seed(kind, seed + number)
                    errors.append(found.error)
                    off.append(found.edges_off)
                except MonitorError as error:
                    refused.append(error.message)
        figures.append(
            {
                "what": f"{kind}: runs with noise",
                "runs": runs,
                "refused": len(refused),
                "reasons": refused[:3],
                "largest error": max(map(abs, errors), default=None),
                "furthest edge, samples": max(off, default=None),
                "unit": "share",
                "compared with": f"below {MOST_ERROR:g}, edges within {MOST_OFF:g} sample",
                "right": not refused
                and max(map(abs, errors)) < MOST_ERROR
                and max(off) <= MOST_OFF,
            }
        )
        figures += _faults(kind, seed, share, console)
    return figures


def _faults(kind: str, seed: int, share: float, console: Console) -> list[dict[str, Any]]:
    found: dict[str, list[str]] = {}
    times = max(1, round(_EACH * share))
    with progress_bar(console, f"{kind}: faults") as progress:
        for number in range(times):
            every = faults_of(Random(seed + number))  # noqa: S311
            for place, fault in enumerate(every):
                progress(number * len(every) + place, times * len(every))
                found.setdefault(fault.name, []).append(outcome(kind, fault, seed + number))
    return [
        {
            "what": f"{kind}: {name}",
            "runs": len(outcomes),
            "wrong": [one for one in outcomes if one != "right"],
            "unit": "runs",
            "compared with": "each named, or the figure right",
            "right": all(one == "right" for one in outcomes),
        }
        for name, outcomes in found.items()
    ]


def suite(console: Console) -> dict[str, Any]:
    """The suite on an emulated board, by the whole rules; against the modelled power."""
    console.print(f"pytest suites -m energy --hil-board {_BOARD} --hil-task {_TASK}")
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "pytest", "suites", "-q", "-m", "energy", "-p", "no:xdist"),
            *("--hil-board", _BOARD, "--hil-task", _TASK, "--hil-runs", folder),
            *("--hil-build", str(BUILD)),
        ]
        subprocess.run(
            command, cwd=ROOT, env=dict(os.environ), timeout=_SUITE_S, check=True, stdout=sys.stderr
        )
        run = next(Path(folder).glob(f"*_{_BOARD}"))
        line = json.loads((run / "record.jsonl").read_text(encoding="utf-8"))
        rows = [
            json.loads(text)
            for text in (run / "raw" / f"{_TASK}-energy.jsonl").read_text("utf-8").splitlines()
        ]
    expected = sorted(_modelled(row) for row in rows if "role" not in row)[2]
    found = float(line["metrics"]["energy_j"])
    return {
        "what": f"the suite on {_BOARD}, {_TASK}: energy of an inference, modelled",
        "energy_j": found,
        "expected_j": expected,
        "error": found / expected - 1,
        "seconds": line["seconds"],
        "unit": "J",
        "compared with": f"the model by the device's own times, within {MOST_ERROR:g}",
        "right": abs(found / expected - 1) < MOST_ERROR,
    }


def _modelled(row: Mapping[str, Any]) -> float:
    clock_hz = load_boards()[_BOARD].clock_hz
    return float(
        WORKS_W_PER_HZ * clock_hz * (row["end_us"] - row["start_us"]) * 1e-6 / row["count"]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the figures go to ``reports/bench/energy.json``."""
    options = campaign_options(__doc__, arguments, prog="make bench-energy")
    console = Console()
    figures = [*campaign(options.seed, options.share, console), suite(console)]
    table = Table("what", "runs", "found", "", box=None)
    for figure in figures:
        found = figure.get("largest error", figure.get("error"))
        told = (
            f"error {100 * found:.4f} %"
            if found is not None
            else "; ".join(figure.get("wrong", ()))
        )
        table.add_row(
            figure["what"],
            str(figure.get("runs", 1)),
            told,
            "right" if figure["right"] else "WRONG",
        )
    console.print(table)
    console.print(f"figures: {write_figures('energy', figures)}", soft_wrap=True)
    return 0 if all(figure["right"] for figure in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
