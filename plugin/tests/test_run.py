"""Whole runs of the suites on emulated boards, as a user starts them: in their own process."""

from __future__ import annotations

import signal
import struct
import subprocess
from ast import literal_eval
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest
from cobs import cobs

from tinyhil.catalog.board import Board
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.device.protocol.frames import FrameReader, Result
from tinyhil.image.build import Firmware
from tinyhil.publish.report.html import find_allure

from .runs import NO_PAGE, RUN_S, await_rows, emulator_of, lines, record, run, start

KEYS = [
    "schema", "run", "board", "station", "core", "emulated", "task", "link", "division", "data_set",
    "data_sha256", "model_sha256", "firmware_sha256", "measure", "scenario", "samples", "metrics",
    "limits", "verdict", "details", "started", "seconds",
]  # fmt: skip


def test_a_run_leaves_a_record_of_every_measure(quick: tuple[Path, str]) -> None:
    entries = record(quick[0])
    assert [entry["measure"] for entry in entries] == [
        "accuracy", "single_stream", "throughput", "memory",
    ]  # fmt: skip
    for entry in entries:
        assert list(entry) == KEYS
        assert (entry["board"], entry["task"], entry["emulated"]) == ("mps2-an386", "kws01", True)
        assert (entry["data_set"], entry["division"]) == ("stand-in", "none")
        assert entry["verdict"] == "not judged", "a quick run is never judged"


def bytes_of(log: Path) -> tuple[bytes, bytes]:
    """What was sent, and what came."""
    sent = received = b""
    for line in log.read_text(encoding="utf-8").splitlines():
        _, direction, shown = line.split(" ", 2)
        _, binary, encoded = shown.partition("base64:")
        data = b64decode(encoded) if binary else literal_eval(shown)
        sent, received = sent + data * (direction == ">"), received + data * (direction == "<")
    return sent, received


def test_a_run_keeps_every_byte_of_its_links(quick: tuple[Path, str]) -> None:
    (serial,) = quick[0].glob("*_mps2-an386/raw/kws01-serial.log")
    sent, received = bytes_of(serial)
    assert sent.count(b"hil frames probe%") == 1, "accuracy"
    assert sent.count(b"hil frames wire%") == 3, "latency, throughput and memory"
    assert received.count(b"m-hil-queue-") == 4
    (rtt,) = quick[0].glob("*_mps2-an386/raw/kws01-rtt.log")
    sent, received = bytes_of(rtt)
    start = cobs.decode(sent.strip(b"\0").split(b"\0")[0])
    (session,) = struct.unpack("<xI", start[:5])
    answers = [f for f in FrameReader(session).feed(received) if isinstance(f, Result)]
    assert [answer.number for answer in answers] == list(range(24 + 2)), (
        "samples, and a changed one twice"
    )


def test_every_figure_says_that_it_is_emulated_and_a_stand_in(quick: tuple[Path, str]) -> None:
    assert "times are instruction counts" in quick[1]
    assert "STAND-IN" in quick[1]


@pytest.mark.skipif(find_allure() is None, reason="needs Allure: make setup")
def test_a_run_leaves_one_page_that_needs_no_network(quick: tuple[Path, str]) -> None:
    (page,) = quick[0].glob("*_report/report.html")
    assert str(page) in quick[1]
    assert "googletagmanager" not in page.read_text()


def test_two_runs_count_the_same_instructions(quick: tuple[Path, str], tmp_path: Path) -> None:
    status, output = run(tmp_path, *NO_PAGE, "--hil-quick", "-m", "latency")
    assert status == 0, output
    (first,) = [entry for entry in record(quick[0]) if entry["measure"] == "single_stream"]
    (second,) = [entry for entry in record(tmp_path) if entry["measure"] == "single_stream"]
    assert second["metrics"] == first["metrics"]


def test_a_marker_chooses_one_kind_of_test(tmp_path: Path) -> None:
    arguments = ("--hil-quick", "-m", "memory", "--hil-board", "mps2-an386")
    status, output = run(tmp_path, *NO_PAGE, *arguments)
    assert status == 0, output
    assert [entry["measure"] for entry in record(tmp_path)] == ["memory"]


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["--hil-board", "nucleo"], ["no station 'nucleo'", "known: b-l475e-iot01a, microbit, m"]),
        (["--hil-link", "pigeon"], ["no link 'pigeon'", "known: auto, rtt, serial"]),
        (["--hil-data", "/nowhere"], ["/nowhere is not a folder"]),
        (["--hil-firmware", "/nowhere.elf"], ["/nowhere.elf is not a file"]),
        (["--hil-bench", "/nowhere.toml"], ["/nowhere.toml is not a file"]),
        (["--hil-wait", "nan"], ["--hil-wait: nan is not a time in seconds"]),
    ],
)
def test_a_wrong_option_is_named_before_anything_starts(
    tmp_path: Path, arguments: list[str], texts: list[str]
) -> None:
    status, output = run(tmp_path / "runs", *arguments)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert all(text in output for text in texts), output
    assert not (tmp_path / "runs").exists()


def test_official_data_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    status, output = run(tmp_path, *NO_PAGE, TINYHIL_DATA=str(tmp_path))
    assert status == 1
    assert "kws_ref_model.tflite: cannot be read" in output
    assert "next step: `tinyhil data fetch DIR` gets it" in output


def test_firmware_of_another_task_is_refused(
    mps2: Board, firmware_of: Callable[[Board, Task], Firmware], tmp_path: Path
) -> None:
    image = firmware_of(mps2, load_tasks()["vww01"]).image
    status, output = run(tmp_path / "runs", *NO_PAGE, "--hil-firmware", str(image.path))
    assert status == 1
    assert "[mps2-an386 / identify] the firmware's profile names the model 'vww01'" in output


def test_an_image_outside_the_memory_map_is_refused(
    stand_in_firmware: Firmware, tmp_path: Path
) -> None:
    moved, image = tmp_path / "moved.elf", stand_in_firmware.image.path
    subprocess.run(
        ["arm-none-eabi-objcopy", "--change-addresses", "0x10000000", image, moved], check=True
    )
    status, output = run(tmp_path / "runs", *NO_PAGE, "--hil-firmware", str(moved))
    assert status == 1
    assert "FirmwareError: [mps2-an386 / flash]" in output
    assert "0x10000000" in output
    assert "ssram1" in output, "the known regions are named"


def test_a_board_that_dies_is_named_and_what_it_gave_is_kept(tmp_path: Path) -> None:
    process = start(tmp_path, *NO_PAGE, "-m", "accuracy")
    rows = await_rows(process, tmp_path, 5)
    emulator_of(process).kill()
    output, _ = process.communicate(timeout=RUN_S)
    assert process.returncode == 1
    assert "LinkError: [mps2-an386 / accuracy]" in output
    assert "next step:" in output
    (entry,) = record(tmp_path)
    assert entry["verdict"] == "error"
    assert "is gone" in entry["error"]
    assert entry["samples"] == len(lines(rows)) >= 5
    assert (rows.parent / "kws01-serial.log").stat().st_size > 0


def test_a_run_that_is_killed_keeps_whole_lines_and_leaves_no_emulator(tmp_path: Path) -> None:
    process = start(tmp_path, *NO_PAGE, "-m", "accuracy")
    rows = await_rows(process, tmp_path, 5)
    emulator = emulator_of(process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=RUN_S)
    assert all(len(row["scores"][0]) == 12 for row in lines(rows) if "label" in row)
    assert len(lines(rows)) >= 5
    emulator.wait(timeout=60)


def test_ctrl_c_ends_a_run_and_its_emulator(tmp_path: Path) -> None:
    process = start(tmp_path, *NO_PAGE, "-m", "accuracy")
    await_rows(process, tmp_path, 5)
    emulator = emulator_of(process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=RUN_S)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    emulator.wait(timeout=60)


def test_help_teaches_the_options(tmp_path: Path) -> None:
    _, output = run(tmp_path, "--help")
    for option in ("board", "bench", "firmware", "data", "link", "quick", "runs", "wait"):
        assert f"--hil-{option}" in output
