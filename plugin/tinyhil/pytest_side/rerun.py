"""``--hil-rerun-failed RUN``: of a run that is over, only the tests that did not end.

A test has ended if it has passed, failed by a figure, or was skipped; one whose board has failed
has not, nor one that the run did not come to. What is measured now is a run of its own, which names
the other one; tables and gates take both together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.text import printable
from tinyhil.pytest_side.items import station_of
from tinyhil.record import Configuration, Subject
from tinyhil.record.configuration import shown
from tinyhil.record.description import read_description
from tinyhil.record.reading import read_objects, untorn
from tinyhil.record.schema import TESTS, EndedTest

_SAME = ("firmware_sha256", "model_sha256", "data_sha256")
"""Of what is measured, that must not change in between."""
_OWN = ("station", "board", "tasks")
"""Of a configuration: what may differ, or is compared by itself."""


@dataclass(frozen=True)
class Earlier:
    """A run that is over."""

    folder: Path
    run: str
    configuration: Configuration
    ended: frozenset[str]
    """Tests that need not be run again, also since they had ended before; see `name_of`."""
    subjects: Mapping[str, Subject]
    """By task, what was measured."""
    rerun_of: frozenset[str]
    """Runs that it has gone on with, and those that they had."""


def name_of(item: pytest.Item) -> str:
    """A test's name, the same on any board of its type."""
    name, station, spec = item.nodeid.split("::", 1)[-1], station_of(item), item.__dict__
    if station and "callspec" in spec:
        function, bracket, parameters = name.partition("[")
        name = function + bracket + parameters.replace(station, "*", 1)
    return f"{item.path.name}::{name}"


def read_earlier(folders: Sequence[Path]) -> tuple[Earlier, ...]:
    """The runs that ``--hil-rerun-failed`` names.

    Raises:
        ConfigError: one can't be read, or does not tell of its tests.
    """
    found = [_read(folder) for folder in folders]
    gone_on_with = {run for one in found for run in one.rerun_of}
    return tuple(one for one in found if one.run not in gone_on_with)


def _read(folder: Path, before: Sequence[Path] = ()) -> Earlier:
    """A run, and what had ended in the runs beside it that it has gone on with itself."""
    description = read_description(folder)
    ended, rerun_of = set[str](), {*description.rerun_of}
    for name in description.rerun_of:
        beside = folder.parent / name
        if not beside.is_dir() or beside in before:
            raise ConfigError(
                f"option --hil-rerun-failed: {folder} goes on with {printable(name)}, which is not "
                "beside it",
                hint="have both in one folder of runs, or run all tests again",
            )
        one = _read(beside, (*before, folder))
        ended |= one.ended
        rerun_of |= one.rerun_of
    if not (folder / TESTS).is_file():
        raise ConfigError(
            f"option --hil-rerun-failed: {folder} does not tell which of its tests have ended",
            hint="an older tinyhil made it, or none of them has; --hil-resume continues it",
        )
    last = {line.test: line.how for _, line in untorn(read_objects(folder / TESTS, EndedTest))}
    ended |= {test for test, how in last.items() if how != "error"}
    subjects = {task: facts.subject for task, facts in description.jobs.items()}
    return Earlier(
        folder, description.run, description.configuration, frozenset(ended), subjects,
        frozenset(rerun_of),
    )  # fmt: skip


def earlier_of(
    runs: Sequence[Earlier], configuration: Configuration, stations: Sequence[str]
) -> tuple[Earlier, ...]:
    """What is gone on with on one board: the runs of this board, else those of boards of its type
    that are not tested now.

    Args:
        runs: that were named.
        configuration: of the board's run now.
        stations: all that are tested now.

    Raises:
        ConfigError: such a run was asked for something else.
    """
    own = [one for one in runs if one.configuration.station == configuration.station]
    like = [
        one
        for one in runs
        if one.configuration.board == configuration.board
        and one.configuration.station not in stations
    ]
    chosen = tuple(own or like)
    for one in chosen:
        now, then = configuration.model_dump(), one.configuration.model_dump()
        for key in now.keys() - set(_OWN):
            if now[key] != then[key]:
                raise ConfigError(
                    f"option --hil-rerun-failed: {key} is {shown(now[key])}, that of "
                    f"{printable(one.run)} was {shown(then[key])}",
                    hint="run the failed tests with the options of that run",
                )
    return chosen


def check_used(runs: Sequence[Earlier], used: Collection[Earlier]) -> None:
    """Refuse runs of which none is gone on with: everything would be run, as if none was named.

    Raises:
        ConfigError: that is so.
    """
    if runs and not used:
        of = ", ".join(
            f"{printable(one.run)} is of {one.configuration.station} ({one.configuration.board})"
            for one in runs
        )
        raise ConfigError(
            f"option --hil-rerun-failed: no board that is tested is of the type of a run: {of}",
            hint="choose the same boards, or others of their type, with --hil-board",
        )


def check_same(runs: Sequence[Earlier], subject: Subject) -> None:
    """Refuse to go on with another firmware: both runs together would be of neither.

    Raises:
        ConfigError: a run has measured the task with another one, or another model or data set.
    """
    for one in runs:
        then = one.subjects.get(subject.task)
        for key in _SAME if then else ():
            was, now = getattr(then, key), getattr(subject, key)
            if was != now:
                raise ConfigError(
                    f"option --hil-rerun-failed: {key} of {subject.task} is {shown(now)}, that of "
                    f"{printable(one.run)} was {shown(was)}",
                    hint="run all tests again, without this option",
                )


class Rerun:
    """Leaves out the tests that have ended.

    Args:
        earlier: by station, what is gone on with; see `earlier_of`.
    """

    def __init__(self, earlier: Mapping[str, Sequence[Earlier]]) -> None:
        self._earlier = earlier
        self._left_out = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave them out."""
        left_out = [item for item in items if self._has_ended(item)]
        if left_out:
            self._left_out = len(left_out)
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=left_out)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Nothing to do is as good as done."""
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self._left_out:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was gone on with."""
        names = {one.run for earlier in self._earlier.values() for one in earlier}
        terminalreporter.line(
            f"{self._left_out} tests had ended in {printable(', '.join(sorted(names)) or 'no run')}"
        )

    def _has_ended(self, item: pytest.Item) -> bool:
        earlier = self._earlier.get(station_of(item) or "", ())
        return bool(earlier) and all(name_of(item) in one.ended for one in earlier)
