"""What a pytest run shows of the boards: progress, the table, the report, Allure's results."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from rich.console import Console

from tinyhil.catalog import metrics
from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task
from tinyhil.catalog.units import station_label
from tinyhil.catalog.verdict import Verdict
from tinyhil.catalog.wording import data_label
from tinyhil.device.dut import Dut
from tinyhil.device.faults import Fault, ProbeFault
from tinyhil.flash import FlashResult
from tinyhil.ground.errors import TinyhilError
from tinyhil.ground.outputs import check_folder
from tinyhil.ground.paths import SUITES
from tinyhil.ground.progress import Progress, progress_bar
from tinyhil.ground.tables import show_text
from tinyhil.ground.text import replace_unprintable
from tinyhil.judge.gate.compare import Comparison
from tinyhil.measure.energy.result import Energy
from tinyhil.measure.measures import Accuracy, SingleStream
from tinyhil.measure.runner import Outcome
from tinyhil.publish.report import allure, ci
from tinyhil.publish.report.history import missed_since, points_of
from tinyhil.publish.report.table import show_verdicts
from tinyhil.publish.report.title import figure_title, gate_title, title_of
from tinyhil.pytest_side.again import note_recovered
from tinyhil.pytest_side.items import BOARD, TASK, plan_key, station_of
from tinyhil.pytest_side.pages import Pages
from tinyhil.pytest_side.seen import SeenTests
from tinyhil.record import Entry
from tinyhil.record.recovery import told
from tinyhil.record.schema import RUN, MemoryRow
from tinyhil.record.signing import is_signed

if TYPE_CHECKING:
    from tinyhil.publish.report.page.content import Source

REPORT = "tinyhil-report"
"""Name of the `HilReport` among pytest's plugins."""


def choose_results(config: pytest.Config, folder: Path | None) -> Path | None:
    """The folder of Allure's results: the user's ``--alluredir``, else a new one beside the report.

    Args:
        config: of the run.
        folder: of the reports; None after allure-pytest has been configured, which looks at its
            option once.

    Raises:
        ConfigError: the folder can't be made or written.
    """
    option = config.option
    if not hasattr(option, "allure_report_dir"):
        return None  # The user has switched allure-pytest off.
    if not option.allure_report_dir:
        if folder is None:
            return None
        option.allure_report_dir = str(folder / "allure-results")
    check_folder(Path(option.allure_report_dir), "--alluredir")
    return Path(option.allure_report_dir)


def report_of(config: pytest.Config) -> HilReport:
    """The report of this pytest run."""
    report = config.pluginmanager.getplugin(REPORT)
    assert isinstance(report, HilReport)
    return report


class HilReport:
    """Gathers what the boards of a pytest run gave; idle in a run that tests none.

    Args:
        config: of the run.
        results: folder of Allure's results, if there are any.
        folder: for the pages; None in a worker of pytest-xdist, which makes none.
    """

    def __init__(
        self, config: pytest.Config, results: Path | None, folder: Path | None = None
    ) -> None:
        self.runs: list[Path] = []
        self.comparisons: list[Comparison] = []
        """With the baseline."""
        self.notes: list[str] = []
        """What else the reader of a summary is to know."""
        self.entries: list[Entry] = []
        self._config = config
        self._results = results
        self._guard = allure.Guard(results) if results else None
        self._drawn: tuple[Entry | None, list[tuple[str, bytes]]] = None, []
        """The measure whose pictures were drawn last, and they."""
        if self._guard:
            config.add_cleanup(self._guard.close)
        self._item: pytest.Item | None = None
        self._stations: dict[str, Board] = {}
        self.folders: dict[str, Path] = {}
        """Of the last run of each station."""
        self._measured: dict[tuple[Path | None, str, MeasureName], Entry] = {}
        self._made = Pages(folder, results, self._guard) if folder else None
        self.tests = SeenTests()
        """Named after their figures."""

    @contextmanager
    def bar(self, title: str) -> Iterator[Progress]:
        """A progress bar on the terminal, past pytest's capturing."""
        with self._uncaptured():
            replace_unprintable()
            print()  # noqa: T201 - leaves the line on which pytest names the test
            with progress_bar(Console(markup=False), title) as progress:
                yield progress

    def _uncaptured(self) -> AbstractContextManager[None]:
        capture = self._config.pluginmanager.getplugin("capturemanager")
        return cast(AbstractContextManager[None], capture.global_and_fixture_disabled())

    def flashed(self, dut: Dut, result: FlashResult) -> None:
        """An image is on a board; say whether it had to be programmed."""
        how = "held the image already, by comparison"
        if not result.skipped:
            how = f"of image, {result.programmed_bytes:,} programmed"
        text = (
            f"{dut.station}: {result.image_bytes:,} bytes {how}, verified, {result.seconds:.2f} s"
        )
        allure.attach_text("flash", text)
        self.say(text)

    def injected(self, dut: Dut, link: str, faults: Sequence[Fault | ProbeFault]) -> None:
        """Faults were injected into a link on purpose; say how many, and which."""
        kinds = Counter(fault.kind for fault in faults)
        count = ", ".join(f"{number} x {kind}" for kind, number in sorted(kinds.items()))
        self.say(f"{dut.station}: injected into the {link} link: {count or 'nothing'}")
        allure.attach_text(f"faults injected, {link}", "\n".join(map(str, faults)))

    def say(self, text: str) -> None:
        """Print a line past pytest's capturing."""
        with self._uncaptured():
            replace_unprintable()
            print(text)  # noqa: T201

    def notice(self, text: str) -> None:
        """Say at once what we wait for."""
        self.say(text)

    def compared(self, comparison: Comparison) -> None:
        """A figure was compared with the baseline's."""
        self.comparisons.append(comparison)
        self.tests.name(gate_title(comparison), "pass" if comparison else "fail")
        self._tell(ci.compared(comparison))

    @property
    def boards(self) -> dict[str, Board]:
        """Types of the boards that were used, by name."""
        return {board.name: board for board in self._stations.values()}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note who asks for the figures that come."""
        self._item = item

    def _tell(self, properties: Iterable[tuple[str, str]]) -> None:
        """Add what the running test has found to its report, for JUnit's file."""
        if self._item:
            # A test may be run again, or judge twice: the last value counts.
            told = dict(properties)
            others = [one for one in self._item.user_properties if one[0] not in told]
            self._item.user_properties[:] = [*others, *told.items()]

    def made(self, entry: Entry) -> None:
        """See `runner.Reporter`; what was measured at last takes the place of its error."""
        subject = entry.subject
        place = (self.folders.get(subject.station), subject.task, entry.measure)
        before = self._measured.get(place)
        if before is not None and before.error is not None:
            self.entries.remove(before)
        self._measured[place] = entry
        self.entries.append(entry)

    def using(self, station: str, board: Board, folder: Path) -> None:
        """A run on a station has begun, with its record in `folder`."""
        self._stations[station], self.folders[station] = board, folder
        self.runs.append(folder)

    def judged(self, verdict: Verdict, outcome: Outcome) -> str:
        """See `runner.Reporter`."""
        # Our suites have a test for each figure; a suite of the user's need not.
        own = self._item is not None and not self._item.path.is_relative_to(SUITES)
        note_recovered(self._item, outcome.entry.recovered)
        self._tell(ci.properties(verdict, outcome.entry, whole=own))
        job, data_set = outcome.job, outcome.entry.subject.data_set
        title = figure_title(
            verdict,
            emulated=job.dut.board.emulated,
            modelled=bool(outcome.entry.details.get("modelled")),
        )
        self.tests.name(title, verdict.status)
        folder = self.folders[job.dut.station]
        since = missed_since(points_of(folder, job.task.name), verdict)
        said = str(replace(verdict, since=since))
        if outcome.entry.recovered:
            said += f"\nmeasured only after recovery: {told(outcome.entry.details)}"
        allure.describe(
            job.dut.board,
            job.task,
            verdict.metric,
            data_set=data_set,
            station=job.dut.station,
            title=title,
            said=said,
        )
        allure.attach_text("verdict", said)
        if outcome.entry.recovered:
            allure.attach_text("recovery", told(outcome.entry.details))
        if allure.draws():
            # The tests of a measure follow each other, and show the same.
            if self._drawn[0] is not outcome.entry:
                self._drawn = outcome.entry, list(_pictures(outcome))
            earlier = _earlier(folder, job.task, verdict.metric)
            for name, svg in chain(self._drawn[1], earlier):
                allure.attach_svg(name, svg)
        line = outcome.entry.as_json("")
        allure.attach_text("record", json.dumps(line, indent=2))
        return since

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show an error of ours as its text: it names the board, the thing and the next step."""
        error, station = call.excinfo and call.excinfo.value, station_of(item)
        if isinstance(error, TinyhilError) and station and not error.board:
            error.locate(station, call.when)
        if call.when == "setup" and call.excinfo:
            self._describe_unmeasured(item)
        report = yield
        if isinstance(error, TinyhilError):
            report.longrepr = f"{error.kind}: {error.told}"
        self.tests.mark(item, call, report)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test has ended."""
        self.tests.add(report)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Make the pages of what there is, unless the user has stopped the run: then ours alone."""
        try:
            yield
        finally:
            if self._made and any(folder.is_dir() for folder in self.runs):
                self._made.make(self._source())

    def _source(self) -> Source:
        from tinyhil.publish.report.page.content import Source  # noqa: PLC0415 - at the end only

        stations = {name: (board, self.folders[name]) for name, board in self._stations.items()}
        return Source(self.entries, stations, self.comparisons, self.tests.ran, self._environment())

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
        subjects = [entry.subject for entry in self.entries]
        values = {
            "tinyhil": version("pytest-tinyhil"),
            "pyOCD": version("pyocd"),
            "pytest": version("pytest"),
            "Python": platform.python_version(),
            "host": f"{platform.system()} {platform.machine()}",
            "data set": ", ".join(sorted({data_label(subject.data_set) for subject in subjects})),
            "seals": "signed" if all(map(is_signed, self.runs)) else "unsigned",
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
        replace_unprintable()
        console = Console(markup=False)
        if self.entries:
            show_verdicts(self.entries, self.boards, console)
        for entry in self.entries:
            if entry.measure is MeasureName.MEMORY and entry.error is None:
                show_text(console, memory_line(entry))
        for problem in self._made.wrong if self._made else ():
            if problem.state == "fail":
                terminalreporter.line(f"FAIL {problem.where}: {problem.what}", red=True)
                for line in problem.detail.splitlines()[:3]:
                    terminalreporter.line(f"     {line}")
        for line in self.tests.repeated:
            terminalreporter.line(line)
        for folder in self.runs:
            there = "" if (folder / RUN).is_file() else " is gone; nothing of it is kept"
            terminalreporter.line(f"run:    {folder}{there}")
        for line in self._made.lines() if self._made else ():
            terminalreporter.line(line)


def memory_line(entry: Entry) -> str:
    """The parts of a memory size, in bytes."""
    sizes = {name: entry.details[name] for name in MemoryRow.model_fields}
    parts = {name: "?" if size is None else f"{size:,}" for name, size in sizes.items()}
    return (
        "{station} {task}: text {text}, data {data}, bss {bss} bytes (tensor arena without input "
        "and output {arena}); "
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
    elif isinstance(result, Energy):
        title = title_of(subject, "energy")
        yield "power trace", figures.power_trace(result, title=title)
    elif isinstance(result, Accuracy) and job.task.result == "scores":
        counts = metrics.confusion(result.labels, result.scores)
        title = title_of(subject, "confusion matrix")
        yield "confusion matrix", figures.confusion_matrix(counts, job.task.classes, title=title)


def _earlier(folder: Path, task: Task, metric: Metric) -> Iterator[tuple[str, bytes]]:
    """The same of the runs before."""
    from tinyhil.publish.report import trends  # noqa: PLC0415 - as above

    return trends.pictures_of(folder, task.name, metric)
