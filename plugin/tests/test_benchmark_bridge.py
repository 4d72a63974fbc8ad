"""Device times in pytest-benchmark: unchanged, with percentiles, and harmless when it is off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import warm

TESTS = """
from types import SimpleNamespace
import numpy as np
from tinyhil.catalog.board import load_boards
from tinyhil.measure.measures import SingleStream
from tinyhil.catalog.task import load_tasks

BOARD, TASK = load_boards()["mps2-an386"], load_tasks()["kws01"]

# No sum of these is exact.
TIMES = np.array([0.1, 0.3, 1e-9, 123.456, 0.1] * 3)

def test_times(device_benchmark):
    subject = SimpleNamespace(board="b", station="desk-1", core="c", emulated=True,
                              task="kws01", data_set="stand-in", model_sha256=None,
                              firmware_sha256="f1")
    outcome = SimpleNamespace(
        finding=SimpleNamespace(result=SingleStream(TIMES, "timer", 1000, 1e-3)),
        entry=SimpleNamespace(subject=subject, metrics={"latency_p90_s": 123.456}),
        job=SimpleNamespace(dut=SimpleNamespace(station="desk-1", board=BOARD), task=TASK,
                            quick=False),
    )
    stored = device_benchmark(outcome)
    assert stored == OFF or stored == TIMES.tolist()
"""


def _run(folder: Path, *options: str, stored: str = "False") -> tuple[int, str]:
    (folder / "test_it.py").write_text(TESTS.replace("OFF", stored))
    options = ("-p", "tinyhil.pytest_side.benchmark_bridge", "-p", "no:cacheprovider", *options)
    return warm.call("pytest", *options, "test_it.py", folder=folder)


def _benchmark(path: Path) -> dict[str, Any]:
    (only,) = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
    assert isinstance(only, dict)
    return only


def test_times_arrive_bit_by_bit_with_percentiles_beside_them(tmp_path: Path) -> None:
    status, output = _run(tmp_path, "--benchmark-json", "it.json")
    assert status == 0, output
    kept = _benchmark(tmp_path / "it.json")
    assert kept["stats"]["data"] == [0.1, 0.3, 1e-9, 123.456, 0.1] * 3
    assert kept["extra_info"]["p90_s"] == 123.456
    assert kept["extra_info"]["firmware_sha256"] == "f1"
    assert kept["options"]["timer"] == "device clock"
    assert "emulated: instruction counts, not times measured on silicon" in output


def test_nothing_breaks_where_pytest_benchmark_is_off(tmp_path: Path) -> None:
    status, output = _run(tmp_path, "--benchmark-disable", stored="None")
    assert status == 0, output


def test_a_user_may_do_without_pytest_benchmark(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("def test_other(): pass\n")
    status, output = _run(tmp_path, "-p", "no:benchmark", "test_other.py", "-k", "other")
    assert status == 0, output
