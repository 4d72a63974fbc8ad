"""What goes wrong with a chip or its probe is named, and the next run succeeds or the error says
what to do first. One emulated B-L475E-IOT01A, with a worn page, for all tests of the file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tinyhil.benchmarks.faults_probe import (
    LOCKED,
    OPTR,
    UNLOCKED,
    WRP1AR,
    attempt,
    debugging,
    held,
    image_of,
    set_options,
    with_options,
)
from tinyhil.catalog.board import Board
from tinyhil.emulator.qemu import EmulatedBoard, start
from tinyhil.emulator.usb.trouble import Upset, sabotage
from tinyhil.flash import flash
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError

pytestmark = pytest.mark.long

FLASH, PAGE, WORN = 0x0800_0000, 2048, 2
FITS = WORN * PAGE - 100


@pytest.fixture(scope="module")
def chip(board: Board) -> Iterator[EmulatedBoard]:
    """It runs, and its flash is erased but for a bit in its third page."""
    with start(with_options(board, worn=WORN), deadline=Deadline.after(60)) as emulated:
        yield emulated


def refused(chip: EmulatedBoard, board: Board, size: int = FITS) -> str:
    """What a run says that must not succeed."""
    verdict, text, _ = attempt(chip, board, image_of(board, 3, size))
    assert verdict == "error", text
    return text


def test_a_worn_page_is_told_with_its_place_and_an_image_without_it_runs(
    chip: EmulatedBoard, board: Board
) -> None:
    text = refused(chip, board, 3 * PAGE)
    assert f"worn: the byte at {FLASH + WORN * PAGE + PAGE // 2:#010x} is 0xfe" in text
    assert "use another board" in text
    assert attempt(chip, board, image_of(board, 4, FITS))[0] == "held"


def test_a_write_protected_page_is_told_and_the_run_after_it_is_free_succeeds(
    chip: EmulatedBoard, board: Board
) -> None:
    set_options(chip, WRP1AR, 0 << 16 | 0)  # pages 0 to 0
    text = refused(chip, board)
    assert f"address {FLASH:#010x}" in text
    assert "protected against writing" in text
    assert "option bytes" in text
    set_options(chip, WRP1AR, 0xFF00_FFFF)
    assert attempt(chip, board, image_of(board, 3, FITS))[0] == "held"


def test_a_locked_chip_is_told_each_time_until_it_is_unlocked(
    chip: EmulatedBoard, board: Board
) -> None:
    set_options(chip, OPTR, LOCKED)
    for _ in range(2):
        text = refused(chip, board)
        assert "locked against reading" in text
        assert "read protection back to level 0" in text
    set_options(chip, OPTR, UNLOCKED)
    assert attempt(chip, board, image_of(board, 3, FITS))[0] == "held"


def test_half_of_an_image_is_made_whole_and_the_rest_left_alone(
    chip: EmulatedBoard, board: Board
) -> None:
    image = image_of(board, 5, FITS)
    assert attempt(chip, board, image)[0] == "held"
    with debugging(chip) as target:  # erase the second page, as a run does that ends there
        for register, word in ((0x08, 0x4567_0123), (0x08, 0xCDEF_89AB)):
            target.write32(0x4002_2000 + register, word)
        target.write32(0x4002_2014, 1 << 1 | 1 << 3 | 1 << 16)
    assert not held(chip, image)
    assert attempt(chip, board, image)[0] == "held"


class UnpluggedWhileProgramming:
    """Trouble of a probe: it is pulled out when some of the image is in the flash."""

    def __init__(self) -> None:
        self.now = False

    def progress(self, done: int, total: int) -> None:
        """Comparing is the first third, erasing and programming the second."""
        self.now = done > total * 0.6

    def clear(self, count: int) -> int:
        return 0 if self.now else count

    def take(self) -> Upset:
        return Upset("unplug", 0, 0.0)


def test_a_probe_that_is_lost_while_it_programs_is_told_and_the_next_run_succeeds(
    chip: EmulatedBoard, board: Board
) -> None:
    before, after = image_of(board, 6, FITS), image_of(board, 7, FITS)
    assert attempt(chip, board, before)[0] == "held"
    trouble = UnpluggedWhileProgramming()
    sabotage(chip.probe_uid, trouble)
    with pytest.raises(BenchError, match="no such device") as caught:
        flash(after, board, chip.probe_uid, Deadline.after(60), trouble.progress)
    sabotage(chip.probe_uid, None)
    assert "plugged in" in caught.value.hint
    assert not held(chip, before)
    assert not held(chip, after)
    assert attempt(chip, board, after)[0] == "held"


def test_another_chip_than_the_boards_is_told_and_left_alone(
    chip: EmulatedBoard, board: Board
) -> None:
    there, part = image_of(board, 8, FITS), board.flash.part
    assert attempt(chip, board, there)[0] == "held"
    assert part is not None
    other = part.model_copy(update={"value": 0x435})
    wrong = board.model_copy(update={"flash": board.flash.model_copy(update={"part": other})})
    text = refused(chip, wrong)
    assert "not that of 'b-l475e-iot01a'" in text
    assert "wired to another board" in text
    assert held(chip, there)
