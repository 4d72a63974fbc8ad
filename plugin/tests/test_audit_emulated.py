"""Audits of our firmware, asked by frames: on an emulated board, sound or meddled with, and as a
process whose clock is this machine's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import pytest

from tinyhil.catalog.task import Task, Window
from tinyhil.data.material import Material
from tinyhil.device.inference import Inference
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries import Queries
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.session import Heard, Session
from tinyhil.emulator.native import NativeDevice, NativeFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.measure.audit import AUDITS, Asker, Report, Setting
from tinyhil.measure.audit.setting import QUICK
from tinyhil.record.rows import Row

from .replayed import PROGRAMS
from .runs import NO_PAGE, record, run

Meddle = Callable[[Inference, bool], Inference]
"""Takes an answer, and whether the input was the one before, too."""


@dataclass
class Meddled:
    """`Queries` whose answers somebody has changed on their way."""

    queries: Queries
    meddle: Meddle
    _data: bytes = b""
    _last: bytes = b""

    def each(self, windows: Iterable[Window], *, output: bool = False) -> Iterator[Inference]:
        for inference in self.queries.each(windows, output=output):
            yield self.meddle(inference, False)

    def load(self, data: bytes) -> None:
        self._data = data
        self.queries.load(data)

    def infer(self, count: int, warm_up: int, *, expected_s: float | None, laps: bool) -> Inference:
        inference = self.queries.infer(count, warm_up, expected_s=expected_s, laps=laps)
        again, self._last = self._data == self._last, self._data
        return self.meddle(inference, again)

    def watch(self, heard: Heard | None, now: Callable[[], float], *, alone: bool = False) -> None:
        self.queries.watch(heard, now, alone=alone)

    @property
    def healed(self) -> Mapping[str, int]:
        return self.queries.healed


def nothing(inference: Inference, _: bool) -> Inference:
    return inference


def audit(
    name: str,
    session: Session,
    task: Task,
    data: Material,
    meddle: Meddle = nothing,
    *,
    virtual: bool = True,
) -> Report:
    info, rows = session.identify(Deadline.after(60)), list[Row]()
    assert info.extension is not None
    setting = Setting(
        task,
        data.data.samples,
        all_windows=True,
        virtual=virtual,
        seed=1,
        rules=QUICK,
        progress=lambda *_: None,
    )
    with FramedQueries(session, info) as queries:
        asker = Asker(Meddled(queries, meddle), info.extension.tick_hz, rows.append)
        AUDITS[name].ask(asker, setting)
    return AUDITS[name].report(rows)


def half_when_repeated(inference: Inference, again: bool) -> Inference:
    return replace(inference, laps=tuple(lap // (1 + again) for lap in inference.laps))


_MORE = cycle((0, 1, 1))  # Queries of two shapes take turns.


def one_tick_more_now_and_then(inference: Inference, _: bool) -> Inference:
    return replace(inference, laps=(inference.laps[0] + next(_MORE), *inference.laps[1:]))


def half_the_laps(inference: Inference, _: bool) -> Inference:
    return replace(inference, laps=tuple(lap // 2 for lap in inference.laps))


def one_answer(inference: Inference, _: bool) -> Inference:
    return replace(inference, scores=(1.0,) + 11 * (0.0,))


def one_answer_to_many(inference: Inference, _: bool) -> Inference:
    return one_answer(inference, False) if inference.count > 1 else inference


@pytest.mark.long
def test_an_emulated_board_passes_all_audits(tmp_path: Path) -> None:
    status, output = run(tmp_path, *NO_PAGE, "-k", "ad01", "-m", "audit")
    assert status == 0, output
    entries = record(tmp_path)
    assert [entry["measure"] for entry in entries] == [f"audit_{name}" for name in AUDITS]
    for entry in entries:
        assert entry["verdict"] == "pass"
        assert entry["metrics"] == {entry["measure"]: 0}
        assert entry["details"]["objections"] == []
    by_name = {entry["measure"]: entry["details"] for entry in entries}
    assert "the rate of the clock" in by_name["audit_clock"]["left_out"][0]


@pytest.mark.parametrize(
    ("name", "meddle", "text"),
    [
        ("clock", one_tick_more_now_and_then, "the same query took 2 different times"),
        ("clock", half_the_laps, "its time stamps around them say"),
        ("caching", half_when_repeated, "takes 50 % less time the second time"),
        ("performance", one_answer_to_many, "the answer is not that of an accuracy run"),
        ("dependence", one_answer, "constant inputs, which differ, have the same answer"),
    ],
)
def test_a_cheat_that_speaks_frames_is_caught(
    name: str, meddle: Meddle, text: str, live_session: Session, kws01: Task, stand_in: Material
) -> None:
    assert text in str(audit(name, live_session, kws01, stand_in, meddle))


@pytest.mark.parametrize("name", ["clock", "caching"])
def test_without_meddling_the_same_board_passes_by_its_wire(
    name: str, live_session: Session, kws01: Task, stand_in: Material
) -> None:
    report = audit(name, live_session, kws01, stand_in)
    assert not report.objections, report


@pytest.mark.parametrize(("wait", "text"), [(True, "no objection"), (False, "its clock runs fast")])
def test_a_clock_that_passes_without_the_hosts_is_caught(
    wait: bool, text: str, kws01: Task, stand_in: Material
) -> None:
    """The firmware as a process: its clock is right only if it waits for what it says it took."""
    with NativeDevice(NativeFacts(kws01, infer_us=50_000, wait=wait), PROGRAMS) as device:
        link = SerialLink(device.port, 115200)
        session = Session(link)
        session.synchronize(Deadline.after(60))
        report = audit("clock", session, kws01, stand_in, virtual=False)
        link.close()
    assert text in str(report)
