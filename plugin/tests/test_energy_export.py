"""Energy in a submission: what is written is recomputed, and what is modelled is never written."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinyhil.catalog.measure import MeasureName
from tinyhil.ground.tree import Tree
from tinyhil.measure.energy.result import Energy, Inferred
from tinyhil.measure.energy.windows import Window
from tinyhil.publish.submission.check import check
from tinyhil.publish.submission.export import export
from tinyhil.publish.submission.hookup import hookup
from tinyhil.publish.submission.names import HOOKUP_MISSING
from tinyhil.publish.submission.owed import _hookup
from tinyhil.publish.submission.refusals import Request
from tinyhil.publish.submission.system import load_system
from tinyhil.publish.submission.trace import MAX_BYTES, Stamped, read_trace
from tinyhil.publish.submission.writing_energy import _energies_uj, _places, _times
from tinyhil.record.recordings import write_energies
from tinyhil.record.store import find_runs, read_run
from tinyhil.record.traces import Trace

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
    (owed,) = [one for one in report.findings if "how the monitor is connected" in one.text]
    assert owed.file.parts[-2:] == ("systems", "Energy-Hookup.pdf")
    assert (submitter / "systems" / "Energy-Hookup.pdf").read_bytes().startswith(b"%PDF-1.4")
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


def test_the_authors_words_are_in_the_description_of_the_measurement(tmp_path: Path) -> None:
    words = "IDD (JP5) open, monitor at its two pins; the debugger is cut off."
    place = tmp_path / "Energy-Hookup.pdf"
    for text in ("", words):
        heading = {"monitor": "X", "volts": 1.8, "rate_hz": 1e3, "edges_from": "pin"}
        nothing = np.empty(0, np.float32), np.empty(0, np.int64)
        energy = Energy((), Trace(*nothing, 1.0), {**heading, "hookup": text}, 0, 0)
        chosen: Any = SimpleNamespace(task=SimpleNamespace(name="kws01"), used=energy)
        place.write_bytes(b"".join(hookup([chosen], "")))
        owed = list(_hookup(Tree(tmp_path), PurePosixPath(), [place.name]))
        assert [one.text for one in owed] == [HOOKUP_MISSING] * (not text)


def test_a_trace_of_a_fast_monitor_is_written_and_checked_in_little_memory(tmp_path: Path) -> None:
    """80 MB: 20 s at 1 MHz."""
    seconds, rate_hz = 20, 1_000_000
    power_w = np.full(seconds * rate_hz, 0.02, np.float32)
    np.save(tmp_path / "trace.npy", power_w)
    mapped = np.load(tmp_path / "trace.npy", mmap_mode="r")
    del power_w
    trace = Trace(mapped, np.array([100]), float(rate_hz))
    windows = tuple(
        Inferred(f"{n}.bin", 10, first, first + 15 * rate_hz // 10, Window(0.03, 1.5, 0.02))
        for n, first in enumerate(range(rate_hz, 19 * rate_hz, 2 * rate_hz))
    )
    used = Energy(windows, trace, {}, None, 0)
    path, stamps = PurePosixPath("trace1-energy.bin"), PurePosixPath("trace1-timestamps.json")
    tracemalloc.start()
    with (tmp_path / path).open("wb") as file:
        file.writelines(write_energies(float(rate_hz), _energies_uj(used)))
    times = _times(float(rate_hz), _places(used))
    (tmp_path / stamps).write_text(json.dumps([times[place] for place in _places(used)]))
    tree = Tree(tmp_path)
    with tree.opened(path, MAX_BYTES) as file:
        read = read_trace(file, tree.read(stamps))
        found = read.windows([Stamped(10, 1.5)] * len(windows), path, stamps).windows
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / path).stat().st_size > 64 << 20
    assert most < 64 << 20
    assert [one.energy_j for one in found] == pytest.approx([0.03] * len(windows), rel=1e-6)
    assert [one.seconds for one in found] == pytest.approx([1.5] * len(windows), rel=1e-8)
