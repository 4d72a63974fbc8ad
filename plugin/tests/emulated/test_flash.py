"""Flashing: an image is checked, compared, programmed, read back, and boots."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
import serial
from pyocd.core.session import Session
from pyocd.flash.loader import FlashLoader
from pyocd.probe.aggregator import DebugProbeAggregator

from tinyhil.catalog.board import Board
from tinyhil.emulator.qemu import EmulatedBoard, start
from tinyhil.flash import FlashResult, Progress, flash, load_flasher, open_flasher
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError, FirmwareError
from tinyhil.image.elf import Image, Segment


def flashed(emulated: EmulatedBoard, image: Image, progress: Progress | None = None) -> FlashResult:
    return flash(image, emulated.board, emulated.probe_uid, Deadline.after(60), progress)


def image_of(*segments: Segment) -> Image:
    return Image(Path("made.elf"), "0" * 64, 0, segments, {}, 0, 0, 0)


def attached(emulated: EmulatedBoard) -> Session:
    """A debugger's session that changes nothing by itself."""
    probe = DebugProbeAggregator.get_probe_with_id(emulated.probe_uid)
    options = {"no_config": True, "connect_mode": "attach", "resume_on_disconnect": False}
    return Session(probe, options=options)


def test_an_image_is_programmed_once_and_boots_each_time(
    emulated: EmulatedBoard, echo_image: Image
) -> None:
    size = sum(segment.size for segment in echo_image.segments)
    with serial.serial_for_url(emulated.serial_url, timeout=60) as port:
        first = flashed(emulated, echo_image)
        assert port.readline() == b"hello c0ffee00\r\n"
        second = flashed(emulated, echo_image)
        assert port.readline() == b"hello c0ffee00\r\n"
    assert (first.programmed_bytes, first.image_bytes, first.skipped) == (size, size, False)
    assert (second.programmed_bytes, second.image_bytes, second.skipped) == (0, size, True)


def test_one_altered_byte_on_the_board_is_found_and_programmed_over(
    emulated: EmulatedBoard, echo_image: Image
) -> None:
    flashed(emulated, echo_image)
    last = echo_image.segments[-1].end - 1
    with attached(emulated) as session:
        session.target.write8(last, session.target.read8(last) ^ 1)
    assert not flashed(emulated, echo_image).skipped
    assert flashed(emulated, echo_image).skipped


def test_progress_never_runs_backwards_and_ends_at_the_end(
    emulated: EmulatedBoard, echo_image: Image
) -> None:
    seen: list[tuple[int, int]] = []
    flashed(emulated, echo_image, lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
    assert len({total for _, total in seen}) == 1


def test_several_segments_of_odd_sizes_and_addresses_arrive_whole(emulated: EmulatedBoard) -> None:
    parts = [Segment(0x2_0001, os.urandom(4097)), Segment(0x2100_0003, os.urandom(70_001))]
    with open_flasher(emulated.board, emulated.probe_uid, Deadline.after(60)) as flasher:
        flasher.flash(image_of(*parts), Deadline.after(60))
    with attached(emulated) as session:
        for part in parts:
            assert bytes(session.target.read_memory_block8(part.address, part.size)) == part.data


@pytest.mark.parametrize(
    "segment",
    [
        Segment(0x0800_0000, bytes(4)),
        Segment(0x003F_FFFE, bytes(4)),
        Segment(0x1FFF_FFFF, bytes(4)),
        Segment(0xFFFF_FFFF, bytes(4)),
    ],
)
def test_an_image_outside_the_memory_is_refused_before_the_probe_is_touched(
    mps2: Board, segment: Segment
) -> None:
    image = image_of(Segment(0, bytes(4)), segment)
    with pytest.raises(FirmwareError) as caught:
        flash(image, mps2, "no such probe", Deadline.after(60))
    assert f"4 bytes at {segment.address:#010x}" in caught.value.message
    assert "ssram1 0x00000000-0x003fffff" in caught.value.message
    assert "psram 0x21000000-0x21ffffff" in caught.value.message


def test_an_open_flasher_refuses_such_an_image_too(emulated: EmulatedBoard) -> None:
    deadline = Deadline.after(60)
    outside = image_of(Segment(0x0800_0000, bytes(4)))
    with (
        open_flasher(emulated.board, emulated.probe_uid, deadline) as flasher,
        pytest.raises(FirmwareError),
    ):
        flasher.flash(outside, deadline)


@pytest.mark.parametrize("wrong", ["mps2-an386", "mps2-an386.", "nothing"])
def test_only_the_exact_probe_is_taken_and_those_there_are_named(
    emulated: EmulatedBoard, echo_image: Image, wrong: str
) -> None:
    with pytest.raises(BenchError, match=f"no debug probe '{wrong}'") as caught:
        flash(echo_image, emulated.board, wrong, Deadline.after(60))
    assert emulated.probe_uid in caught.value.message


def test_each_of_two_boards_gets_its_own_image(
    mps2: Board, emulated: EmulatedBoard, echo_image: Image
) -> None:
    with start(mps2, deadline=Deadline.after(60)) as other:
        flashed(other, echo_image)
        with attached(emulated) as session:
            assert session.target.read32(0) == 0
        assert not flashed(emulated, echo_image).skipped
        assert flashed(other, echo_image).skipped


def test_a_probe_in_use_is_a_bench_error(emulated: EmulatedBoard, echo_image: Image) -> None:
    with attached(emulated), pytest.raises(BenchError, match="in use") as caught:
        flashed(emulated, echo_image)
    assert caught.value.board == "mps2-an386"
    assert "close other debuggers" in caught.value.hint


def test_probes_that_say_the_same_of_themselves_are_refused(
    emulated: EmulatedBoard, echo_image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = DebugProbeAggregator.get_all_connected_probes()
    monkeypatch.setattr(
        DebugProbeAggregator, "get_all_connected_probes", staticmethod(lambda: probes + probes)
    )
    with pytest.raises(BenchError, match=f"2 debug probes say .* '{emulated.probe_uid}'") as caught:
        flashed(emulated, echo_image)
    assert "unplug all but one" in caught.value.hint


def test_a_board_that_dies_while_it_is_programmed_is_a_bench_error(
    emulated: EmulatedBoard,
) -> None:
    def die_in_the_second_pass(done: int, total: int) -> None:
        if done > total // 3 and emulated.alive():
            os.kill(emulated.pid, signal.SIGKILL)
            assert emulated.process.exited.wait(10)

    image = image_of(Segment(0, os.urandom(100_000)))
    with pytest.raises(BenchError, match=f"{emulated.probe_uid} failed at programming") as caught:
        flashed(emulated, image, die_in_the_second_pass)
    assert caught.value.stage == "flash"
    assert not emulated.alive()


def test_memory_that_does_not_take_the_image_is_found_and_not_started(
    emulated: EmulatedBoard, echo_image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = FlashLoader.commit

    def lose_a_bit(loader: FlashLoader) -> None:
        commit(loader)
        target = loader._session.target
        target.write8(0x105, target.read8(0x105) ^ 0x10)

    monkeypatch.setattr(FlashLoader, "commit", lose_a_bit)
    with pytest.raises(BenchError, match="first difference at 0x00000105"):
        flashed(emulated, echo_image)
    with attached(emulated) as session:
        assert session.target.is_halted()


def test_flashing_ends_at_its_deadline(emulated: EmulatedBoard, echo_image: Image) -> None:
    with pytest.raises(BenchError, match="took longer than 0 s"):
        flash(echo_image, emulated.board, emulated.probe_uid, Deadline.after(0))


def test_an_unknown_way_of_flashing_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'telepathy'; known: command, drive, openocd, pyocd\n"):
        load_flasher("telepathy")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"target": "stm32zz99"}, "does not support the board's target"),
        ({"pack": "missing.pack"}, "CMSIS pack 'missing.pack'"),
    ],
)
def test_a_target_that_pyocd_does_not_know_is_a_config_error(
    emulated: EmulatedBoard, echo_image: Image, change: dict[str, str], complaint: str
) -> None:
    facts = emulated.board.flash.model_copy(update=change)
    board = emulated.board.model_copy(update={"flash": facts})
    with pytest.raises(ConfigError, match=complaint) as caught:
        flash(echo_image, board, emulated.probe_uid, Deadline.after(60))
    assert "flash.pack" in caught.value.hint


def test_a_target_with_other_memory_than_the_boards_file_is_a_config_error(
    emulated: EmulatedBoard,
) -> None:
    (code, *_) = emulated.board.memory
    wrong = emulated.board.model_copy(
        update={"memory": (code.model_copy(update={"start": 0x0800_0000}),)}
    )
    image = image_of(Segment(0x0800_0000, b"image"))
    with pytest.raises(ConfigError, match="a memory map unlike the board's file"):
        flash(image, wrong, emulated.probe_uid, Deadline.after(60))


def test_pyocd_says_nothing_on_the_terminal_and_runs_nothing_that_lies_about(
    emulated: EmulatedBoard,
    echo_image: Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "pyocd.yaml").write_text("connect_mode: nonsense\n", encoding="utf-8")
    (tmp_path / "pyocd_user.py").write_text("print('intruder')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYOCD_PROJECT_DIR", "/")
    flashed(emulated, echo_image)
    with pytest.raises(BenchError):
        flash(echo_image, emulated.board, "nothing", Deadline.after(60))
    os.kill(emulated.pid, signal.SIGKILL)
    with pytest.raises(BenchError):
        flashed(emulated, echo_image)
    assert capfd.readouterr() == ("", "")
    assert Path.cwd() == tmp_path


def test_a_probe_that_comes_to_no_end_is_cut_off_and_given_back(
    emulated: EmulatedBoard, echo_image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever pyOCD does for ever, and whatever then goes wrong in letting go."""
    monkeypatch.setattr("tinyhil.flash.pyocd.LATE_S", 0.1)
    monkeypatch.setattr("tinyhil.flash._pyocd_errors._LET_GO_S", 0.1)

    def for_ever(*_: object) -> None:
        while True:
            with suppress(Exception):
                time.sleep(0.001)

    with monkeypatch.context() as patch:
        patch.setattr(FlashLoader, "commit", for_ever)
        patch.setattr(Session, "disconnect", for_ever)
        with pytest.raises(BenchError, match="came to no end at programming") as caught:
            flash(echo_image, emulated.board, emulated.probe_uid, Deadline.after(1))
        assert "restart the emulated board" in caught.value.hint
    assert not flashed(emulated, echo_image).skipped
