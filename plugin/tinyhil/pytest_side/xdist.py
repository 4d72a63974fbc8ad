"""Boards under pytest-xdist: one worker a station, and one report by the controller.

What a worker has to say travels with its test reports; the controller shows it. pytest-xdist may
be missing, and is imported only when it is in use.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from tinyhil.catalog.board import Board
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.progress import Progress
from tinyhil.judge.gate.compare import Comparison
from tinyhil.pytest_side.ending import ENDING, Ending
from tinyhil.pytest_side.items import plan_key, station_of
from tinyhil.pytest_side.plan import Plan
from tinyhil.pytest_side.report import HilReport
from tinyhil.record import Entry

_ENTRY, _COMPARISON = TypeAdapter(Entry), TypeAdapter(Comparison)
_INPUT = "tinyhil"
"""Key of what the controller tells its workers."""
_STATIONS = "stations.json"
_EACH = "option --dist each: a board can't be tested by several workers"
_NOT_EACH = "leave it out; each board goes to one worker"
_RUN = "run-*.json"
"""Files that name a station and the folder of its run, one each."""
_EVENTS = "tinyhil_events"
"""Attribute of a test report: what its worker's `HilReport` was told since the one before."""


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of xdist's workers."""
    return hasattr(config, "workerinput")


def is_active(config: pytest.Config) -> bool:
    """Whether xdist hands out the tests of this run."""
    return bool(config.getoption("dist", "no") != "no")


def check_worker(config: pytest.Config) -> None:
    """Refuse a board in a worker, where another worker may want the same board.

    Raises:
        ConfigError: the controller does not know that boards are tested, or all workers test all.
    """
    if not is_worker(config):
        return
    told = _told(config)
    if told is None:
        raise ConfigError(
            "pytest-xdist distributes tests of boards, but no boards were named",
            hint="choose the boards with --hil-board, or run without -n",
        )
    if told["each"]:
        raise ConfigError(_EACH, hint=_NOT_EACH)


def _told(config: pytest.Config) -> dict[str, Any] | None:
    told: dict[str, Any] | None = getattr(config, "workerinput", {}).get(_INPUT)
    return told


class WorkerReport(HilReport):
    """The report of a worker: shows nothing, sends everything."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__(config, None)
        self._events: list[tuple[str, Any]] = []
        self._told = _told(config)
        if self._told and hasattr(config.option, "allure_report_dir"):
            config.option.allure_report_dir = self._told["results"]

    @contextmanager
    def bar(self, title: str) -> Iterator[Progress]:
        """No bar: several of them would write over each other."""
        del title
        yield lambda *_: None

    def say(self, text: str) -> None:
        """Send a line."""
        self._events.append(("say", text))

    def notice(self, text: str) -> None:
        """Say it at once, in one write: no test report is sent while we wait."""
        with self._uncaptured():
            os.write(2, f"\n{text}\n".encode())

    def made(self, entry: Entry) -> None:
        """See `HilReport.made`."""
        super().made(entry)
        self._events.append(("made", _ENTRY.dump_python(entry, mode="json")))

    def using(self, station: str, board: Board, folder: Path) -> None:
        """See `HilReport.using`."""
        super().using(station, board, folder)
        self._events.append(("using", [station, str(folder)]))
        # And at once: a signal may end the run before this test has a report.
        self._leave(_RUN.replace("*", f"{os.getpid()}-{len(self.runs)}"), [station, str(folder)])

    def _leave(self, name: str, value: object) -> None:
        """A file for the controller."""
        if self._told is None:
            return
        folder = Path(self._told["folder"])
        with suppress(OSError):  # It is on another host: the controller can do without it.
            draft = folder / f".{os.getpid()}"
            draft.write_text(json.dumps(value), encoding="utf-8")
            draft.replace(folder / name)

    def compared(self, comparison: Comparison) -> None:
        """See `HilReport.compared`."""
        super().compared(comparison)
        self._events.append(("compared", _COMPARISON.dump_python(comparison, mode="json")))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put what was said since the last report into this one."""
        report = yield from super().pytest_runtest_makereport(item, call)
        ending = self._config.pluginmanager.getplugin(ENDING)
        if isinstance(ending, Ending) and ending.failed:
            self._events.append(("failed", ending.failed))
        if self._events:
            setattr(report, _EVENTS, json.dumps(self._events))
            self._events.clear()
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell the controller which test is of which station, before it hands them out."""
        plan = self._config.stash.get(plan_key, None)
        if self._told is None or plan is None:
            return
        known = {station.name for station in plan.stations}
        named = {item.nodeid: station_of(item) for item in session.items}
        self._leave(_STATIONS, {nodeid: name for nodeid, name in named.items() if name in known})


class Controller:
    """Hands out stations, and makes one report of what the workers send."""

    def __init__(
        self,
        config: pytest.Config,
        report: HilReport,
        results: Path | None,
        ending: Ending,
        *,
        late: bool = False,
    ) -> None:
        """See `HilReport`; `late` where it is not known yet whether a board is tested.

        Raises:
            pytest.UsageError: every test is to be run in every worker.
        """
        self._each = config.getoption("dist") == "each"
        if self._each and not late:
            raise pytest.UsageError(f"{_EACH}\n  next step: {_NOT_EACH}")
        self._config = config
        self._report = report
        self._results = results
        self._ending = ending
        self._plan: Plan = config.stash[plan_key]
        self._folder = tempfile.TemporaryDirectory(prefix="tinyhil-")
        self._runs: dict[object, tuple[str, str]] = {}  # by worker: station and folder, its last
        self._measured: dict[tuple[str, str], list[Entry]] = {}
        self._ended: set[str] = set()
        """Node ids of the tests that have."""

    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where to write."""
        results = str(self._results) if self._results else None
        told = {"folder": self._folder.name, "results": results, "each": self._each}
        node.workerinput[_INPUT] = told

    @pytest.hookimpl(tryfirst=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> object:
        """Ours, with any ``--dist`` that gives a test to one worker."""
        if self._each:
            return None
        from tinyhil.pytest_side.scheduling import StationScheduling  # noqa: PLC0415 - xdist's

        return StationScheduling(config, log, self._stations)

    def _stations(self) -> Mapping[str, str] | None:
        try:
            found: dict[str, str] = json.loads((Path(self._folder.name) / _STATIONS).read_text())
        except (OSError, ValueError):
            return None
        return found

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a worker has sent with a test report."""
        if report.when == "teardown":
            self._ended.add(report.nodeid)
        self._ending.passed(report)
        for name, value in json.loads(getattr(report, _EVENTS, "[]")):
            worker = getattr(report, "node", None)
            match name:
                case "say":
                    self._say(value)
                case "using":
                    self._runs[worker] = (value[0], value[1])
                    self._measured.setdefault(self._runs[worker], [])
                case "made":
                    self._measured[self._runs[worker]].append(_ENTRY.validate_python(value))
                case "failed":
                    self._ending.failed.update(value)
                case "compared":
                    self._report.compared(_COMPARISON.validate_python(value))

    def _say(self, text: str) -> None:
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if terminal:
            terminal.ensure_newline()
            terminal.write_line(text)

    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """A worker has ended in a test: name its station, and the tests that are not run now."""
        station = sched.station_of(crashitem)
        if not station:
            return
        why = (
            f"[{station}] {report.longrepr}\n  next step: run this test alone, without -n, to see "
            "what ends the process"
        )
        report.longrepr = why
        for nodeid in sched.lost.pop(crashitem, ()):
            file = nodeid.split("::", 1)[0]
            lost = pytest.TestReport(
                nodeid, (file, None, nodeid), {}, "failed", f"not run: {why}", "setup"
            )
            lost.node = report.node  # type: ignore[attr-defined]  # as xdist does
            self._config.hook.pytest_runtest_logreport(report=lost)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """All workers have ended: hand on what they measured, in the order of the stations."""
        for file in Path(self._folder.name).glob(_RUN):
            station, place = json.loads(file.read_text(encoding="utf-8"))
            self._measured.setdefault((station, place), [])
        self._ending.left = Counter(
            name for nodeid, name in (self._stations() or {}).items() if nodeid not in self._ended
        )
        order = [station.name for station in self._plan.stations]
        for (name, folder), entries in sorted(
            self._measured.items(), key=lambda measured: order.index(measured[0][0])
        ):
            self._report.using(name, self._plan.station(name).board, Path(folder))
            self._ending.began(name, Path(folder))
            for entry in entries:
                self._report.made(entry)
        self._measured.clear()

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind."""
        self._folder.cleanup()
