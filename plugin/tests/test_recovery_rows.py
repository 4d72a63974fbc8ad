"""Which rows stay when a board is brought back, or is not: those of the board under measurement."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tinyhil.catalog.board import Board
from tinyhil.catalog.task import Task
from tinyhil.data.material import Material
from tinyhil.device.inference import ATTEMPTS
from tinyhil.emulator.foreign import Fault, ForeignDevice
from tinyhil.flash import FlashResult
from tinyhil.ground.errors import IdentityError, LinkError, TinyhilError
from tinyhil.image.build import Firmware
from tinyhil.image.elf import Image
from tinyhil.judge.verify.run import verify
from tinyhil.measure import ladder as ladders
from tinyhil.measure.job import Job
from tinyhil.measure.ladder import Ladder

from . import recorded


@dataclass
class Measured:
    """A measure that was made by `run`."""

    run: Callable[..., None]
    line: dict[str, Any] = field(default_factory=dict)
    """Of the record; empty if it got none."""
    rows: list[str] = field(default_factory=list)


SCORES = [1.0, *[0.0] * 11]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is gone is not waited for."""
    for name in ("_OPEN_S", "_SOON_S", "_SYNCHRONIZE_S", "_RESET_S"):
        monkeypatch.setattr(ladders, name, 0.5)


@pytest.fixture
def measured(mps2: Board, kws01: Task, stand_in: Material, tmp_path: Path) -> Measured:
    """Measures a device that is not ours, with recovery."""

    def run(
        device: ForeignDevice,
        image: Image | None = None,
        faults: str | None = None,
        before: TinyhilError | None = None,
    ) -> None:
        dut = recorded.on_desk(mps2, device.port)
        job = Job(
            dut, kws01, stand_in, image, None, "serial", quick=True, all_windows=False,
            read_back=0.05, faults=None, seed=1,
        )  # fmt: skip
        ladder = Ladder(dut, image, lambda _: None, on=True)
        folder = next(tmp_path.iterdir(), None)
        if before:
            ladder.recover(before)
        try:
            recorded.measure(tmp_path, job, ["top1"], folder=folder, faults=faults, ladder=ladder)
        finally:
            (folder,) = tmp_path.iterdir()
            found.rows = (folder / "raw/kws01-accuracy.jsonl").read_text().splitlines()
            if (folder / "record.jsonl").exists():
                text = (folder / "record.jsonl").read_text().splitlines()[-1]
                found.line = json.loads(text)

    found = Measured(run)
    return found


def infers(device: ForeignDevice, at: int, then: Callable[[], None]) -> None:
    """At its `at`-th inference, `then` happens."""
    count = 0

    def infer(data: bytes) -> Sequence[float]:
        nonlocal count
        del data
        count += 1
        if count == at:
            then()
        return SCORES

    device.infer = infer


def test_rows_before_a_fault_go_too_where_nothing_has_proved_them_since(measured: Measured) -> None:
    """Its name is all that such a device says of itself: that it answers after the port was opened
    anew proves nothing of the answers before."""
    with ForeignDevice("kws01", lambda _: SCORES) as device:

        def becomes_another() -> None:
            device.task = "vww01"

        infers(device, 20, becomes_another)
        faults = "kinds=disconnect,direction=in,every=1,first=9000,limit=1"
        with pytest.raises(IdentityError):
            measured.run(device, faults=faults)
    line = measured.line
    assert [step["rung"] for step in line["details"]["recovery"]] == ["reopen the port"]
    assert (line["samples"], measured.rows) == (0, [])
    assert line["details"]["dropped_rows"] > 20, "also those of before the port was gone"


@pytest.mark.parametrize("ended", ["failed", "Ctrl-C"])
def test_rows_of_a_board_that_did_not_hold_its_image_go_also_where_nothing_brings_it_back(
    ended: str, measured: Measured, stand_in_firmware: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resumed run would go on behind them, for by then the board holds its image."""

    def flash(*_: object) -> FlashResult:
        if ended == "Ctrl-C":
            raise KeyboardInterrupt
        return FlashResult(100, 10, 1.0)

    monkeypatch.setattr(ladders, "flash", flash)
    fault = Fault("unplugged", "infer", nth=10)
    with ForeignDevice("kws01", lambda _: SCORES, faults=(fault,)) as device:
        kind = KeyboardInterrupt if ended == "Ctrl-C" else (LinkError, TinyhilError)
        with pytest.raises(kind):
            measured.run(device, stand_in_firmware.image)
    assert measured.rows == []
    if ended == "failed":
        assert measured.line["details"]["dropped_rows"] > 0


def test_each_restart_is_told_also_the_one_that_was_recovered_from(measured: Measured) -> None:
    """It boots by itself until that is a fault, is brought in step again, and goes on."""
    often = tuple(Fault("restart", "infer", nth=nth) for nth in range(10, 10 + ATTEMPTS))
    with ForeignDevice("kws01", lambda _: SCORES, faults=often) as device:
        measured.run(device)
    details = measured.line["details"]
    assert details["restarts"] == ATTEMPTS
    assert [step["rung"] for step in details["recovery"]] == ["reopen the port"]


@pytest.mark.parametrize("fault", [LinkError, IdentityError])
def test_rows_of_an_earlier_session_go_where_the_board_had_lost_its_image_since(
    measured: Measured, fault: type[TinyhilError], tmp_path: Path
) -> None:
    """That was found out before the next session began to measure."""
    unplugged = Fault("unplugged", "infer", nth=10)
    with ForeignDevice("kws01", lambda _: SCORES, faults=(unplugged,)) as device:
        with pytest.raises(TinyhilError):
            measured.run(device)
        assert len(measured.rows) > 1
    with ForeignDevice("kws01", lambda _: SCORES) as device:
        measured.run(device, before=fault("it was another", hint="-"))
    assert ("resumed" in measured.line["details"]) == (fault is LinkError)
    (folder,) = tmp_path.iterdir()
    assert verify(folder).findings == ()
