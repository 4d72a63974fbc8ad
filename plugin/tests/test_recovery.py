"""A board that breaks in the middle of a measure is brought back, and tells the same figures."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from rich.console import Console

from tinyhil.benchmarks.resume import compare
from tinyhil.catalog.bench import Station
from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task
from tinyhil.data.material import Material
from tinyhil.device.dut import Dut, attached
from tinyhil.device.faults import Fault, Injector, Kind, parse_spec
from tinyhil.device.faults.board import spoil
from tinyhil.device.links import Link
from tinyhil.device.links.serial import open_link
from tinyhil.flash import flash, hang
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import (
    BenchError,
    ConfigError,
    DeviceError,
    IdentityError,
    LinkError,
    LinkTimeoutError,
    MonitorError,
    QuarantinedError,
    TakenError,
    TinyhilError,
    WriteError,
)
from tinyhil.image.build import Firmware
from tinyhil.image.elf import Image
from tinyhil.judge.gate.compare import Gate
from tinyhil.judge.gate.reading import load
from tinyhil.judge.gate.table import show
from tinyhil.judge.verify.run import verify
from tinyhil.measure import ladder as ladders
from tinyhil.measure.job import Job
from tinyhil.measure.ladder import Ladder, Line, is_fault
from tinyhil.publish.report.ci import properties, summary
from tinyhil.publish.report.table import show_verdicts
from tinyhil.publish.results.columns import figure_cells, remarks
from tinyhil.publish.results.rows import Figures, Row
from tinyhil.pytest_side.report import memory_line
from tinyhil.record.recall import recalled
from tinyhil.record.recovery import Rung, Step, as_details, recovered_by, steps_of, told
from tinyhil.record.store import read_run

from . import recorded
from .gate_runs import Content, write

METRICS: tuple[Metric, ...] = ("top1",)
NIGHTLY = (pytest.mark.long, pytest.mark.nightly)
RUNGS: tuple[Rung, ...] = get_args(Rung)[1:-1]
"""Of a board of this host."""
SILENT = LinkTimeoutError("it says nothing", hint="look at it")


@pytest.fixture(scope="module")
def dut(mps2: Board, stand_in_firmware: Firmware) -> Iterator[Dut]:
    """A board of the test file's own, which is broken, and comes back."""
    with attached(Station(mps2.name, mps2, None)) as dut:
        flash(stand_in_firmware.image, mps2, dut.probe_uid, Deadline.after(60))
        yield dut


@pytest.fixture
def image(stand_in_firmware: Firmware) -> Image:
    return stand_in_firmware.image


@pytest.fixture
def job(dut: Dut, image: Image, kws01: Task, stand_in: Material) -> Job:
    return Job(
        dut, kws01, stand_in, image, None, "serial", quick=True, all_windows=False, read_back=0.05,
        faults=None, seed=1,
    )  # fmt: skip


def injector(text: str, dut: Dut, image: Image) -> Injector:
    """Faults that break this board."""
    return Injector(
        parse_spec(text),
        {
            "hang": lambda: hang(dut.board, dut.probe_uid),
            "corrupt": lambda: spoil(image, dut.board, dut.probe_uid, Deadline.after(60)),
            "freeze": dut.freeze,
            "death": dut.power_off,
        },
    )


class Bench:
    """A board with its ladder, in step and identified."""

    def __init__(self, dut: Dut, image: Image, *, on: bool = True) -> None:
        self.told: list[str] = []
        self.ladder = Ladder(dut, image, self.told.append, on=on)
        self.faults = injector("kinds=mute+noise,every=1000000,hold_ms=1500", dut, image)
        self.breaking = injector("kinds=hang+corrupt+freeze+death", dut, image)
        self.line = Line(lambda deadline: self.faults.through(open_link(dut, deadline)))
        self.ladder.open(self.line)
        self.line.session.identify(Deadline.after(60))

    def breaks(self, kind: Kind) -> None:
        """Break the board."""
        (self.faults if kind == "mute" else self.breaking).act(Fault(kind, "in", 0, "on purpose"))


@pytest.fixture
def bench(dut: Dut, image: Image) -> Iterator[Bench]:
    made = Bench(dut, image)
    yield made
    made.line.close()


def climbed(bench: Bench) -> tuple[list[Rung], list[Rung]]:
    """What did not help, and what did."""
    steps = bench.ladder.take()
    without = [step.rung for step in steps if not step.helped]
    return without, [step.rung for step in steps if step.helped]


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A board that says nothing is not waited for long."""
    monkeypatch.setattr(ladders, "_SOON_S", 0.5)


@pytest.mark.parametrize(
    ("kind", "first", "helps"),
    [
        ("mute", "reopen the port", "resynchronize"),
        ("hang", "reset by pin", "reset by pin"),
        ("hang", "reset by probe", "reset by probe"),
        ("corrupt", "reflash", "reflash"),
        ("freeze", "power cycle", "power cycle"),
    ],
)
@pytest.mark.usefixtures("_soon")
def test_a_rung_brings_back_what_it_can(
    kind: Kind, first: Rung, helps: Rung, bench: Bench, dut: Dut
) -> None:
    probe = dut.probe_uid
    bench.breaks(kind)
    assert bench.ladder.recover(SILENT, first=first)
    without, helped = climbed(bench)
    assert (without, helped) == ([*RUNGS[RUNGS.index(first) : RUNGS.index(helps)]], [helps])
    assert bench.ladder.doubtful == (kind in ("corrupt", "freeze"))
    assert (dut.probe_uid != probe) == (kind == "freeze"), "another process plays it then"
    assert bench.line.session.identify(Deadline.after(60)).task == "kws01"
    assert bench.told[-1].startswith(f"mps2-an386: {helps} has helped")


@pytest.mark.nightly
@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "helps"),
    [("hang", "reset by pin"), ("corrupt", "reflash"), ("freeze", "power cycle")],
)
def test_no_rung_below_helps(kind: Kind, helps: Rung, bench: Bench) -> None:
    bench.breaks(kind)
    assert bench.ladder.recover(SILENT)
    without, helped = climbed(bench)
    assert (without, helped) == ([*RUNGS[: RUNGS.index(helps)]], [helps])


def test_what_does_not_last_is_not_tried_again_but_where_more_was_measured(bench: Bench) -> None:
    """The board is well all the time: it is the measure that fails at the same place."""
    for rung in RUNGS:
        assert bench.ladder.recover(SILENT)
        assert climbed(bench) == ([], [rung])
    assert not bench.ladder.recover(SILENT), "all were tried"
    assert bench.ladder.recover(SILENT, got_further=True)
    assert climbed(bench) == ([], [RUNGS[0]])
    assert not bench.ladder.recover(SILENT, got_further=True), "it does not work so often"
    bench.ladder.begin()
    assert bench.ladder.recover(SILENT, got_further=True)


def test_a_port_that_comes_late_is_opened_by_a_later_rung(dut: Dut, image: Image) -> None:
    tries: list[str] = ["a port", "that is", "not there"]

    def open_port(deadline: Deadline) -> Link:
        if tries:
            raise BenchError(tries.pop(), hint="-")
        return open_link(dut, deadline)

    line, ladder = Line(open_port), Ladder(dut, image, lambda _: None, on=True)
    ladder.open(line)
    assert [(step.rung, step.said) for step in ladder.take()] == [
        ("reopen the port", "that is"), ("resynchronize", "a port"), ("reset by pin", "")
    ]  # fmt: skip
    assert line.session.identify(Deadline.after(60)).task == "kws01"
    line.close()


def test_a_board_that_answers_is_not_put_away_for_its_power_switch(
    dut: Dut, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Deadline) -> None:
        raise BenchError("the relay is stuck", hint="-")

    monkeypatch.setattr(dut, "power", broken)
    bench = Bench(dut, image)
    assert not bench.ladder.recover(SILENT, first="power cycle")
    assert climbed(bench) == (["power cycle"], [])
    assert not dut.out_of_use
    bench.line.close()


def test_a_board_in_step_that_holds_something_else_is_flashed(bench: Bench) -> None:
    assert bench.ladder.recover(IdentityError("another build", hint="-"))
    assert climbed(bench) == ([], ["reflash"])
    assert bench.ladder.doubtful, "who answered before is not known"


def test_what_is_no_fault_of_link_or_board_stays_the_error_that_it_is(
    bench: Bench, dut: Dut, image: Image
) -> None:
    kinds: tuple[type[TinyhilError], ...] = (
        DeviceError, ConfigError, TakenError, WriteError, MonitorError, QuarantinedError,
    )  # fmt: skip
    for kind in kinds:
        error = kind("this", hint="that")
        assert not bench.ladder.recover(error)
        assert str(error) == "this\n  next step: that"
    assert all(is_fault(kind("", hint="")) for kind in (LinkError, IdentityError, BenchError))
    assert not Ladder(dut, image, bench.told.append, on=False).recover(SILENT)
    assert climbed(bench) == ([], [])


def test_a_dead_board_goes_into_quarantine_with_the_reason(mps2: Board, image: Image) -> None:
    noted: list[str] = []
    with attached(Station(mps2.name, mps2, None)) as dut:
        dut.keep_out = noted.append
        bench = Bench(dut, flashed(image, dut))
        bench.breaks("death")
        error = LinkTimeoutError("it says nothing", hint="look at it")
        assert not bench.ladder.recover(error, first="power cycle")
        assert climbed(bench) == (["power cycle", "quarantine"], [])
        assert "nothing has helped (power cycle): the board is in quarantine" in str(error)
        assert "`tinyhil farm return mps2-an386`" in str(error)
        assert noted == [dut.out_of_use] == ["it says nothing; without help: power cycle"]
        with pytest.raises(QuarantinedError, match="in quarantine: it says nothing"):
            dut.refuse_if_out_of_use()
        assert not bench.ladder.recover(LinkError("x", hint="y")), "nothing is left to try"
        bench.line.close()


def flashed(image: Image, dut: Dut) -> Image:
    flash(image, dut.board, dut.probe_uid, Deadline.after(60))
    return image


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "record.jsonl").read_text().splitlines()]


def measured(kind: str, job: Job, runs: Path, reporter: recorded.Silent) -> Path:
    """A run on a board that breaks once, behind some of the answers."""
    assert job.image is not None
    text = f"kinds={kind},direction=in,every=1,first=2500,limit=1"
    return recorded.measure(
        runs,
        job,
        METRICS,
        faults=injector(text, job.dut, job.image),
        ladder=Ladder(job.dut, job.image, reporter.notice, on=True),
        reporter=reporter,
    )


@pytest.mark.parametrize(
    ("kind", "rung"),
    [
        ("disconnect", "reopen the port"),
        pytest.param("noise", "reopen the port", marks=NIGHTLY),
        pytest.param("hang", "reset by pin", marks=NIGHTLY),
        pytest.param("corrupt", "reflash", marks=NIGHTLY),
        pytest.param("freeze", "power cycle", marks=NIGHTLY),
    ],
)
def test_a_measure_that_was_recovered_has_the_figures_of_one_that_was_not(
    kind: str, rung: Rung, job: Job, tmp_path: Path
) -> None:
    reporter = recorded.Silent()
    folder = measured(kind, job, tmp_path / "broken", reporter)
    (line,) = lines(folder)
    assert recovered_by(line["details"]) == (rung,)
    assert reporter.entries[-1].recovered == (rung,)
    assert verify(folder).findings == ()
    assert list(compare(recorded.measure(tmp_path / "well", job, METRICS), folder)) == []
    parts = json.loads((folder / "run.json").read_text())["parts"]
    kept = parts[-1]["rows"].get("kws01-accuracy", 0)
    assert line["details"].get("resumed", 0) == kept
    assert (kept > 0) == (kind not in ("corrupt", "freeze")), "who answered before is not known"


def test_a_fault_ends_its_measure_where_recovery_is_off(job: Job, tmp_path: Path) -> None:
    assert job.image is not None
    off = Ladder(job.dut, job.image, lambda _: None, on=False)
    with pytest.raises(LinkError):
        recorded.measure(
            tmp_path, job, METRICS, ladder=off,
            faults="kinds=disconnect,direction=in,every=1,first=2500,limit=1",
        )  # fmt: skip
    (folder,) = tmp_path.iterdir()
    (line,) = lines(folder)
    assert line["verdict"] == "error"
    assert "recovery" not in line["details"]


def test_what_a_record_says_of_recovery_is_read_strictly() -> None:
    steps = [
        Step.of("reopen the port", "\x1b[31mred\n" + "x" * 999, 1.0, "no"),
        Step.of("reset by pin", "silent", 0.25),
    ]
    details = json.loads(json.dumps(as_details(steps)))
    assert steps_of(details) == tuple(steps)
    assert recovered_by(details) == ("reset by pin",)
    text = told(details)
    assert text.startswith("reopen the port (no help), reset by pin; 1.2 s in all; ")
    assert "\x1b" not in text
    assert len(text) < 500
    many = [Step.of("resynchronize", f"fault {number}", 1.0) for number in range(5000)]
    text = told(as_details([*many, Step.of("reset by pin", "silent", 1.0, "no")]))
    assert text.startswith("resynchronize (5000 times), reset by pin (no help); 5001.0 s in all; f")
    assert text.endswith("fault 1; fault 2; 4998 more")
    assert recovered_by(as_details(many)) == ("resynchronize",)
    for wrong in ({"recovery": 1}, {"recovery": [{"rung": "prayer"}]}, {}):
        assert steps_of(wrong) == ()
        assert told(wrong) == ""


def test_a_figure_that_was_recovered_says_so_in_tables_junit_gate_and_results(
    tmp_path: Path,
) -> None:
    steps = (Step.of("reopen the port", "silent", 5.0, "no"), Step.of("reset by pin", "silent", 1))
    runs = [write(tmp_path, Content(recovery=recovery)) for recovery in ((), steps)]
    text = "reopen the port (no help), reset by pin; 6.0 s in all; silent"

    compared = Gate(load(runs[0])).compare(load(runs[1]))
    assert {one.metric for one in compared if one.recovered == text} == {"top1", "auc", "outputs"}
    assert f"measured only after recovery: {text}" in str(compared[-1])
    printed = io.StringIO()
    console = Console(file=printed, width=200, no_color=True)
    show(compared, console, {})
    assert "no regression, recovered" in printed.getvalue()

    run = read_run(runs[1])
    entries = recalled(run)
    show_verdicts(entries, {}, console)
    table = " ".join(printed.getvalue().split())
    assert "accuracy: measured only after recovery: reopen the port (no help), reset by" in table
    accuracy = next(one for one in entries if one.recovered)
    assert ("recovered", text) in properties(accuracy.verdicts[0], accuracy)
    assert "| not judged, recovered |" in summary(entries, compared, {}, runs, {})
    row = Row(tasks={"kws01": Figures(top1=0.9, latency_p90_s=1.0, recovered=True)})
    assert figure_cells(row, "kws01")[0].endswith("(recovered)")
    assert any(said.startswith("(recovered): the board failed") for said in remarks([row]))


def test_the_parts_of_a_memory_size_are_told_of_a_board_that_was_brought_back(
    tmp_path: Path,
) -> None:
    entries = recalled(read_run(write(tmp_path, Content())))
    memory = next(one for one in entries if one.measure is MeasureName.MEMORY)
    steps = as_details([Step.of("reset by pin", "silent", 1.0)])
    recovered = replace(memory, details={**memory.details, **steps, "restarts": 1})
    assert memory_line(recovered) == memory_line(memory)
    assert "tensor arena without input and output 16,528" in memory_line(recovered)
