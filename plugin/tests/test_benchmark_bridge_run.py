"""pytest-benchmark over two runs on an emulated board, as a user compares them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import warm
from .runs import record, run


@pytest.mark.long
def test_a_run_is_stored_with_what_it_is_of_and_can_be_compared(tmp_path: Path) -> None:
    storage, file = tmp_path / "storage", tmp_path / "it.json"
    status, output = run(
        tmp_path / "runs",
        "--hil-quick",
        "-k",
        "kws01 and device_latency",
        f"--benchmark-storage={storage}",
        "--benchmark-save=one",
        f"--benchmark-json={file}",
    )
    assert status == 0, output
    assert "emulated: instruction counts, not times measured on silicon" in output
    (saved,) = storage.rglob("0001_one.json")
    compare = ("pytest_benchmark", "compare", str(saved), str(file))
    status, output = warm.call(*compare, folder=tmp_path)
    assert status == 0, output
    assert output.count("test_device_latency[mps2-an386-kws01]") == 2
    made = json.loads(file.read_text())
    assert made["machine_info"]["boards"]["mps2-an386"]["emulated"] is True
    (benchmark,) = made["benchmarks"]
    (entry,) = record(tmp_path / "runs")
    assert benchmark["extra_info"]["p90_s"] == entry["metrics"]["latency_p90_s"]
    assert benchmark["stats"]["rounds"] == entry["samples"]
    assert made["tinyhil"]["firmware"] == {"mps2-an386 kws01": entry["firmware_sha256"]}
