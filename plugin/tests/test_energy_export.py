"""Energy in a submission: what is written is recomputed, and what is modelled is never written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tinyhil.catalog.measure import MeasureName
from tinyhil.publish.submission.check import check
from tinyhil.publish.submission.export import export
from tinyhil.publish.submission.refusals import Request
from tinyhil.publish.submission.system import load_system
from tinyhil.record.store import find_runs, read_run

from .submission_runs import Device, system_file, write_run

DEVICE = Device(measures=(*Device().measures, MeasureName.ENERGY))


def exported(folder: Path, device: Device, *, rehearsal: bool = False) -> Path:
    write_run(folder / "runs", ("kws01",), device)
    request = Request(load_system(system_file(folder)), "closed", "Available", rehearsal)
    runs = [read_run(run) for run in find_runs(folder / "runs")]
    done = export(runs, request, folder / "out")
    assert not done.refused
    return done.submitter


def test_an_exported_energy_session_is_recomputed_from_its_trace(tmp_path: Path) -> None:
    submitter = exported(tmp_path, DEVICE)
    folder = submitter / "results" / "desk-board" / "kws" / "energy"
    assert sorted(path.name for path in folder.iterdir()) == [
        "log.txt", "results.json", "results.txt", "trace1-energy.bin", "trace1-timestamps.json",
    ]  # fmt: skip
    report = check(tmp_path / "out", None)
    figures = [one for one in report.figures if one.file.parts[-2] == "energy"]
    assert [(one.name, one.state) for one in figures] == [
        ("median energy, µJ/inf", "equal"), ("median throughput, inf/s", "equal"),
        ("median energy, µJ/inf", "equal"), ("median throughput, inf/s", "equal"),
    ]  # fmt: skip
    assert not [one for one in report.findings if one.level == "wrong"]
    assert not [one for one in report.findings if "no description of the energy" in one.text]
    (hookup,) = submitter.glob("systems/*Energy-Hookup.md")
    assert "| kws01 | X-NUCLEO-LPM01A | 1.8 V | 1000 Hz | pin |" in hookup.read_text()
    entries = json.loads((folder / "results.json").read_text())
    assert len(entries[0]["power"]["samples"]) == 10_300
    recording = folder / "trace1-energy.bin"
    data = bytearray(recording.read_bytes())
    data[4 * 9000 + 3] ^= 0x10
    recording.write_bytes(bytes(data))
    wrong = [one.text for one in check(tmp_path / "out", None).findings if one.level == "wrong"]
    assert any("window total energy is" in text for text in wrong)


def test_modelled_energy_is_left_out_even_of_a_rehearsal(tmp_path: Path) -> None:
    submitter = exported(tmp_path, replace(DEVICE, modelled=True, emulated=True), rehearsal=True)
    written = [path.relative_to(submitter) for path in submitter.rglob("*")]
    assert not [path for path in written if "energy" in str(path).lower()]


def test_a_figure_that_its_samples_do_not_give_is_refused(tmp_path: Path) -> None:
    device = replace(DEVICE, recorded={"energy_j": 1e-3})
    write_run(tmp_path / "runs", ("kws01",), device)
    request = Request(load_system(system_file(tmp_path)), "closed", "Available", False)
    done = export([read_run(run) for run in find_runs(tmp_path / "runs")], request, tmp_path)
    assert [one.what for one in done.refused if "energy_j" in one.what]
