"""Intrusions into whole measurements on emulated boards, through real pyOCD."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tinyhil.benchmarks import BUILD
from tinyhil.benchmarks.intrusions import Event, IntrudedLink, Outcome, verdict_of
from tinyhil.catalog.bench import Station, stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.catalog.wiring import Wiring
from tinyhil.data.material import Material, material
from tinyhil.device.dut import Dut, attached
from tinyhil.device.links import Link
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.session import Session
from tinyhil.flash import flash, reset
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import TakenError, TinyhilError
from tinyhil.ground.progress import Progress
from tinyhil.image import build as firmware
from tinyhil.image.elf import Image
from tinyhil.measure.identify import converse
from tinyhil.measure.job import Job
from tinyhil.measure.ladder import Ladder
from tinyhil.measure.runner import Measurement
from tinyhil.record import Configuration, Entry, Record
from tinyhil.record.rows import plain
from tinyhil.record.schema import LINES
from tinyhil.record.store import record_lines

Way = Literal["frames, serial", "frames, rtt", "text, serial"]

_BOARD = "mps2-an386"
_METRICS: tuple[Metric, ...] = ("top1", "latency_p90_s", "throughput_ips")
_STEP_S, _FLASH_S = 20.0, 60.0


@dataclass(frozen=True)
class Images:
    """What is flashed: the one under measurement, and those that take its place."""

    task: Task
    material: Material
    model_sha256: str
    ours: Image
    other: Mapping[Event, Image]


def images(way: Way) -> Images:
    """Build, or find built, what a way needs; text is spoken with firmware without frames."""
    board, tasks, extension = load_boards()[_BOARD], load_tasks(), way != "text, serial"
    made = {name: material(tasks[name], None, BUILD / "data") for name in ("kws01", "ad01")}

    def build(board: Board, name: str, builds: Path) -> firmware.Firmware:
        place = firmware.folder_of(builds, _BOARD, name, made[name].data.kind)
        return firmware.build(board, tasks[name], made[name].model, place, extension=extension)

    builds = BUILD if extension else BUILD / "text"
    ours = build(board, "kws01", builds)
    # Its timer is taken to run at half the rate: every time that it reports is wrong.
    rebuilt = build(replace_clock(board), "kws01", builds / "other-clock")
    return Images(
        tasks["kws01"],
        made["kws01"],
        ours.model.sha256,
        ours.image,
        {"other task": build(board, "ad01", builds).image, "other build": rebuilt.image},
    )


def replace_clock(board: Board) -> Board:
    """The same board, for a build that takes its clock to be half as fast."""
    return board.model_copy(update={"clock_hz": board.clock_hz // 2})


@dataclass
class _Bench:
    """The board under measurement, and everyone who disturbs it."""

    event: Event
    images: Images
    dut: Dut
    stack: ExitStack
    way: Way
    probed: list[Link] = field(default_factory=list)
    """Links that hold the probe at the moment."""

    def intrude(self, link: IntrudedLink) -> None:
        if self.event == "second session":
            link.refused = self._is_turned_away()
            if self.way == "text, serial":
                return  # Text shows nothing of a session that asks its name and goes.
            other = Session(link.link)
            other.synchronize(Deadline.after(_STEP_S))
            other.identify(Deadline.after(_STEP_S))
        elif self.event == "other board":
            twin = self.stack.enter_context(_board())
            flash(self.images.other["other build"], twin.board, twin.probe_uid, _flash_time())
            link.link.close()
            link.link = SerialLink(twin.serial_url, twin.baud)
        else:
            self._through_probe(self.images.other.get(self.event))

    def _is_turned_away(self) -> bool:
        """Whether somebody who takes the board as a station of his own is told that it is taken."""
        wiring = Wiring(board=_BOARD, probe=self.dut.probe_uid, port=self.dut.serial_url)
        try:
            with attached(Station("elsewhere", self.dut.board, wiring)):
                return False
        except TakenError:
            return True

    def _through_probe(self, image: Image | None) -> None:
        board, uid = self.dut.board, self.dut.probe_uid
        for link in self.probed:
            # One process can open the probe only once; a probe of another host would take over.
            link.close()
        if image is None:
            reset(board, uid, _flash_time())
        else:
            flash(image, board, uid, _flash_time())


def _ignore(done: float, total: float) -> None:
    del done, total


class _Silent:
    """A `Reporter` that reports nothing; it tells the link when a figure is asked."""

    def __init__(self, link: IntrudedLink) -> None:
        self._link = link

    @contextmanager
    def bar(self, title: str) -> Iterator[Progress]:
        del title
        with self._link.figure():
            yield _ignore

    def made(self, entry: Entry) -> None:
        del entry

    def notice(self, text: str) -> None:
        """Nobody is told."""

    def judged(self, verdict: object, outcome: object) -> str:
        del verdict, outcome
        return ""


def _flash_time() -> Deadline:
    return Deadline.after(_FLASH_S)


@contextmanager
def _board() -> Iterator[Dut]:
    board = load_boards()[_BOARD]
    with attached(stations({board.name: board}, None)[board.name]) as dut:
        yield dut


@dataclass(frozen=True)
class Kept:
    """What a run's record holds."""

    metrics: Mapping[str, Mapping[str, float]]
    """Of each measure that was finished."""
    rows: Mapping[str, tuple[Any, ...]]
    """What the device answered, by measure: scores, or times."""
    passed: tuple[int, int] = (0, 0)
    """Bytes before the first query, and in all."""
    restarts: int = 0

    def is_part_of(self, clean: Kept, *, whole: bool) -> bool:
        """Whether all of it is as in an undisturbed run."""
        if whole and self.metrics.keys() != clean.metrics.keys():
            return False
        return all(
            _alike(clean.metrics[name][metric], value)
            for name, found in self.metrics.items()
            for metric, value in found.items()
        ) and all(
            all(map(_alike, clean.rows[name], found)) and len(found) <= len(clean.rows[name])
            for name, found in self.rows.items()
        )


def _alike(one: Any, other: Any) -> bool:
    """Equal scores and counts; times may differ by what a timer's phase does."""
    return bool(np.allclose(one, other, rtol=1e-3, atol=0.0))


def clean(way: Way, made: Images) -> Kept:
    """An undisturbed run."""
    kept, error, _ = _run(way, made, "reset", None)
    assert error is None, error
    return kept


def attempt(way: Way, made: Images, event: Event, seed: int, known: Kept) -> Outcome:
    """One run with an event at a random moment after the identification."""
    rng = random.Random(f"{way} {event} {seed}")  # noqa: S311 - a seed, not a secret
    kept, error, link = _run(way, made, event, rng.randrange(*known.passed))
    right = kept.is_part_of(known, whole=error is None)
    verdict = verdict_of(event, link, right, error)
    return Outcome(event, link.happened, verdict, str(error or ""), kept.restarts)


def _run(
    way: Way, made: Images, event: Event, due: int | None
) -> tuple[Kept, TinyhilError | None, IntrudedLink]:
    """Flash, identify, measure; an event when `due` bytes have passed over the serial port."""
    error: TinyhilError | None = None
    with ExitStack() as stack:
        dut = stack.enter_context(_board())
        flash(made.ours, dut.board, dut.probe_uid, _flash_time())
        bench = _Bench(event, made, dut, stack, way)
        link = IntrudedLink(SerialLink(dut.serial_url, dut.baud), bench.intrude)
        stack.callback(link.close)
        job = _job(way, made, dut)
        record = Record.start(Path(stack.enter_context(tempfile.TemporaryDirectory())), _asked(job))
        stack.callback(record.close)
        record.begin(job.facts, job.contents)

        def tap(opened: Link, _: str) -> Link:
            bench.probed = [opened]
            return opened

        begun = 0
        try:
            session = Session(link)
            session.synchronize(Deadline.after(_STEP_S))
            reporter = _Silent(link)
            ladder = Ladder(dut, made.ours, reporter.notice, on=False)
            talk = converse(session, job, ladder, tap, reporter.notice, record.raw)
            measurement = Measurement(talk, record, reporter, ladder)
            begun, link.due = link.passed, due
            for metric in _METRICS:
                measurement.outcome(metric)
        except TinyhilError as fault:
            error = fault
        return _kept(record, (begun, link.passed)), error, link


def _job(way: Way, made: Images, dut: Dut) -> Job:
    return Job(
        dut,
        made.task,
        made.material,
        made.ours,
        made.model_sha256,
        "rtt" if way == "frames, rtt" else "serial",
        quick=True,
        all_windows=False,
        read_back=0.05,
        faults=None,
        seed=1,
    )


def _asked(job: Job) -> Configuration:
    return Configuration(
        station=job.dut.station,
        board=job.dut.board.name,
        tasks=(job.task.name,),
        link=job.link,
        quick=True,
        all_windows=False,
        read_back=job.read_back,
    )


def _kept(record: Record, passed: tuple[int, int]) -> Kept:
    made = (record.folder / LINES).exists()
    found = [line for _, line in record_lines(record.folder)] if made else []
    ended = [line for line in found if not line.failed]
    return Kept(
        {
            str(line.measure): {str(metric): value for metric, value in line.metrics.items()}
            for line in ended
        },
        {
            path.stem.partition("-")[2]: tuple(map(_answer, plain(record.rows(path.stem))))
            for path in sorted(record.raw.glob("*.jsonl"))
        },
        passed,
        sum(line.details.get("restarts", 0) for line in ended),
    )


def _answer(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What of a row is the same in each run: not the time since boot."""
    if "label" in row:
        return tuple(row["scores"])
    return row.get("times") or (row["count"], row["end_us"] - row["start_us"])
