"""What is said of a set that takes long by text: when, and how long frames would take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyhil.catalog.board import Board
from tinyhil.catalog.task import load_tasks
from tinyhil.data.material import DataSet, Material
from tinyhil.device.dut import Dut
from tinyhil.device.queries.text import TextQueries
from tinyhil.measure.duration import Duration
from tinyhil.measure.job import Job

from .audit_samples import samples


class Asked(TextQueries):
    """A way whose inferences take a known time."""

    def __init__(self, inference_s: float) -> None:
        self._least_s = inference_s


def said(
    board: Board, task: str, count: int, window_s: float, inference_s: float
) -> tuple[list[str], int]:
    """What is told of a set, and after how many windows of it."""
    facts, notices, after = load_tasks()[task], list[str](), 0
    data = DataSet("custom", Path(), "0" * 64, samples(count, facts.input.bytes))
    job = Job(
        Dut("desk", board, "", "", 115_200, 921_600), facts, Material(data, None, None), None, None,
        "serial", quick=False, all_windows=True, read_back=0.0, faults=None,
    )  # fmt: skip
    now_s = 0.0
    duration = Duration(job, Asked(inference_s), count, notices.append, now=lambda: now_s)
    windows = facts.input.count()
    for number in range(1, count * windows + 1):
        now_s += window_s + 1.5 * (number <= 4)  # What a session learns once takes longer.
        duration(number / windows)
        after = after or number * bool(notices)
    return notices, after


def test_how_long_a_set_takes_is_said_of_an_emulated_board(mps2: Board) -> None:
    (notice,), after = said(mps2, "kws01", 200, 0.11, 0.02)
    assert after == 9
    assert notice == (
        "desk: kws01, 200 samples by the text protocol take about 28 s; by the frames of a "
        "firmware with tinyhil's harness they would take about 6 s"
    )


@pytest.mark.parametrize(
    ("task", "count", "window_s", "inference_s", "text", "frames"),
    [
        # 200 x 27,648 B at 921,600 baud take 60 s, and while one travels another is inferred.
        ("vww01", 200, 5.0, 0.1, "17 min", "60 s"),
        ("vww01", 200, 5.0, 0.5, "17 min", "100 s"),
        # 196 windows a file, of which 512 B each are new.
        ("ad01", 2, 0.5, 0.001, "3 min", "2 s"),
    ],
)
def test_of_a_board_with_a_wire_frames_take_the_wires_time_or_the_inferences(
    mps2: Board, task: str, count: int, window_s: float, inference_s: float, text: str, frames: str
) -> None:
    board = mps2.model_copy(update={"emulator": None})
    (notice,), _ = said(board, task, count, window_s, inference_s)
    assert f"{count} samples by the text protocol take about {text};" in notice
    assert notice.endswith(f"they would take about {frames} at 921600 baud")


def test_nothing_is_said_of_a_short_set(mps2: Board) -> None:
    assert said(mps2, "kws01", 24, 0.1, 0.02) == ([], 0)
