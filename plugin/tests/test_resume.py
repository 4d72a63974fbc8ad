"""Runs that are cut short and gone on with: nothing measured twice, nothing lost, or refused."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tinyhil.benchmarks.resume import compare
from tinyhil.catalog.board import Board
from tinyhil.catalog.task import Task
from tinyhil.data.material import Material
from tinyhil.emulator.foreign import ForeignDevice
from tinyhil.ground.errors import BenchError, ConfigError
from tinyhil.image.build import Firmware
from tinyhil.judge.verify.run import verify
from tinyhil.measure.job import Job
from tinyhil.record import Configuration, Record
from tinyhil.record.resume import resume
from tinyhil.record.seal import seal

from . import recorded
from .runs import NO_PAGE, run

CONFIGURATION = Configuration(station="mps2-an386", board="mps2-an386", tasks=("kws01",))


def scores(data: bytes) -> list[float]:
    """Another answer to each sample."""
    return [(zlib.crc32(data + bytes([number])) % 1000) / 1000 for number in range(12)]


@pytest.fixture
def job(mps2: Board, kws01: Task, stand_in: Material, stand_in_firmware: Firmware) -> Job:
    """Keyword spotting on a device that speaks text; its port is still to come."""
    return Job(
        recorded.on_desk(mps2, ""),
        kws01,
        stand_in,
        stand_in_firmware.image,
        None,
        "serial",
        quick=True,
        all_windows=False,
        read_back=0.05,
        faults=None,
        seed=1,
    )


def measure(job: Job, runs: Path, **keywords: Any) -> Path:
    """Measure on a device that has just been switched on."""
    with ForeignDevice("kws01", scores) as device:
        own = replace(job, dut=replace(job.dut, serial_url=device.port))
        return recorded.measure(runs, own, **keywords)


@pytest.mark.parametrize(
    "cuts",
    [[0], [1], [27], [28], [60, 1], [94, 1, 0, 2], [96], [100, 2], [126]],
    ids=lambda cuts: "+".join(map(str, cuts)),
)
def test_a_run_that_is_cut_short_goes_on_behind_its_last_row(
    job: Job, tmp_path: Path, cuts: list[int]
) -> None:
    lived = measure(job, tmp_path / "lived")
    folder = None
    for cut in cuts:
        folder = measure(job, tmp_path / "cut", folder=folder, rows=cut)
        assert not (folder / "seal.json").exists(), "a killed run is not sealed"
    folder = measure(job, tmp_path / "cut", folder=folder)
    assert list(compare(lived, folder)) == []
    assert verify(folder).findings == ()
    lines = (folder / "record.jsonl").read_text().splitlines()
    resumed = [json.loads(line)["details"].get("resumed") for line in lines]
    assert any(resumed) == any(cut not in (0, 28, 96, 126) for cut in cuts)


def test_rows_without_their_line_are_not_measured_again(job: Job, tmp_path: Path) -> None:
    folder = measure(job, tmp_path)
    (folder / "record.jsonl").write_text("")
    (folder / "seal.json").unlink()
    raw = {path.name: path.read_bytes() for path in (folder / "raw").glob("*.jsonl")}
    measure(job, tmp_path, folder=folder)
    assert {path.name: path.read_bytes() for path in (folder / "raw").glob("*.jsonl")} == raw
    lines = [json.loads(line) for line in (folder / "record.jsonl").read_text().splitlines()]
    assert [line["details"]["resumed"] for line in lines] == [28, 68, 30, 1]
    assert verify(folder).findings == ()


def test_torn_last_lines_are_cut_off_and_said(job: Job, tmp_path: Path) -> None:
    folder = measure(job, tmp_path, rows=30)
    for name in ("raw/kws01-accuracy.jsonl", "raw/kws01-serial.log", "record.jsonl"):
        with (folder / name).open("ab") as file:
            file.write(b'{"sample": "torn')
    record, found = resume(folder, recorded.configuration(job))
    record.close()
    assert "the torn last line of raw/kws01-serial.log was cut off, 16 bytes" in str(found)
    assert len(found.cut) == 3
    measure(job, tmp_path, folder=folder)
    assert verify(folder).findings == ()


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (20, r"row of \S+ is of another sample or task"),
        (30, "figures of kws01 accuracy are not those of its rows"),
    ],
)
def test_rows_of_other_samples_are_refused(job: Job, tmp_path: Path, rows: int, text: str) -> None:
    folder = measure(job, tmp_path, rows=rows)
    path = folder / "raw" / "kws01-accuracy.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], *lines[4:]]))
    with pytest.raises(ConfigError, match=text):
        measure(job, tmp_path, folder=folder)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"station": "other"}, "station is other, the run's is mps2-an386"),
        ({"tasks": ("kws01", "vww01")}, "tasks is kws01 vww01, the run's is kws01"),
        ({"quick": True}, "quick is on, the run's is off"),
        ({"all_windows": True}, "all_windows is on"),
        ({"link": "serial"}, "link is serial, the run's is auto"),
        ({"faults": "every=5000"}, "faults is every=5000, the run's is none"),
        ({"own_firmware": True}, "own_firmware is on"),
    ],
)
def test_other_options_are_refused_by_name(
    tmp_path: Path, change: dict[str, Any], text: str
) -> None:
    record = Record.start(tmp_path, CONFIGURATION)
    record.close()
    before = (record.folder / "run.json").read_bytes()
    with pytest.raises(ConfigError) as raised:
        resume(record.folder, CONFIGURATION.model_copy(update=change))
    assert text in raised.value.message
    assert f"--hil-resume {record.folder} --hil-board mps2-an386 -k kws01" in raised.value.hint
    assert (record.folder / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda job: replace(job, image=replace(job.image, sha256="0" * 64)), "firmware_sha256 is"),
        (lambda job: replace(job, model_sha256="0" * 64), "model_sha256 is 000"),
        (lambda job: replace(job, link="rtt"), "link is rtt, the run's is serial"),
        (
            lambda job: replace(
                job,
                material=replace(job.material, data=replace(job.material.data, sha256="1" * 64)),
            ),
            "data_sha256 is 111",
        ),
    ],
)
def test_another_firmware_model_data_set_or_link_is_refused_before_it_is_measured(
    job: Job, tmp_path: Path, change: Callable[[Job], Job], text: str
) -> None:
    record = Record.start(tmp_path, CONFIGURATION)
    record.begin(job.facts, job.contents)
    record.close()
    record, _ = resume(record.folder, CONFIGURATION)
    with pytest.raises(ConfigError) as raised:
        record.begin(change(job).facts)
    record.close()
    assert text in raised.value.message


def test_a_sealed_run_that_was_changed_is_refused(tmp_path: Path) -> None:
    record = Record.start(tmp_path, CONFIGURATION)
    record.keep("kws01-unknown", {"sample": "a"})
    record.close()
    seal(record.folder, {})
    resume(record.folder, CONFIGURATION)[0].close()
    assert not (record.folder / "seal.json").exists(), "a run that goes on is not sealed"
    seal(record.folder, {})
    with (record.raw / "kws01-unknown.jsonl").open("a") as file:
        file.write('{"sample": "b"}\n')
    with pytest.raises(ConfigError, match=r"kws01-unknown\.jsonl, line 2: was changed"):
        resume(record.folder, CONFIGURATION)
    assert (record.folder / "seal.json").exists()


def test_what_a_kill_left_of_a_seal_goes(tmp_path: Path) -> None:
    record = Record.start(tmp_path, CONFIGURATION)
    record.close()
    (record.folder / ".seal.json.partial").write_text('{"schema"')
    resume(record.folder, CONFIGURATION)[0].close()
    assert sorted(path.name for path in record.folder.iterdir()) == ["raw", "run.json"]


def test_a_damaged_row_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    record = Record.start(tmp_path, CONFIGURATION)
    record.keep("kws01-throughput", {"sample": "a", "count": 2, "start_us": 0, "end_us": 9})
    record.keep("kws01-throughput", {"sample": "a", "count": 0, "start_us": 0, "end_us": 9})
    record.close()
    (record.folder / "record.jsonl").write_text("{torn")
    with pytest.raises(ConfigError, match=r"throughput\.jsonl, line 2: key 'count': .*greater"):
        resume(record.folder, CONFIGURATION)
    assert (record.folder / "record.jsonl").read_text() == "{torn"


def test_a_run_folder_with_a_link_out_of_it_is_refused(tmp_path: Path) -> None:
    record = Record.start(tmp_path, CONFIGURATION)
    record.close()
    (tmp_path / "precious").write_text("keep me")
    (record.raw / "kws01-accuracy.jsonl").symlink_to(tmp_path / "precious")
    with pytest.raises(ConfigError, match=r"kws01-accuracy\.jsonl: a symbolic link"):
        resume(record.folder, CONFIGURATION)


def test_two_processes_do_not_write_to_one_run(tmp_path: Path) -> None:
    record = Record.start(tmp_path, CONFIGURATION)
    with pytest.raises(BenchError, match="another process is writing to this run"):
        resume(record.folder, CONFIGURATION)
    record.close()
    resume(record.folder, CONFIGURATION)[0].close()


def test_other_options_of_a_run_are_refused_before_anything_starts(tmp_path: Path) -> None:
    record = Record.start(tmp_path, CONFIGURATION)
    record.close()
    status, output = run(
        tmp_path / "runs", *NO_PAGE, "--hil-quick", "--hil-resume", str(record.folder)
    )
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "quick is on, the run's is off" in output
    assert not (tmp_path / "runs").exists()
