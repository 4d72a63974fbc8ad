"""The emulated board: starts empty and halted, talks over a serial port, keeps time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest
import serial

from tinyhil.catalog.board import Board
from tinyhil.emulator.qemu import EmulatedBoard, start
from tinyhil.emulator.registry import running_boards
from tinyhil.flash import flash
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError
from tinyhil.image.elf import Image

from ..processes import child


def booted(emulated: EmulatedBoard, image: Image) -> serial.SerialBase:
    """Flash `image`; returns the board's serial port behind the line that it boots with."""
    port = serial.serial_for_url(emulated.serial_url, timeout=60)
    flash(image, emulated.board, emulated.probe_uid, Deadline.after(60))
    assert port.readline() == b"hello c0ffee00\r\n"
    return port


def test_a_board_starts_quickly_and_leaves_nothing_behind(mps2: Board, runtime: Path) -> None:
    with start(mps2, deadline=Deadline.after(60)) as board:
        assert board.alive()
        assert psutil.pid_exists(board.pid)
        assert board.serial_url.startswith("/dev/")
        assert [running.probe_uid for running in running_boards()] == [board.probe_uid]
    assert not board.alive()
    assert not psutil.pid_exists(board.pid)
    assert list(runtime.iterdir()) == []
    board.stop()  # harmless


def test_the_serial_port_carries_every_byte_and_may_be_opened_again(
    emulated: EmulatedBoard, echo_image: Image
) -> None:
    every_byte = bytes(range(256))
    with booted(emulated, echo_image) as port:
        port.write(b"E" + every_byte)
        assert port.read(256) == every_byte
    with serial.serial_for_url(emulated.serial_url, timeout=60) as port:
        port.write(every_byte)
        assert port.read(256) == every_byte


@pytest.mark.usefixtures("runtime")
def test_a_timed_loop_takes_the_same_ticks_in_every_launch(mps2: Board, echo_image: Image) -> None:
    seen = set()
    for _ in range(3):
        with (
            start(mps2, deadline=Deadline.after(60)) as emulated,
            booted(emulated, echo_image) as port,
        ):
            port.write(b"T")
            seen.add(port.readline())
    assert len(seen) == 1
    assert re.fullmatch(rb"ticks [0-9a-f]{8}\r\n", seen.pop())


def test_a_lockup_ends_the_board_and_its_last_words_are_kept(
    emulated: EmulatedBoard, echo_image: Image
) -> None:
    with booted(emulated, echo_image) as port:
        port.write(b"L")
        assert emulated.process.exited.wait(10)
        with pytest.raises(serial.SerialException):
            port.read(1)
    assert not emulated.alive()
    death = str(emulated.death())
    assert "mps2-an386" in death
    assert "Lockup" in death


def test_a_missing_qemu_names_program_and_package(
    mps2: Board, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BenchError) as caught:
        start(mps2, deadline=Deadline.after(60))
    assert "qemu-system-arm" in caught.value.message
    assert "apt install qemu-system-arm" in caught.value.hint
    assert "tinyhil doctor" in caught.value.hint
    assert not runtime.exists()


def test_a_machine_that_qemu_does_not_know_is_reported_in_its_words(
    mps2: Board, runtime: Path
) -> None:
    assert mps2.emulator is not None
    facts = mps2.emulator.model_copy(update={"machine": "mps9"})
    with pytest.raises(BenchError, match="unsupported machine type"):
        start(mps2.model_copy(update={"emulator": facts}), deadline=Deadline.after(60))
    assert list(runtime.iterdir()) == []


def test_only_boards_that_can_be_emulated_are_started(mps2: Board) -> None:
    with pytest.raises(ConfigError, match=r"has no \[emulator\] facts"):
        start(mps2.model_copy(update={"emulator": None}), deadline=Deadline.after(60))
    with pytest.raises(ConfigError, match=r"core 'z80'.*cortex-m4"):
        start(mps2.model_copy(update={"core": "z80"}), deadline=Deadline.after(60))


def run_emulate() -> AbstractContextManager[subprocess.Popen[str]]:
    return child([sys.executable, "-m", "tinyhil.cli.main", "emulate", "mps2-an386"])


def wait_for_board(emulating: subprocess.Popen[str]) -> str:
    """Read what `emulate` says until it is ready."""
    assert emulating.stdout is not None
    said = ""
    for line in emulating.stdout:
        said += line
        if line.startswith("Ctrl-C"):
            break
    return said


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_emulate_says_how_to_reach_the_board_and_ends_cleanly(
    runtime: Path, ending: signal.Signals
) -> None:
    with run_emulate() as emulating:
        said = wait_for_board(emulating)
        (board,) = running_boards()
        emulating.send_signal(ending)
        _, complaint = emulating.communicate(timeout=20)
    assert emulating.returncode == 128 + ending, "as a shell counts"
    assert complaint == ""
    assert board.serial_url in said
    assert f"pyocd flash --uid {board.probe_uid}" in said
    assert not psutil.pid_exists(board.pid)
    assert list(runtime.iterdir()) == []


def test_emulate_reports_the_death_of_its_board(runtime: Path) -> None:
    with run_emulate() as emulating:
        wait_for_board(emulating)
        (board,) = running_boards()
        os.kill(board.pid, signal.SIGKILL)
        _, complaint = emulating.communicate(timeout=60)
        assert emulating.returncode == 2
    assert "the emulator of 'mps2-an386' has ended" in complaint
    assert list(runtime.iterdir()) == []
