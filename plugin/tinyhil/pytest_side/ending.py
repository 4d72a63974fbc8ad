"""How a run on boards ends: by itself, by a signal, or because it can no longer be written.

In each case the boards are released and the records are sealed before any report is written, the
table is shown, and what is not finished is named with the command that continues it.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tinyhil.ground.errors import ConfigError, TinyhilError, WriteError
from tinyhil.ground.interrupts import Interrupts, unbroken
from tinyhil.ground.outputs import check_file
from tinyhil.pytest_side.again import attempts_of, recovered_of
from tinyhil.pytest_side.items import station_of
from tinyhil.pytest_side.rerun import name_of
from tinyhil.record import Record
from tinyhil.record.schema import EndedTest

ENDING = "tinyhil-ending"
"""Name of the `Ending` among pytest's plugins."""

_OWN = ("--hil-board", "--hil-resume", "--hil-rerun-failed")
"""Options that the continuing command sets itself."""


def resume_command(arguments: Iterable[str], station: str, folder: Path) -> str:
    """The command that continues a run.

    Args:
        arguments: of the pytest that ended.
        station: whose run it is.
        folder: of the run.
    """
    kept: list[str] = []
    left = iter(arguments)
    for argument in left:
        if argument in _OWN:
            next(left, None)
        if argument.split("=")[0] not in _OWN:
            kept.append(argument)
    command = ["pytest", *kept, "--hil-board", station, "--hil-resume", str(folder)]
    return shlex.join(command)


def check_reports(config: pytest.Config) -> None:
    """Refuse files that pytest itself could not write at the end, before anything is measured.

    Raises:
        ConfigError: one of them.
    """
    for name, option in (("xmlpath", "--junitxml"), ("log_file", "--log-file")):
        path = getattr(config.option, name, None)
        if path:
            check_file(Path(path), option)


class Ending:
    """Takes the signals that end a pytest run on boards, and ends it cleanly."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._runs: dict[str, Path] = {}
        self._records: dict[str, Record] = {}
        self.left: Counter[str] = Counter()
        """Tests of each station that have not ended."""
        self.failed: dict[str, str] = {}
        """Stations with a measure that may be tried again, by the test that it failed in."""
        self._unwritable: dict[str, str] = {}
        """Stations whose run can no longer be written, and why."""
        self._problems: list[str] = []
        self._signals, self._held = ExitStack(), ExitStack()
        self._interrupts = self._signals.enter_context(Interrupts())

    def close(self) -> None:
        """Give the signals back to their earlier handlers."""
        self._signals.close()
        self._held.close()

    def began(self, station: str, folder: Path, record: Record | None = None) -> None:
        """The run of a station is in `folder`; this process writes to it by `record`."""
        self._runs[station] = folder
        if record:
            self._records[station] = record

    @contextmanager
    def telling_once(self, station: str) -> Iterator[None]:
        """For a run that can't be written, only the first error is shown."""
        try:
            yield
        except WriteError:
            if station not in self._unwritable:
                raise

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the tests of each station."""
        self.left.update(filter(None, map(station_of, session.items)))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Count a test that has ended."""
        result = yield
        self.left.subtract(filter(None, [station_of(item)]))
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Measure nothing that can't be kept."""
        station = station_of(item)
        if station in self._unwritable:
            pytest.skip(f"not measured: {self._unwritable[station]}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note what is wrong with a station's run."""
        error, station = call.excinfo and call.excinfo.value, station_of(item)
        if station and isinstance(error, WriteError):
            self._unwritable.setdefault(station, error.message)
        if station and isinstance(error, TinyhilError) and not isinstance(error, ConfigError):
            self.failed[item.nodeid] = station
        report = yield
        self.passed(report)
        if report.when == "call" or not report.passed:
            self._note(item, report, error)
        return report

    def _note(
        self, item: pytest.Item, report: pytest.TestReport, error: BaseException | None
    ) -> None:
        """Write into the run that a test has ended, and how."""
        record = self._records.get(station_of(item) or "")
        if record is None or report.when == "teardown":
            return
        broken = isinstance(error, TinyhilError) or not isinstance(error, Exception)
        how: Any = "error" if report.failed and broken else report.outcome
        with suppress(WriteError):  # The test that could not be written is told anyway.
            ended = {"test": name_of(item), "how": how, "attempts": attempts_of(item)}
            record.tested(EndedTest(**ended, recovered=recovered_of(item)))

    def passed(self, report: pytest.TestReport) -> None:
        """A test has ended; one that passes when it is run again has nothing left to try."""
        if report.when == "call" and report.passed:
            self.failed.pop(report.nodeid, None)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """After the last test a signal changes nothing: the clean-up must not be interrupted."""
        try:
            return (yield)
        finally:
            self._hold()

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """The signal has arrived."""
        self._hold()
        if not self._config.option.fulltrace:
            # pytest shows the last place alone, but spends seconds on all others before the
            # boards are let go.
            excinfo.traceback = excinfo.traceback[-1:]

    def _hold(self) -> None:
        self._interrupts.seen()
        self._held.enter_context(unbroken())

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Release the boards and seal the records, then let all others write their files.

        One that can't be written (JUnit's, pytest-benchmark's) is reported as a line.
        """
        self._hold()
        runner = self._config.pluginmanager.getplugin("runner")
        try:
            runner.pytest_sessionfinish(session)
        except Exception as error:
            self._problems.append(f"{type(error).__name__}: {error}")
        try:
            yield
        except OSError as error:
            self._problems.append(f"a file of a report cannot be written: {error}")

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what went wrong at the end, and how to continue."""
        for problem in self._problems:
            terminalreporter.line(problem)
        for station in self._unfinished():
            command = resume_command(self._arguments, station, self._runs[station])
            terminalreporter.line(f"{station} is not finished; to go on with its run:")
            terminalreporter.line(f"  {command}")

    @property
    def _arguments(self) -> Sequence[str]:
        return [str(argument) for argument in self._config.invocation_params.args]

    def _unfinished(self) -> list[str]:
        """Stations with a run that may be continued."""
        return [
            station
            for station, folder in self._runs.items()
            if (self.left[station] > 0 or station in self.failed.values())
            and (folder / "run.json").is_file()
        ]
