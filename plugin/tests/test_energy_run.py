"""Energy on an emulated board, from the suite to the checks; one run for all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tinyhil.emulator.monitors.board import WORKS_W_PER_HZ
from tinyhil.judge.verify.run import verify

from .runs import record, run


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder of runs, and what pytest said."""
    runs = tmp_path_factory.mktemp("energy")
    status, output = run(runs, "-m", "energy", "--hil-quick")
    assert status == 0, output
    return runs, output


def test_the_figure_is_that_of_the_model_and_is_called_modelled(
    measured: tuple[Path, str],
) -> None:
    runs, output = measured
    (line,) = record(runs)
    path = next(runs.glob("*/raw/kws01-energy.jsonl"))
    rows = [json.loads(text) for text in path.read_text().splitlines()]
    windows = [row for row in rows if "role" not in row]
    costs = [(row["end_us"] - row["start_us"]) * 1e-6 / row["count"] for row in windows]
    expected = WORKS_W_PER_HZ * 25e6 * np.median(costs)
    # A quick window is two inferences, and each end is known to a sample.
    assert line["metrics"]["energy_j"] == pytest.approx(expected, rel=0.02)
    assert line["details"]["error_j"] < 0.02 * expected
    assert line["details"]["modelled"]
    assert line["details"]["idle_w"] == pytest.approx(0.5e-3, rel=0.05)
    assert "energy and power are modelled, not measured" in output
    (page,) = runs.glob("*_report/report.html")
    text = page.read_text()
    assert "Power over time, modelled" in text
    assert text.count("<li>kws01_") == 5


def test_verify_makes_the_figure_again_from_the_samples(
    measured: tuple[Path, str], tmp_path: Path
) -> None:
    folder = next(measured[0].glob("*_mps2-an386"))
    report = verify(folder)
    assert not report.findings
    (one,) = report.measures
    assert one.metrics["energy_j"] > 0
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    trace = copy / "raw" / "kws01-energy-1.npy"
    # Every sample: one alone may lie between two windows, or not move their median.
    np.save(trace, np.load(trace) * np.float32(1.5))
    texts = [str(finding) for finding in verify(copy).findings]
    assert any("raw/kws01-energy-1.npy: was changed" in text for text in texts)
    assert any("says energy_j =" in text or "says power_w =" in text for text in texts)
