"""The pytest plugin: options, markers and fixtures. What they do is in the modules they call."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tinyhil.catalog.task import Task
from tinyhil.data import material as data
from tinyhil.device.dut import Dut, attached
from tinyhil.device.faults import SPEC_HELP, Injector
from tinyhil.device.links import Link, choose, open_link
from tinyhil.device.queries.opening import Tap
from tinyhil.device.raw_log import RecordedLink
from tinyhil.device.session import Session
from tinyhil.flash import flash, reset
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError, TinyhilError
from tinyhil.ground.interrupts import unbroken
from tinyhil.ground.paths import SUITES
from tinyhil.image import build as firmware
from tinyhil.image.elf import Image
from tinyhil.measure.job import Job
from tinyhil.measure.runner import Measurement
from tinyhil.publish.report import allure
from tinyhil.pytest_side import xdist
from tinyhil.pytest_side.ending import Ending, check_reports
from tinyhil.pytest_side.items import BOARD, TASK
from tinyhil.pytest_side.plan import Options, Plan, make_plan
from tinyhil.pytest_side.report import REPORT, HilReport, choose_results, plan_key, report_of
from tinyhil.record import Record
from tinyhil.record.resume import resume
from tinyhil.record.seal import seal, versions

MARKERS = {
    "latency": "single-stream latency and throughput, by the device's own clock",
    "accuracy": "quality over the data set",
    "memory": "flash and RAM use",
    "energy": "energy of an inference under a power monitor; physical boards only",
    "audit": "whether a device measures what it claims to",
}

pytest_plugins = ("tinyhil.pytest_side.gate", "tinyhil.pytest_side.benchmark_bridge")

_ENDING = "tinyhil-ending"
_FLASH_S = 120.0
_PORT_S = 20.0
"""How long a port may take to come back after the reset that ends flashing."""
_SYNCHRONIZE_S = 20.0


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tinyhil", "MLPerf Tiny on microcontroller boards (tinyhil)")
    for name, text, keywords in (
        (
            "--hil-board",
            "board to test: a name, a glob such as 'mps2*', or 'all'; repeatable (default: "
            "mps2-an386, emulated); `tinyhil boards` lists them",
            {"action": "append", "default": [], "metavar": "NAME"},
        ),
        (
            "--hil-bench",
            "TOML file that says which probe and port each physical board is wired to (default: "
            "bench.toml in the root folder, if there)",
            {"type": Path, "metavar": "FILE"},
        ),
        (
            "--hil-firmware",
            "image of your own to flash instead of the reference firmware",
            {"type": Path, "metavar": "ELF"},
        ),
        (
            "--hil-data",
            "folder with the official 'datasets' and 'models' (default: $TINYHIL_DATA; without "
            "either: the stand-in set that tinyhil generates)",
            {"type": Path, "metavar": "DIR"},
        ),
        (
            "--hil-link",
            "how samples travel: 'serial', 'rtt' (through the debug probe), or 'auto' (default): "
            "rtt to an emulated board with our own firmware, else serial",
            {"default": "auto", "metavar": "LINK"},
        ),
        (
            "--hil-read-back",
            "share of the samples, from 0 to 1, that are read back from firmware that speaks the "
            "official protocol alone, which has no checksums (default: 0.05); 1 takes twice the "
            "time and corrects what it finds",
            {"type": float, "default": 0.05, "metavar": "SHARE"},
        ),
        ("--hil-faults", SPEC_HELP, {"metavar": "SPEC"}),
        (
            "--hil-quick",
            "few samples and queries, for a quick look: nothing is judged",
            {"action": "store_true"},
        ),
        (
            "--hil-all-windows",
            "infer every window of a task with many windows in a file (anomaly detection): minutes "
            "more, but without it the quality is not judged",
            {"action": "store_true"},
        ),
        (
            "--hil-wait",
            "how long to wait for a board that somebody else uses (default: 0)",
            {"type": float, "default": 0.0, "metavar": "SECONDS"},
        ),
        (
            "--hil-resume",
            "folder of a run that was killed or has failed: continues after its last sample; "
            "needs the same options",
            {"type": Path, "metavar": "RUN"},
        ),
        (
            "--hil-runs",
            "folder for run folders and reports (default: reports/runs in the root folder)",
            {"type": Path, "metavar": "DIR"},
        ),
        (
            "--hil-build",
            "folder for firmware builds and generated data sets (default: build in the root "
            "folder)",
            {"type": Path, "metavar": "DIR"},
        ),
    ):
        group.addoption(name, help=text, **keywords)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    # The plugin is loaded into every pytest run: a report is prepared only where boards are
    # going to be tested.
    tests_boards = config.getoption("--hil-board") or any(map(_in_suites, config.args))
    if tests_boards:
        plan_of(config)
        ending = Ending(config)
        config.add_cleanup(ending.close)
        config.pluginmanager.register(ending, _ENDING)
    if xdist.is_worker(config):
        report: HilReport = xdist.WorkerReport(config)
    else:
        results = _results(config) if tests_boards else None
        report = HilReport(config, results)
        if tests_boards and xdist.is_active(config):
            config.pluginmanager.register(xdist.Controller(config, report, results))
    config.pluginmanager.register(report, REPORT)


def _results(config: pytest.Config) -> Path | None:
    """The folder of Allure's results, which can be written."""
    try:
        check_reports(config)
        return choose_results(config, _runs(config))
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture in (BOARD, TASK):
        if _is_ours(metafunc, fixture):
            plan = plan_of(metafunc.config)
            chosen = plan.stations if fixture == BOARD else plan.tasks
            names = [choice.name for choice in chosen]
            metafunc.parametrize(fixture, names, indirect=True, scope="session")


def _is_ours(metafunc: pytest.Metafunc, fixture: str) -> bool:
    """Whether a test asks for our fixture, not for one of the user's of the same name."""
    given = metafunc.definition.iter_markers("parametrize")
    if any(fixture in str(mark.args[0]).replace(",", " ").split() for mark in given):
        return False
    definitions = metafunc._arg2fixturedefs.get(fixture, ())
    return bool(definitions) and definitions[-1].func.__module__ == __name__


def plan_of(config: pytest.Config) -> Plan:
    """The checked options of this run; made once, before anything is started.

    Raises:
        pytest.UsageError: one is wrong.
    """
    if plan_key not in config.stash:
        option = config.getoption
        bench = option("--hil-bench") or config.rootpath / "bench.toml"
        root = os.environ.get("TINYHIL_DATA")
        options = Options(
            boards=option("--hil-board"),
            bench=bench if option("--hil-bench") or bench.is_file() else None,
            data=option("--hil-data") or (Path(root) if root else None),
            firmware=option("--hil-firmware"),
            link=option("--hil-link"),
            quick=option("--hil-quick"),
            all_windows=option("--hil-all-windows"),
            read_back=option("--hil-read-back"),
            faults=option("--hil-faults"),
            runs=_runs(config),
            build=option("--hil-build") or config.rootpath / "build",
            resume=option("--hil-resume"),
            wait_s=option("--hil-wait"),
        )
        try:
            config.stash[plan_key] = make_plan(options)
        except ConfigError as error:
            raise pytest.UsageError(str(error)) from error
    return config.stash[plan_key]


@pytest.fixture(scope="session")
def hil_board(request: pytest.FixtureRequest) -> Iterator[Dut]:
    """The board under test, powered, and only ours until the last test that needs it has ended; an
    emulated one is started here and ended then."""
    xdist.check_worker(request.config)
    plan, report = plan_of(request.config), report_of(request.config)
    station = plan.station(request.param)
    with (
        allure.step(f"start {station.name}"),
        attached(station, wait_s=plan.options.wait_s, tell=report.notice) as dut,
    ):
        yield dut


@pytest.fixture(scope="session")
def hil_task(request: pytest.FixtureRequest) -> Task:
    """The benchmark task."""
    return plan_of(request.config).task(request.param)


@pytest.fixture(scope="session")
def hil_record(hil_board: Dut, request: pytest.FixtureRequest) -> Iterator[Record]:
    """The run's record of this board."""
    plan = plan_of(request.config)
    tasks = _tasks_of(request.session.items, hil_board.station)
    configuration = plan.configuration(plan.station(hil_board.station), tasks)
    if plan.options.resume:
        made, found = resume(plan.options.resume, configuration)
        report_of(request.config).say(f"{hil_board.station}: {made.run} {found}")
    else:
        made = Record.start(plan.options.runs, configuration)
    report_of(request.config).using(hil_board.station, hil_board.board, made.folder)
    ending = request.config.pluginmanager.getplugin(_ENDING)
    assert isinstance(ending, Ending)
    ending.began(hil_board.station, made.folder)
    try:
        yield made
        with ending.telling_once(hil_board.station), unbroken():
            seal(made.folder, versions(emulated=hil_board.board.emulated))
        allure.attach_file(made.folder / "record.jsonl")
    finally:
        made.close()


@pytest.fixture(scope="session")
def hil_job(
    hil_board: Dut, hil_task: Task, hil_record: Record, request: pytest.FixtureRequest
) -> Job:
    """The job whose image the board holds and runs when this returns."""
    plan, report = plan_of(request.config), report_of(request.config)
    options = plan.options
    material = data.material(hil_task, options.data, options.build / "data")
    with _located(hil_board, "build"), report.bar("build"):
        image, model_sha256 = (
            _image(hil_board, hil_task, material, plan) if hil_board.flashed else (None, None)
        )
    link = options.link
    if link == "auto":
        link = choose(
            emulated=hil_board.board.emulated,
            own_firmware=not plan.own_firmware and hil_board.proven,
        )
    job = Job(
        hil_board,
        hil_task,
        material,
        image,
        model_sha256,
        link,
        quick=options.quick,
        all_windows=options.all_windows,
        read_back=options.read_back,
        faults=str(plan.faults) if plan.faults else None,
    )
    hil_record.begin(job.facts)
    if image is None:
        report.say(f"{hil_board.station}: is measured as it is, nothing is flashed")
        return job
    with _located(hil_board, "flash"), report.bar("flash") as progress:
        result = flash(
            image, hil_board.board, hil_board.probe_uid, Deadline.after(_FLASH_S), progress
        )
    report.flashed(hil_board, result)
    return job


@pytest.fixture(scope="session")
def hil_tap(hil_job: Job, hil_record: Record, request: pytest.FixtureRequest) -> Iterator[Tap]:
    """Wraps each link to the board: what passes is in the run's raw folder, with faults if the
    user asks for some."""
    spec = plan_of(request.config).faults
    dut = hil_job.dut
    injectors: dict[str, Injector] = {}

    def reset_board() -> None:
        reset(dut.board, dut.probe_uid, Deadline.after(_FLASH_S))

    def wrap(link: Link, name: str) -> Link:
        if spec:
            if name not in injectors:
                reset_it = reset_board if dut.flashed else None
                injectors[name] = Injector(spec, reset=reset_it, kill=dut.power_off)
            link = injectors[name].through(link)
        return RecordedLink(link, hil_record.raw / f"{hil_job.task.name}-{name}.log")

    yield wrap
    for name, injector in injectors.items():
        report_of(request.config).injected(dut, name, injector.faults)


@pytest.fixture(scope="session")
def hil_session(
    hil_job: Job, hil_record: Record, hil_tap: Tap, request: pytest.FixtureRequest
) -> Iterator[Session]:
    """A synchronized session with the board; every byte of it is in the run's raw folder."""
    with _located(hil_job.dut, "open"):
        opened = open_link(hil_job.link, hil_job.dut, Deadline.after(_PORT_S))
        advice = getattr(opened, "advice", None)
        if advice:
            report_of(request.config).notice(f"{hil_job.dut.station}: {advice}")
        link = hil_tap(opened, "serial")
    try:
        made = Session(link)
        with _located(hil_job.dut, "synchronize"):
            made.synchronize(Deadline.after(_SYNCHRONIZE_S))
        yield made
    finally:
        link.close()
        allure.attach_file(hil_record.raw / f"{hil_job.task.name}-serial.log")


@pytest.fixture(scope="session")
def measurement(
    hil_job: Job,
    hil_session: Session,
    hil_record: Record,
    hil_tap: Tap,
    request: pytest.FixtureRequest,
) -> Measurement:
    """The measures of this task on this board, each made when a test first asks for it."""
    with _located(hil_job.dut, "identify"):
        return Measurement(hil_session, hil_job, hil_record, report_of(request.config), hil_tap)


def _tasks_of(items: Sequence[pytest.Item], station: str) -> set[str]:
    """Names of the tasks that the chosen tests measure on a station."""
    params = [item.callspec.params for item in items if isinstance(item, pytest.Function)
              and hasattr(item, "callspec")]  # fmt: skip
    return {str(own[TASK]) for own in params if own.get(BOARD) == station and TASK in own}


def _image(board: Dut, task: Task, material: data.Material, plan: Plan) -> tuple[Image, str | None]:
    """The image to flash, and the sum of the model that is known to be in it."""
    own = plan.image_of(task.name)
    if own:
        return own, None
    folder = (
        plan.options.build / "firmware" / board.board.name / f"{task.name}-{material.data.kind}"
    )
    built = firmware.build(board.board, task, material.model, folder)
    return built.image, built.model.sha256


@contextmanager
def _located(board: Dut, stage: str) -> Iterator[None]:
    """Name board and stage in every error that leaves the block."""
    try:
        with allure.step(stage):
            yield
    except TinyhilError as error:
        error.locate(board.station, stage)
        raise


def _runs(config: pytest.Config) -> Path:
    return config.getoption("--hil-runs") or config.rootpath / "reports" / "runs"


def _in_suites(argument: str) -> bool:
    """Whether a command line argument (with ``::`` and a test's name, perhaps) is in the suites."""
    return Path(argument.split("::", maxsplit=1)[0]).resolve().is_relative_to(SUITES)
