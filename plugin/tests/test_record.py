"""The record: what is written stays written, and a disk that takes no more is an error."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tinyhil.catalog.facts import Limit
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.verdict import judge
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.raw_log import RecordedLink
from tinyhil.emulator.foreign import ForeignDevice
from tinyhil.ground import files
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, LinkError
from tinyhil.record import Configuration, Entry, Record, Subject

from .recorded import full_above

CONFIGURATION = Configuration(station="mps2-an386", board="mps2-an386", quick=True)
SUBJECT = Subject("mps2-an386", "mps2-an386", "cortex-m4", True, "kws01", "serial", "none",
                  "stand-in", "da7a", "30de1", "f123")  # fmt: skip
LIMITS = {"top1": Limit(min=0.9, source="the rules")}
ENTRY = Entry(
    subject=SUBJECT,
    measure=MeasureName.ACCURACY,
    samples=1000,
    metrics={"top1": 0.95},
    verdicts=judge({"top1": 0.95}, LIMITS),  # type: ignore[arg-type]
    details={},
    started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    seconds=1.5,
)


def test_an_entry_is_one_json_line_with_its_limits_and_their_source(tmp_path: Path) -> None:
    record = Record.start(tmp_path, CONFIGURATION)
    record.append(ENTRY)
    record.append(ENTRY)
    first, second = (record.folder / "record.jsonl").read_text().splitlines()
    assert first == second
    values = json.loads(first)
    assert values["run"] == record.folder.name
    assert values["limits"] == {"top1": {"min": 0.9, "source": "the rules"}}
    assert values["verdict"] == "pass"
    assert values["started"] == "2026-01-02T03:04:05.000+00:00"


@pytest.mark.parametrize(
    ("value", "error", "verdict"),
    [(0.95, None, "pass"), (0.85, None, "fail"), (0.95, "it broke", "error")],
)
def test_the_verdict_of_a_line_is_its_worst(value: float, error: str | None, verdict: str) -> None:
    verdicts = judge({"auc": 1.0, "top1": value}, LIMITS)  # type: ignore[arg-type]
    assert replace(ENTRY, verdicts=verdicts, error=error).verdict == verdict


def test_two_runs_of_one_second_do_not_share_a_folder(tmp_path: Path) -> None:
    folders = {Record.start(tmp_path, CONFIGURATION).folder for _ in range(3)}
    assert len(folders) == 3


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match="file: cannot be written: File exists"):
        Record.start(tmp_path / "file", CONFIGURATION)


def test_a_full_disk_is_named_and_what_was_written_stays(tmp_path: Path) -> None:
    record = Record.start(tmp_path, CONFIGURATION)
    record.append(ENTRY)
    (record.raw / "kws01-accuracy.jsonl").symlink_to("/dev/full")
    with pytest.raises(BenchError, match=r"kws01-accuracy\.jsonl: cannot be written: No space"):
        record.keep("kws01-accuracy", {"sample": "a.bin"})
    assert len((record.folder / "record.jsonl").read_text().splitlines()) == 1


def test_a_disk_that_fills_within_a_line_keeps_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    files.append(path, b'{"sample": "a.bin"}\n')
    with full_above(30), pytest.raises(BenchError, match=r"rows\.jsonl: .* the disk is full"):
        files.append(path, b'{"sample": "b.bin"}\n')
    assert path.read_bytes() == b'{"sample": "a.bin"}\n'


def test_a_whole_file_is_replaced_or_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "seal.json"
    files.replace(path, b"old")
    with full_above(1000), pytest.raises(BenchError, match=r"seal\.json: cannot be written"):
        files.replace(path, bytes(100_000))
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["seal.json"], "no half file is left"


def test_a_raw_log_that_cannot_grow_ends_the_session(tmp_path: Path) -> None:
    log = tmp_path / "link.log"
    log.symlink_to("/dev/full")
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        link = RecordedLink(SerialLink(device.port, 115200), log)
        with pytest.raises(BenchError, match=r"link\.log: cannot be written: No space"):
            link.write(b"name%", Deadline.after(1))


def test_a_raw_log_holds_every_byte_both_ways(tmp_path: Path) -> None:
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        link = RecordedLink(SerialLink(device.port, 115200), tmp_path / "link.log")
        link.write(b"name%", Deadline.after(1))
        received = b""
        while not received.endswith(b"m-ready\r\n"):
            received += link.read(Deadline.after(60))
        link.close()
        with pytest.raises(LinkError, match="was closed"):
            link.write(b"%", Deadline.after(1))
    lines = (tmp_path / "link.log").read_text().splitlines()
    assert lines[0].endswith(" > b'name%'")
    assert "".join(line.split("b'")[1][:-1] for line in lines[1:]) == (
        "m-name-dut-[elsewhere]\\r\\nm-ready\\r\\n"
    )
