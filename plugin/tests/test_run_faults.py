"""Whole runs against a device that breaks: what a user is told, and what is left on the disk.

The station is wired in a bench file, as a board on a desk is: its probe is an emulated board's, its
serial port that of a device in software that fails on demand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tinyhil.catalog.board import Board
from tinyhil.emulator import qemu
from tinyhil.emulator.foreign import Fault, ForeignDevice, Kind
from tinyhil.ground.deadline import Deadline
from tinyhil.image.build import Firmware

from .runs import NO_PAGE, lines, run


@pytest.fixture(scope="module")
def emulated(mps2: Board) -> Iterator[qemu.EmulatedBoard]:
    with qemu.start(mps2, deadline=Deadline.after(30)) as board:
        yield board


def wire(tmp_path: Path, probe: str, port: str) -> list[str]:
    """A bench file with one station; returns the options that choose it."""
    bench = tmp_path / "bench.toml"
    bench.write_text(
        f'schema = 1\n[stations.desk]\nboard = "mps2-an386"\nprobe = "{probe}"\nport = "{port}"\n'
    )
    return [*NO_PAGE, "--hil-bench", str(bench), "--hil-board", "desk"]


def scores(_: bytes) -> list[float]:
    return [1.0] + [0.0] * 11


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("error", r"DeviceError: \[desk / accuracy\] .*Out of order <b>today</b>"),
        ("silence", r"LinkTimeoutError: \[desk / accuracy\] .*not fully answered"),
        (
            "lost-digits",
            r"LinkError: \[desk / accuracy\] .*announced 490 bytes, the device expects 4\b",
        ),
    ],
)
def test_a_device_that_breaks_from_the_fourth_upload_on(
    emulated: qemu.EmulatedBoard, tmp_path: Path, kind: Kind, title: str
) -> None:
    with ForeignDevice(
        "kws01",
        scores,
        faults=[Fault(kind, "db load", nth=6, lasting=True)],
        core=emulated.serial_url,
    ) as device:
        options = wire(tmp_path, emulated.probe_uid, device.port)
        status, output = run(tmp_path / "runs", *options, "-m", "accuracy")
    assert status == 1
    assert re.search(title, output), output
    assert "next step:" in output
    (folder,) = (tmp_path / "runs").glob("*_desk")
    (entry,) = lines(folder / "record.jsonl")
    assert (entry["verdict"], entry["samples"]) == ("error", 3)
    assert entry["seconds"] < 40
    assert len(lines(folder / "raw" / "kws01-accuracy.jsonl")) == 3
    assert "db load 490%" in (folder / "raw" / "kws01-serial.log").read_text()


@pytest.mark.long
def test_a_foreign_firmware_is_measured_by_its_own_time_stamps(
    emulated: qemu.EmulatedBoard, stand_in_firmware: Firmware, tmp_path: Path
) -> None:
    with ForeignDevice("kws01", scores, infer_us=50_000, core=emulated.serial_url) as device:
        image = ("--hil-firmware", str(stand_in_firmware.image.path))
        options = (*wire(tmp_path, emulated.probe_uid, device.port), *image)
        status, output = run(tmp_path / "runs", *options, "-m", "latency")
    assert status == 0, output
    (folder,) = (tmp_path / "runs").glob("*_desk")
    latency, throughput = lines(folder / "record.jsonl")
    assert latency["details"]["clock"] == "time stamps"
    assert latency["metrics"]["latency_p90_s"] == pytest.approx(0.05)
    assert latency["samples"] >= 1200, "60 s of 50 ms"
    assert throughput["metrics"]["throughput_ips"] == pytest.approx(20.0)


def test_a_second_run_does_not_program_what_the_board_holds(
    emulated: qemu.EmulatedBoard, tmp_path: Path
) -> None:
    options = wire(tmp_path, emulated.probe_uid, emulated.serial_url)
    outputs = [run(tmp_path / "runs", *options, "--hil-quick", "-m", "memory")[1] for _ in "12"]
    assert re.search(r"desk: [\d,]+ bytes (programmed|held)", outputs[0])
    assert re.search(r"desk: [\d,]+ bytes held the image already, by comparison", outputs[1])


def test_a_probe_that_is_not_there_is_named(tmp_path: Path) -> None:
    options = wire(tmp_path, "0123456789", "/dev/null")
    status, output = run(tmp_path / "runs", *options, "-m", "memory")
    assert status == 1
    assert re.search(r"BenchError: \[desk / flash\] .*0123456789", output), output
    assert "next step:" in output


def test_a_port_that_is_not_there_is_named(emulated: qemu.EmulatedBoard, tmp_path: Path) -> None:
    options = wire(tmp_path, emulated.probe_uid, "/dev/serial/by-id/nothing")
    status, output = run(tmp_path / "runs", *options, "-m", "memory")
    assert status == 1
    assert re.search(r"BenchError: .*/dev/serial/by-id/nothing cannot be opened", output), output
