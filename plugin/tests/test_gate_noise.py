"""The gate on silicon: noise like a real board's fails no build, and 2 % slower always does.

How noisy a board is, was measured on the sessions of a real NUCLEO-L4R5ZI (STMicroelectronics,
MLPerf Tiny v1.0): its five throughput windows differ by at most 12 ppm (visual wake words; 0.2 ppm
for keywords), single queries by its time stamps have a standard deviation of 180 to 510 ppm (they
jump by the 87 µs that a character takes at 115 200 baud), and the energies of its windows spread
over 0.06 to 0.13 %.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyhil.judge.gate import statistics
from tinyhil.judge.gate.compare import Gate, failed
from tinyhil.judge.gate.reading import load_all

from .gate_runs import INPUTS, SILICON, Content, write

_SEEDS = 20
_DRIFT = 0.0025
"""Between sessions, at most: an STM32L4's oscillator, trimmed by its crystal (DS12023)."""
_SLOWER = 1.02
_QUERIES = 205
_TIMED = {"latency_p50_s", "latency_p90_s", "latency_p99_s", "throughput_ips"}

Floats = NDArray[np.float64]


def _content(
    queries_s: dict[str, Floats], windows_s: Floats, energies_j: Floats | None, factor: float
) -> Content:
    """A session of a device that is `factor` slower, by time stamps in microseconds."""
    names = list(queries_s)
    seconds = [queries_s[name] * factor for name in names]
    counts = [int(np.ceil(10.2 / one.mean())) for one in seconds]
    return Content(
        SILICON,
        ticks={name: np.rint(s * 1e6).astype(np.int64) for name, s in zip(names, seconds)},  # noqa: B905
        tick_hz=10**6,
        windows={
            name: (count, count * window * factor)
            for name, count, window in zip(names, counts, windows_s, strict=True)
        },
        energies=None
        if energies_j is None
        else {
            name: count * joules * factor
            for name, count, joules in zip(names, counts, energies_j, strict=True)
        },
        leave_out=("accuracy", "memory"),
    )


def _gate(folder: Path, content: Content) -> Gate:
    return Gate(load_all([write(folder, content)]))


def _failing(gate: Gate, folder: Path, content: Content) -> set[str]:
    return {entry.metric for entry in failed(gate.compare(load_all([write(folder, content)])))}


def _drift(generator: np.random.Generator) -> float:
    return 1.0 + generator.uniform(-_DRIFT, _DRIFT)


def _noisy_session(generator: np.random.Generator, factor: float) -> Content:
    """Worse than the real one: 0.3 % of jitter, and bursts in which queries take 5 % more."""
    factor *= _drift(generator)
    queries = {}
    for number, name in enumerate(INPUTS):
        times = 0.0587 * (1 + 1e-3 * number) * (1 + 0.003 * generator.standard_normal(_QUERIES))
        start = generator.integers(0, _QUERIES)
        times[start : start + generator.integers(0, 12)] *= 1.05
        queries[name] = np.tile(times, 2)
    windows = np.array([one.mean() for one in queries.values()])
    windows *= 1 + 5e-4 * generator.standard_normal(5)
    energies = 0.0027 * (1 + 0.002 * generator.standard_normal(5))
    return _content(queries, windows, energies, factor)


def test_an_unchanged_noisy_device_passes_20_of_20_and_a_slower_one_never(tmp_path: Path) -> None:
    for seed in range(_SEEDS):
        generator = np.random.default_rng(seed)
        folder = tmp_path / str(seed)
        gate = _gate(folder, _noisy_session(generator, 1.0))
        assert not _failing(gate, folder, _noisy_session(generator, 1.0)), f"seed {seed}"
        worse = _failing(gate, folder, _noisy_session(generator, _SLOWER))
        assert {"latency_p50_s", "latency_p90_s"} <= worse, f"seed {seed}"


def _laps_us(log: Path) -> tuple[Floats, Floats]:
    """Inferences and microseconds of each `infer` in a session log of the official runner."""
    text = log.read_text(encoding="utf-8", errors="replace")
    found = re.findall(
        r"m-infer-start-(\d+)\D.*?m-lap-us-(\d+)\D.*?m-lap-us-(\d+)\D", text, re.DOTALL
    )
    values = np.array(found, dtype=np.float64)
    return values[:, 0], values[:, 2] - values[:, 1]


@pytest.mark.parametrize("task", ["kws", "ic", "vww"])
def test_replayed_noise_of_a_real_board_passes_20_of_20_and_a_slower_one_never(
    task: str, official: Path, tmp_path: Path
) -> None:
    (results,) = official.glob("submissions/*/closed/STMicroelectronics/results/NUCLEO_L4R5ZI")
    _, queries_us = _laps_us(results / task / "accuracy" / "log.txt")
    counts, windows_us = _laps_us(results / task / "performance" / "log.txt")
    energies = np.array(
        re.findall(
            r"Energy/Inf\. +: +([\d.]+) uJ", (results / task / "energy" / "results.txt").read_text()
        ),
        dtype=np.float64,
    )
    assert (len(counts), len(energies)) == (5, 5)
    assert np.ptp(windows_us / counts) / np.median(windows_us / counts) < 12.5e-6
    assert np.ptp(energies) / np.median(energies) < 0.0013

    def session(generator: np.random.Generator, factor: float) -> Content:
        """Stretches of the log as they were, so that bursts stay bursts."""
        drift = factor * _drift(generator)
        starts = generator.integers(0, len(queries_us), size=len(INPUTS))
        stretches = [np.take(queries_us, range(s, s + _QUERIES), mode="wrap") for s in starts]
        queries = {name: s * 1e-6 for name, s in zip(INPUTS, stretches, strict=True)}
        windows_s = generator.permutation(windows_us / counts) * 1e-6
        return _content(queries, windows_s, generator.permutation(energies) * 1e-6, drift)

    for seed in range(_SEEDS):
        generator = np.random.default_rng(seed)
        folder = tmp_path / str(seed)
        gate = _gate(folder, session(generator, 1.0))
        assert not _failing(gate, folder, session(generator, 1.0)), f"seed {seed}"
        worse = _failing(gate, folder, session(generator, _SLOWER))
        assert worse == _TIMED | {"energy_j"}, f"seed {seed}"


def test_slower_windows_alone_fail_throughput_alone(tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    gate, new = _gate(tmp_path, _noisy_session(generator, 1.0)), _noisy_session(generator, 1.0)
    slow = {name: (count, s * _SLOWER) for name, (count, s) in new.windows.items()}
    assert _failing(gate, tmp_path, replace(new, windows=slow)) == {"throughput_ips"}


def test_bounds_of_a_percentile_are_wrong_as_seldom_as_they_say() -> None:
    """For both of two continuous and one coarse distribution, within what 600 draws can tell."""
    generator, alpha, draws = np.random.default_rng(1), 0.02, 600
    for percent, true, draw in (
        (50, np.log(2), lambda: generator.exponential(size=400)),
        (99, -np.log(0.01), lambda: generator.exponential(size=1024)),
        (90, 9.0, lambda: np.ceil(10 * generator.uniform(size=400))),
    ):
        too_low = too_high = 0
        for _ in range(draws):
            values, counts = np.unique(draw(), return_counts=True)
            bounds = statistics.percentile_interval(
                values, counts, percent, effective=counts.sum(), alpha=alpha
            )
            too_high += bounds.low > true
            too_low += bounds.high < true
        assert max(too_low, too_high) / draws < alpha + 4 * np.sqrt(alpha / draws)


def test_a_burst_counts_as_few_observations_and_independent_ones_as_all() -> None:
    generator = np.random.default_rng(3)
    independent = [generator.uniform(size=2000) < 0.1 for _ in range(5)]
    assert 0.8 * 10_000 < statistics.effective_size(independent) <= 10_000
    bursts = [np.repeat(generator.uniform(size=100) < 0.1, 20) for _ in range(5)]
    assert 300 < statistics.effective_size(bursts) < 900, "500 bursts"
    # That inputs differ is no burst: both runs have the same ones.
    assert statistics.effective_size([np.ones(100, bool), np.zeros(100, bool)]) == 200


def test_too_few_queries_bound_a_percentile_on_one_side_only() -> None:
    values, counts = np.arange(1.0, 51.0), np.ones(50, dtype=np.int64)
    bounds = statistics.percentile_interval(values, counts, 99, effective=50, alpha=0.01)
    assert bounds.high == np.inf
    assert bounds.low == 47.0  # P(at most 46 of 50) = 0.0016, of 47 = 0.0138


@pytest.mark.parametrize(
    ("lost", "won", "chance"), [(0, 0, 1.0), (0, 5, 1.0), (3, 0, 1 / 8), (5, 1, 7 / 64)]
)
def test_mcnemar_is_exact(lost: int, won: int, chance: float) -> None:
    assert statistics.mcnemar(lost, won) == pytest.approx(chance)


def test_a_paired_interval_is_that_of_the_textbook() -> None:
    """log ratios 0.01, 0.02, 0.03: mean 0.02, standard error 0.01/sqrt(3), t(2) at 2.5 % 4.303."""
    old = np.array([1.0, 2.0, 3.0])
    interval = statistics.paired_interval(old, old * np.exp([0.01, 0.02, 0.03]), alpha=0.025)
    assert np.log1p(interval) == pytest.approx([0.02 - 0.024841, 0.02 + 0.024841], abs=1e-6)
