"""The pytest plugin: options, markers and fixtures.

Every pytest run in the environment loads it, also one that tests no board: what measures (`rig`,
and with it numpy, pyOCD and all the rest) is imported when a test asks for a board.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tinyhil.ground.paths import SUITES
from tinyhil.pytest_side import options, settings
from tinyhil.pytest_side.items import BOARD, ON_DEMAND, TASK, asks_for

if TYPE_CHECKING:
    from tinyhil.catalog.task import Task
    from tinyhil.device.dut import Dut
    from tinyhil.device.queries.opening import Tap
    from tinyhil.device.session import Session
    from tinyhil.measure.job import Job
    from tinyhil.measure.runner import Measurement
    from tinyhil.record import Record

pytest_plugins = ("tinyhil.pytest_side.benchmark_bridge",)

_wrong: pytest.StashKey[pytest.UsageError] = pytest.StashKey()
"""What is wrong with the options, where the first test that asks for a board has shown it."""

MARKERS = {
    "latency": "single-stream latency and throughput, by the device's own clock",
    "accuracy": "quality over the data set",
    "memory": "flash and RAM use",
    "energy": "energy of an inference under a power monitor",
    "audit": "whether a device measures what it claims to",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    said = config.getoption("--hil-board") or any(map(_in_suites, config.args))
    settings.apply(config)
    # Boards of the project's table are prepared when a test asks for one; but pytest-xdist must
    # know before that what it hands out, also from workers none of whose tests asks for one.
    told = "tinyhil" in getattr(config, "workerinput", {})
    handed_out = config.getoption("--hil-board") and config.getoption("dist", "no") != "no"
    if said or told or handed_out:
        from tinyhil.pytest_side import rig  # noqa: PLC0415 - heavy

        rig.register(config, late=not said)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the suites that would have nothing to say in this run."""
    wanted = {
        SUITES / "test_gate.py": bool(config.getoption("--hil-baseline")),
        SUITES / "test_benchmark.py": config.pluginmanager.hasplugin("benchmark"),
    }
    return None if wanted.get(collection_path.resolve(), True) else True


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that would only be skipped, so that they don't fill every list; they stay
    where nothing else is chosen, to say how they are run."""
    files = [SUITES / f"test_{kind}.py" for kind in ON_DEMAND if not asks_for(config, kind)]
    left_out = [item for item in items if item.path in files]
    if 0 < len(left_out) < len(items):
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture in (BOARD, TASK):
        if _is_ours(metafunc, fixture):
            names = _choices(metafunc.config, fixture)
            metafunc.parametrize(fixture, names, indirect=True, scope="session")


def _choices(config: pytest.Config, fixture: str) -> list[str]:
    """What a fixture of ours is parametrized with; nothing where an option is wrong."""
    from tinyhil.pytest_side import rig  # noqa: PLC0415 - heavy

    if _wrong not in config.stash:
        try:
            return rig.names(config, fixture)
        except pytest.UsageError as error:
            # Raised from here it would be a traceback for each file with such tests; and raised
            # in a worker of pytest-xdist, the controller would not hear of it.
            if hasattr(config, "workerinput"):
                raise pytest.Collector.CollectError(str(error)) from error
            config.stash[_wrong] = error
    return []


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """End a run whose options are wrong as if the command line had said that boards are tested."""
    if _wrong in session.config.stash:
        raise session.config.stash[_wrong]


def _is_ours(metafunc: pytest.Metafunc, fixture: str) -> bool:
    """Whether a test asks for our fixture, not for one of the user's of the same name."""
    given = metafunc.definition.iter_markers("parametrize")
    if any(fixture in _names(mark) for mark in given):
        return False
    definitions = metafunc._arg2fixturedefs.get(fixture, ())
    return bool(definitions) and definitions[-1].func.__module__ == __name__


def _names(mark: pytest.Mark) -> list[str]:
    """What a mark ``parametrize`` gives values to, in each of the forms that pytest takes."""
    names = mark.args[0] if mark.args else mark.kwargs.get("argnames", "")
    return [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)


def _in_suites(argument: str) -> bool:
    """Whether a command line argument (with ``::`` and a test's name, perhaps) is in the suites."""
    return Path(argument.split("::", maxsplit=1)[0]).resolve().is_relative_to(SUITES)


@pytest.fixture(scope="session")
def hil_board(request: pytest.FixtureRequest) -> Iterator[Dut]:
    """The board under test, powered, and only ours until the last test that needs it has ended; an
    emulated one is started here and ended then."""
    from tinyhil.pytest_side import rig  # noqa: PLC0415 - heavy

    yield from rig.board(request)


@pytest.fixture(scope="session")
def hil_task(request: pytest.FixtureRequest) -> Task:
    """The benchmark task."""
    from tinyhil.pytest_side import rig  # noqa: PLC0415 - heavy

    return rig.task(request)


@pytest.fixture(scope="session")
def hil_record(hil_board: Dut, request: pytest.FixtureRequest) -> Iterator[Record]:
    """The run's record of this board."""
    from tinyhil.pytest_side import rig  # noqa: PLC0415 - heavy

    yield from rig.record(hil_board, request)


@pytest.fixture(scope="session")
def hil_job(
    hil_board: Dut, hil_task: Task, hil_record: Record, request: pytest.FixtureRequest
) -> Iterator[Job]:
    """The job whose image the board holds and runs when this returns."""
    from tinyhil.pytest_side import rig  # noqa: PLC0415 - heavy

    yield from rig.job(hil_board, hil_task, hil_record, request)


@pytest.fixture(scope="session")
def hil_tap(hil_job: Job, hil_record: Record, request: pytest.FixtureRequest) -> Iterator[Tap]:
    """Wraps each link to the board: what passes is in the run's raw folder, with faults if the
    user asks for some."""
    from tinyhil.pytest_side import rig  # noqa: PLC0415 - heavy

    yield from rig.tap(hil_job, hil_record, request)


@pytest.fixture(scope="session")
def hil_session(
    hil_job: Job, hil_record: Record, hil_tap: Tap, request: pytest.FixtureRequest
) -> Iterator[Session]:
    """A synchronized session with the board; every byte of it is in the run's raw folder."""
    from tinyhil.pytest_side import rig  # noqa: PLC0415 - heavy

    yield from rig.session(hil_job, hil_record, hil_tap, request)


@pytest.fixture(scope="session")
def measurement(
    hil_job: Job,
    hil_session: Session,
    hil_record: Record,
    hil_tap: Tap,
    request: pytest.FixtureRequest,
) -> Measurement:
    """The measures of this task on this board, each made when a test first asks for it."""
    from tinyhil.pytest_side import rig  # noqa: PLC0415 - heavy

    return rig.measurement(hil_job, hil_session, hil_record, hil_tap, request)
