"""One measure on a board that has to be brought back: its rows, its counts, and who is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from tinyhil.catalog.board import Board
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task
from tinyhil.data.material import Material
from tinyhil.device.info import DeviceInfo
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import IdentityError, LinkError, TinyhilError
from tinyhil.ground.progress import Progress
from tinyhil.measure.attempt import Attempt
from tinyhil.measure.job import Conversation, Job
from tinyhil.measure.kinds import MEASURES, Finding, Measure
from tinyhil.measure.ladder import Ladder
from tinyhil.measure.runner import Measurement
from tinyhil.record import Record
from tinyhil.record.rows import Rows

from . import recorded

_ROWS = 5
FAULT = LinkError("nothing comes", hint="-")
OTHER = IdentityError("it is another one", hint="-")


@dataclass
class Device:
    """What a session and its guard know of a device, and what was done with it, in order."""

    done: list[str] = field(default_factory=list)
    restarts: int = 7
    on_proof: Callable[[], None] = lambda: None
    faults: list[TinyhilError] = field(default_factory=list)
    """Of getting in step, one after the other."""

    @property
    def guard(self) -> Device:
        """Itself."""
        return self

    def confirm(self, deadline: Deadline) -> None:
        """It proves who it is."""
        del deadline
        self.on_proof()

    def synchronize(self, deadline: Deadline) -> None:
        """Get in step, or not."""
        del deadline
        self.done.append("in step")
        if self.faults:
            raise self.faults.pop()


class Played(Ladder):
    """Brings a device back by a call."""

    def __init__(self, job: Job, device: Device, back: Callable[[Ladder], bool]) -> None:
        super().__init__(job.dut, job.image, lambda _: None, on=False)
        self._device = device
        self._back = back

    def recover(self, fault: TinyhilError, **_: Any) -> bool:
        """See `Ladder.recover`."""
        self._device.done.append(fault.message)
        return self._back(self)


@dataclass
class Bench:
    """A job's conversation with a device, and its record."""

    device: Device
    talk: Conversation
    record: Record

    def attempt(self, back: Callable[[Ladder], bool], *, out_of_step: bool = False) -> Attempt:
        """To measure accuracy, with this way to bring the device back."""
        ladder = Played(self.talk.job, self.device, back)
        name = MeasureName.ACCURACY
        return Attempt(self.talk, self.record, ladder, name, out_of_step=out_of_step)

    def measure(self, *faults: TinyhilError) -> Measure:
        """Tells five rows; proves itself behind the second, and fails behind the third as often as
        there are faults. What it was asked for is noted."""
        left = [*faults]

        def ask(talk: Conversation, rows: Rows, progress: Progress) -> dict[str, Any]:
            del progress
            self.device.done.append(f"asked behind {len(rows.done)}")
            for number in range(len(rows.all), _ROWS):
                answer = {"scores": [[1.0]], "stamps_us": [[0, 9]]}
                rows({"sample": str(number), "label": 0, **answer})
                if number == 1:
                    talk.guard.on_proof()
                if number == 2 and left:
                    self.device.restarts += 1
                    raise left.pop()
            return {}

        return Measure("told", ask, lambda *_: cast(Finding, None))

    def ask(self, attempt: Attempt, *faults: TinyhilError) -> list[str]:
        """Make the attempt; returns the rows that are kept then."""
        attempt.ask(self.measure(*faults), lambda: nullcontext(lambda *_: None))
        rows = self.record.rows("kws01-accuracy")
        assert [*rows] == attempt.rows.all
        return [row["sample"] for row in rows]


@pytest.fixture
def bench(mps2: Board, kws01: Task, stand_in: Material, tmp_path: Path) -> Iterator[Bench]:
    """With a new run."""
    job = Job(
        recorded.on_desk(mps2, ""), kws01, stand_in, None, None, "serial", quick=True,
        all_windows=False, read_back=0.0, faults=None,
    )  # fmt: skip
    record, device = Record.start(tmp_path, recorded.configuration(job)), Device()
    record.begin(job.facts, job.contents)
    info = DeviceInfo("elsewhere", "ULPMark", "kws01", None)
    talk = Conversation(job, cast(Session, device), info, lambda link, _: link, None)
    yield Bench(device, talk, record)
    record.close()


def test_a_measure_goes_on_behind_its_last_row_where_nobody_else_may_have_answered(
    bench: Bench,
) -> None:
    attempt = bench.attempt(lambda _: True)
    assert bench.ask(attempt, FAULT) == ["0", "1", "2", "3", "4"]
    assert bench.device.done == ["asked behind 0", FAULT.message, "asked behind 3"]
    described = json.loads((bench.record.folder / "run.json").read_text(encoding="utf-8"))
    assert [part["rows"] for part in described["parts"]] == [{}, {"kws01-accuracy": 3}]


def test_rows_since_the_last_proof_are_asked_for_again_where_somebody_else_may_have_answered(
    bench: Bench,
) -> None:
    """Who proves itself while the board is brought back proves nothing of the answers before."""

    def back(ladder: Ladder) -> bool:
        ladder.doubtful = True
        bench.device.on_proof()
        return True

    attempt = bench.attempt(back)
    assert bench.ask(attempt, OTHER) == ["0", "1", "2", "3", "4"]
    assert bench.device.done == ["asked behind 0", OTHER.message, "asked behind 2"]
    assert attempt.take_details()["resumed"] == 2


def test_restarts_count_from_the_first_question_also_those_of_bringing_it_back(
    bench: Bench,
) -> None:
    def back(_: Ladder) -> bool:
        bench.device.restarts += 1
        return True

    attempt = bench.attempt(back)
    bench.ask(attempt, FAULT, FAULT)
    assert attempt.take_details() == {"resumed": 3, "restarts": 2}


@pytest.mark.parametrize("out_of_step", [False, True])
def test_a_session_that_a_fault_has_left_is_in_step_before_anything_is_asked(
    out_of_step: bool, bench: Bench
) -> None:
    bench.device.faults = [FAULT]
    bench.ask(bench.attempt(lambda _: True, out_of_step=out_of_step))
    again = ["in step", FAULT.message, "in step"] if out_of_step else []
    assert bench.device.done == [*again, "asked behind 0"]


def test_nothing_more_is_asked_of_a_board_that_another_one_has_taken_the_place_of(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, faults in ((MeasureName.ACCURACY, [OTHER]), (MeasureName.SINGLE_STREAM, [])):
        monkeypatch.setitem(MEASURES, name, bench.measure(*faults))
    ladder = Played(bench.talk.job, bench.device, lambda _: False)
    measurement = Measurement(bench.talk, bench.record, recorded.Silent(), ladder)
    for metric in ("top1", "latency_p90_s", "top1"):
        with pytest.raises(IdentityError, match="it is another one"):
            measurement.outcome(metric)
    assert bench.device.done == ["asked behind 0", OTHER.message]
