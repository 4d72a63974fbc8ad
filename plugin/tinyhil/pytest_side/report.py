"""What a pytest run shows of the boards: progress, the table, Allure results, the HTML page."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from tinyhil.catalog import metrics
from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task
from tinyhil.catalog.units import station_label
from tinyhil.catalog.verdict import Verdict
from tinyhil.device.dut import Dut
from tinyhil.device.faults import Fault
from tinyhil.flash import FlashResult
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, TinyhilError
from tinyhil.ground.files import writing_to
from tinyhil.ground.interrupts import breakable, caught
from tinyhil.ground.outputs import check_folder
from tinyhil.ground.progress import Progress, progress_bar
from tinyhil.judge.gate.compare import Comparison
from tinyhil.measure.measures import Accuracy, SingleStream
from tinyhil.measure.runner import Outcome
from tinyhil.publish.report import allure, html
from tinyhil.publish.report.table import verdict_table
from tinyhil.publish.report.title import data_label, title_of
from tinyhil.pytest_side.items import BOARD, TASK
from tinyhil.pytest_side.plan import Plan
from tinyhil.record import Entry

plan_key = pytest.StashKey[Plan]()
"""Where a run's plan is, once its options have been checked."""

REPORT = "tinyhil-report"
"""Name of the `HilReport` among pytest's plugins."""

_RENDER_S = 120.0
_TABLE_COLUMNS = 100
"""At least; a log file has no width."""


def choose_results(config: pytest.Config, runs: Path) -> Path | None:
    """The folder of Allure's results: the user's ``--alluredir``, or a new one among the runs.

    Must be called before allure-pytest is configured, which looks at its option then.

    Raises:
        ConfigError: the folder can't be made or written.
    """
    option = config.option
    if not hasattr(option, "allure_report_dir"):
        return None  # The user has switched allure-pytest off.
    if not option.allure_report_dir:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        option.allure_report_dir = str(runs / f"{stamp}_report" / "allure-results")
    check_folder(Path(option.allure_report_dir), "--alluredir")
    return Path(option.allure_report_dir)


def report_of(config: pytest.Config) -> HilReport:
    """The report of this pytest run."""
    report = config.pluginmanager.getplugin(REPORT)
    assert isinstance(report, HilReport)
    return report


class HilReport:
    """Gathers what the boards of a pytest run gave; idle in a run that tests none."""

    def __init__(self, config: pytest.Config, results: Path | None) -> None:
        self.runs: list[Path] = []
        self.comparisons: list[Comparison] = []
        """With the baseline."""
        self._config = config
        self._results = results
        self._guard = allure.Guard(results) if results else None
        if self._guard:
            config.add_cleanup(self._guard.close)
        self._entries: list[Entry] = []
        self._stations: dict[str, Board] = {}
        self._folders: dict[str, Path] = {}
        self._page: Path | None = None
        self._problem: TinyhilError | None = None

    @contextmanager
    def bar(self, title: str) -> Iterator[Progress]:
        """A progress bar on the terminal, past pytest's capturing."""
        with self._uncaptured():
            print()  # noqa: T201 - leaves the line on which pytest names the test
            with progress_bar(Console(), title) as progress:
                yield progress

    def _uncaptured(self) -> AbstractContextManager[None]:
        capture = self._config.pluginmanager.getplugin("capturemanager")
        return cast(AbstractContextManager[None], capture.global_and_fixture_disabled())

    def flashed(self, dut: Dut, result: FlashResult) -> None:
        """An image is on a board; say whether it had to be programmed."""
        how = "held the image already, by comparison" if result.skipped else "programmed"
        text = (
            f"{dut.station}: {result.image_bytes:,} bytes {how}, verified, {result.seconds:.2f} s"
        )
        allure.attach_text("flash", text)
        self.say(text)

    def injected(self, dut: Dut, link: str, faults: Sequence[Fault]) -> None:
        """Faults were injected into a link on purpose; say how many, and which."""
        kinds = Counter(fault.kind for fault in faults)
        count = ", ".join(f"{number} x {kind}" for kind, number in sorted(kinds.items()))
        self.say(f"{dut.station}: injected into the {link} link: {count or 'nothing'}")
        allure.attach_text(f"faults injected, {link}", "\n".join(map(str, faults)))

    def say(self, text: str) -> None:
        """Print a line past pytest's capturing."""
        with self._uncaptured():
            print(text)  # noqa: T201

    def notice(self, text: str) -> None:
        """Say at once what we wait for."""
        self.say(text)

    def compared(self, comparison: Comparison) -> None:
        """A figure was compared with the baseline's."""
        self.comparisons.append(comparison)

    def made(self, entry: Entry) -> None:
        """See `runner.Reporter`."""
        self._entries.append(entry)

    def using(self, station: str, board: Board, folder: Path) -> None:
        """A run on a station has begun, with its record in `folder`."""
        self._stations[station], self._folders[station] = board, folder
        self.runs.append(folder)

    def judged(self, verdict: Verdict, outcome: Outcome) -> None:
        """See `runner.Reporter`."""
        job, data_set = outcome.job, outcome.entry.subject.data_set
        allure.describe(
            job.dut.board, job.task, verdict.metric, data_set=data_set, station=job.dut.station
        )
        allure.attach_text("verdict", str(verdict))
        if allure.active():
            folder = self._folders[job.dut.station]
            for name, svg in chain(_pictures(outcome), _earlier(folder, job.task, verdict.metric)):
                allure.attach_svg(name, svg)
        line = outcome.entry.as_json("")
        allure.attach_text("record", json.dumps(line, indent=2))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show an error of ours as its text: it names the thing and the next step."""
        if call.when == "setup" and call.excinfo:
            self._describe_unmeasured(item)
        report = yield
        if call.excinfo and isinstance(call.excinfo.value, TinyhilError):
            report.longrepr = f"{type(call.excinfo.value).__name__}: {call.excinfo.value}"
        return report

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Turn Allure's results into one HTML file when they are complete, unless the user has
        stopped the run."""
        try:
            yield
        finally:
            if self.runs and self._results is not None:
                self._finish(self._results)

    def _finish(self, results: Path) -> None:
        try:
            with breakable(), writing_to(results):
                self._page = self._render(results)
        except BenchError as error:
            self._problem = error
        except KeyboardInterrupt:
            self._problem = _interrupted()

    def _render(self, results: Path) -> Path:
        """Make the page.

        Raises:
            BenchError: it can't be made, or a result could not be written.
            OSError: something can't be written.
        """
        if caught():
            raise _interrupted()
        from tinyhil.publish.report import history  # noqa: PLC0415 - matplotlib takes a second

        for name, svg in chain.from_iterable(map(history.pictures, self.runs)):
            allure.attach_svg_to_run(name, svg)
        if self._guard and self._guard.error:
            raise self._guard.error
        allure.write_environment(results, self._environment())
        allure.write_categories(results)
        page, runs = results.parent / "report.html", self.runs[0].parent
        return html.render(results, page, Deadline.after(_RENDER_S), runs / "history.jsonl")

    def _describe_unmeasured(self, item: pytest.Item) -> None:
        """Name a test whose set-up failed, so that the report says what could not be measured."""
        plan, params = self._config.stash.get(plan_key, None), getattr(item, "callspec", None)
        if plan and params and {BOARD, TASK} <= params.params.keys():
            station = plan.station(params.params[BOARD])
            allure.describe(
                station.board,
                plan.task(params.params[TASK]),
                params.params.get("metric", getattr(item, "originalname", item.name)),
                data_set="unknown",
                station=station.name,
            )

    def _environment(self) -> dict[str, str]:
        """What the whole run was made with, for the report's first page."""
        subjects = [entry.subject for entry in self._entries]
        values = {
            "tinyhil": version("pytest-tinyhil"),
            "pyOCD": version("pyocd"),
            "pytest": version("pytest"),
            "Python": platform.python_version(),
            "host": f"{platform.system()} {platform.machine()}",
            "data set": ", ".join(sorted({data_label(subject.data_set) for subject in subjects})),
        }
        for station, board in self._stations.items():
            emulated = ", emulated: times are instruction counts" if board.emulated else ""
            label = station_label(station, board.name)
            values[f"station {label}"] = f"{board.processor}{emulated}"
        for subject in subjects:
            seen = subject.firmware_sha256 or "as the board was: not flashed, not seen"
            values[f"firmware {subject.station} {subject.task}"] = seen
        return values

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table, and where all files are."""
        if not self.runs:
            return
        terminalreporter.section("tinyhil")
        console = Console()
        if not console.is_terminal:
            console = Console(width=_TABLE_COLUMNS)
        boards = {board.name: board for board in self._stations.values()}
        console.print(verdict_table(self._entries, boards))
        for entry in self._entries:
            if entry.measure is MeasureName.MEMORY and entry.error is None:
                console.print(_memory_line(entry))
        for folder in self.runs:
            there = "" if folder.is_dir() else " is gone; nothing of it is kept"
            terminalreporter.line(f"run:    {folder}{there}")
        if self._page:
            terminalreporter.line(f"report: {self._page}")
        if self._problem:
            terminalreporter.line(f"no HTML report: {self._problem}")


def _interrupted() -> BenchError:
    number = caught()
    return BenchError(
        f"the run was ended by {number.name if number else 'Ctrl-C'}",
        hint="let a run finish",
    )


def _memory_line(entry: Entry) -> str:
    """The parts of a memory size, in bytes."""
    parts = {name: "?" if size is None else f"{size:,}" for name, size in entry.details.items()}
    return (
        "{station} {task}: text {text}, data {data}, bss {bss} (tensor arena {arena}) bytes; "
        "stack {stack_used} of {stack_reserved} bytes used"
    ).format(station=entry.subject.station, task=entry.subject.task, **parts)


def _pictures(outcome: Outcome) -> Iterator[tuple[str, bytes]]:
    """Name and SVG of what a measure has to show."""
    from tinyhil.publish.report import figures  # noqa: PLC0415 - matplotlib takes a second

    result, subject, job = outcome.finding.result, outcome.entry.subject, outcome.job
    if isinstance(result, SingleStream):
        emulator = job.dut.board.emulator
        yield (
            "latency histogram",
            figures.latency_histogram(
                result,
                title=title_of(subject, "single-stream latency"),
                instruction_s=emulator.instruction_s if emulator else None,
            ),
        )
    elif isinstance(result, Accuracy) and job.task.result == "scores":
        counts = metrics.confusion(result.labels, result.scores)
        title = title_of(subject, "confusion matrix")
        yield "confusion matrix", figures.confusion_matrix(counts, job.task.classes, title=title)


def _earlier(folder: Path, task: Task, metric: Metric) -> Iterator[tuple[str, bytes]]:
    """The same of the runs before."""
    from tinyhil.publish.report import history  # noqa: PLC0415 - as above

    return history.pictures_of(folder, task.name, metric)
