"""What the fixtures of tests on boards do, and what is registered for them.

Imported only where a test needs a board: it brings numpy, pyOCD and all else that measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tinyhil.catalog.task import Task
from tinyhil.data import material as data
from tinyhil.device.dut import Dut, attached
from tinyhil.device.faults import Injector, Kind
from tinyhil.device.faults.board import spoil
from tinyhil.device.faults.probe import faulty_probe
from tinyhil.device.links import Link, choose, open_link
from tinyhil.device.queries.opening import Tap
from tinyhil.device.raw_log import RecordedLink
from tinyhil.device.session import Session
from tinyhil.flash import hang, reset
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError, TinyhilError, WriteError
from tinyhil.ground.interrupts import unbroken
from tinyhil.ground.paths import official_data
from tinyhil.image import build as firmware
from tinyhil.image.elf import Image
from tinyhil.measure.identify import converse
from tinyhil.measure.job import Job
from tinyhil.measure.ladder import Ladder, Line, flash_deadline
from tinyhil.measure.runner import Finished, Measurement
from tinyhil.measure.supply import Supply, supplied
from tinyhil.publish.report import allure
from tinyhil.pytest_side import again, gate, neighbours, settings, xdist
from tinyhil.pytest_side.ending import ENDING, Ending, check_reports
from tinyhil.pytest_side.items import BOARD, TASK, asks_for, plan_key
from tinyhil.pytest_side.pages import new_folder
from tinyhil.pytest_side.places import find_places
from tinyhil.pytest_side.plan import Options, Plan, make_plan
from tinyhil.pytest_side.report import REPORT, HilReport, choose_results, report_of
from tinyhil.pytest_side.rerun import Rerun, check_same
from tinyhil.pytest_side.summary import SummaryFile
from tinyhil.record import Record
from tinyhil.record.description import Where
from tinyhil.record.packing import Known, is_long, pack
from tinyhil.record.resume import resume
from tinyhil.record.seal import seal, versions
from tinyhil.record.signing import sign

_finished: pytest.StashKey[dict[tuple[str, str], Finished]] = pytest.StashKey()
"""What was measured, by run and task: a link may be opened again in between."""
_supplies: pytest.StashKey[dict[str, Supply | None]] = pytest.StashKey()
"""The power monitor of each station."""
_ladders: pytest.StashKey[dict[str, Ladder]] = pytest.StashKey()
"""What brings each station's board back, for the image that it holds now."""


def register(config: pytest.Config, *, late: bool = False) -> None:
    """Prepare a pytest run for tests on boards: check its options, take its signals, report.

    Args:
        config: of the run.
        late: the command line did not say that boards are tested, but a test has asked for one.
            Allure has begun already, and makes a page only where the user asked for its results.

    Raises:
        pytest.UsageError: an option is wrong.
    """
    if config.pluginmanager.hasplugin(REPORT):
        return
    find_places(config)
    plan_of(config)
    ending = Ending(config)
    config.add_cleanup(ending.close)
    config.pluginmanager.register(ending, ENDING)
    if xdist.is_worker(config):
        report: HilReport = xdist.WorkerReport(config)
    else:
        folder = new_folder(config.getoption("--hil-runs"))
        results = _results(config, None if late or config.option.collectonly else folder)
        report = HilReport(config, results, folder)
        if xdist.is_active(config):
            controller = xdist.Controller(config, report, results, ending, late=late)
            config.pluginmanager.register(controller)
        path = config.getoption("--hil-summary")
        if path:
            config.pluginmanager.register(SummaryFile(path, report))
    config.pluginmanager.register(report, REPORT)
    config.pluginmanager.register(gate)
    config.pluginmanager.register(neighbours)
    config.pluginmanager.register(again)
    plan = plan_of(config)
    if plan.earlier:
        rerun = Rerun({one.name: plan.earlier_of(one) for one in plan.stations})
        config.pluginmanager.register(rerun)


def _results(config: pytest.Config, folder: Path | None) -> Path | None:
    """The folder of Allure's results, which can be written."""
    try:
        check_reports(config)
        return choose_results(config, folder)
    except ConfigError as error:
        raise pytest.UsageError(error.told) from error


def names(config: pytest.Config, fixture: str) -> list[str]:
    """What `BOARD` or `TASK` is parametrized with."""
    register(config, late=True)
    plan = plan_of(config)
    return [choice.name for choice in (plan.stations if fixture == BOARD else plan.chosen)]


def plan_of(config: pytest.Config) -> Plan:
    """The checked options of this run; made once, before anything is started.

    Raises:
        pytest.UsageError: one is wrong.
    """
    if plan_key not in config.stash:
        option = config.getoption
        images, images_file = settings.images(config)
        options = Options(
            boards=option("--hil-board"),
            tasks=option("--hil-task"),
            own_boards=option("--hil-boards"),
            own_tasks=option("--hil-tasks"),
            summary=option("--hil-summary"),
            bench=option("--hil-bench"),
            data=option("--hil-data") or official_data(),
            firmware=None if images else option("--hil-firmware"),
            images=images,
            images_file=images_file,
            models=option("--hil-model"),
            link=option("--hil-link"),
            quick=option("--hil-quick"),
            all_windows=option("--hil-all-windows"),
            read_back=option("--hil-read-back"),
            faults=option("--hil-faults"),
            runs=option("--hil-runs"),
            build=option("--hil-build"),
            resume=option("--hil-resume"),
            rerun=option("--hil-rerun-failed"),
            recover=option("--hil-recover"),
            wait_s=option("--hil-wait"),
            sign=option("--hil-sign"),
            seed=option("--hil-seed"),
            energy=asks_for(config, "energy"),
        )
        try:
            config.stash[plan_key] = make_plan(options)
        except ConfigError as error:
            raise pytest.UsageError(settings.explained(config, error)) from error
    return config.stash[plan_key]


def board(request: pytest.FixtureRequest) -> Iterator[Dut]:
    """See the fixture `hil_board`."""
    xdist.check_worker(request.config)
    plan, report = plan_of(request.config), report_of(request.config)
    station = plan.station(request.param)
    with (
        allure.step(f"start {station.name}"),
        attached(station, wait_s=plan.options.wait_s, tell=report.notice) as dut,
        supplied(dut, plan.monitor_of(station), energy=plan.options.energy) as supply,
        faulty_probe(plan.faults, dut.board, dut.probe_uid) as faults,
    ):
        request.config.stash.setdefault(_supplies, {})[station.name] = supply
        yield dut
        if faults:
            report.injected(dut, "debug probe's", faults.faults)


def task(request: pytest.FixtureRequest) -> Task:
    """See the fixture `hil_task`."""
    return plan_of(request.config).task(request.param)


def record(hil_board: Dut, request: pytest.FixtureRequest) -> Iterator[Record]:
    """See the fixture `hil_record`."""
    plan = plan_of(request.config)
    tasks = _tasks_of(request.session.items, hil_board.station)
    configuration = plan.configuration(plan.station(hil_board.station), tasks)
    host = hil_board.host or hil_board.place_host
    at = (
        Where(place=hil_board.place or None, host=host or None) if hil_board.place or host else None
    )
    if plan.options.resume:
        made, found = resume(plan.options.resume, configuration, at)
        report_of(request.config).say(f"{hil_board.station}: {made.run} {found}")
    else:
        earlier = [one.run for one in plan.earlier_of(plan.station(hil_board.station))]
        made = Record.start(plan.options.runs, configuration, at, earlier)
    report_of(request.config).using(hil_board.station, hil_board.board, made.folder)
    ending = request.config.pluginmanager.getplugin(ENDING)
    assert isinstance(ending, Ending)
    ending.began(hil_board.station, made.folder, made)
    try:
        yield made
        with ending.telling_once(hil_board.station), unbroken():
            seal(made.folder, versions(hil_board.emulator))
            if plan.key:
                sign(made.folder, plan.key)
        allure.attach_file(made.folder / "record.jsonl")
    finally:
        made.close()


def job(
    hil_board: Dut, hil_task: Task, hil_record: Record, request: pytest.FixtureRequest
) -> Iterator[Job]:
    """See the fixture `hil_job`."""
    plan, report = plan_of(request.config), report_of(request.config)
    options = plan.options
    hil_board.refuse_if_out_of_use()
    material = data.material(
        hil_task, options.data, options.build / "data", plan.models.get(hil_task.name)
    )
    with _located(hil_board, "build"), report.bar("build"):
        image, model_sha256 = (
            _image(hil_board, hil_task, material, plan) if hil_board.flashed else (None, None)
        )
    link = options.link
    if link == "auto":
        link = choose(image, emulated=hil_board.board.emulated)
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
        **({} if options.seed is None else {"seed": options.seed}),
        supply=request.config.stash[_supplies][hil_board.station],
        references=options.build / "reference",
    )
    check_same(plan.earlier_of(plan.station(hil_board.station)), job.subject)
    hil_record.begin(job.facts, job.contents)
    supply = job.supply
    ladder = request.config.stash.setdefault(_ladders, {})[job.dut.station] = Ladder(
        hil_board,
        image,
        report.notice,
        on=plan.recovers(plan.station(hil_board.station)),
        # The monitor that is played goes with the process that plays the board.
        power=not (supply and supply.modelled and hil_board.board.emulated),
    )
    if image is None:
        report.say(f"{hil_board.station}: is measured as it is, nothing is flashed")
    else:
        with _located(hil_board, "flash"), report.bar("flash") as progress:
            result = ladder.flash(progress)
        report.flashed(hil_board, result)
    yield job
    _pack_logs(job, hil_record)


def _pack_logs(job: Job, record: Record) -> None:
    """Nothing is written to a task's logs any more: what of them is the data set's is left out."""
    samples = [sample.data for sample in job.material.data.samples]
    logs = [log for log in record.raw.glob(f"{job.task.name}-*.log") if is_long(log)]
    known = Known(job.task, samples) if logs else None
    for log in logs:
        assert known is not None
        with suppress(WriteError, ConfigError):  # A log that is not packed is as good.
            pack(log, known, samples)


def tap(hil_job: Job, hil_record: Record, request: pytest.FixtureRequest) -> Iterator[Tap]:
    """See the fixture `hil_tap`."""
    spec = plan_of(request.config).faults
    dut = hil_job.dut
    injectors: dict[str, Injector] = {}

    def reset_board() -> None:
        reset(dut.board, dut.probe_uid, flash_deadline(dut))

    def corrupt() -> None:
        assert hil_job.image is not None
        spoil(hil_job.image, dut.board, dut.probe_uid, flash_deadline(dut))

    actions: dict[Kind, Callable[[], None] | None] = {
        "reset": reset_board if dut.flashed else None,
        "death": dut.power_off,
        "hang": (lambda: hang(dut.board, dut.probe_uid)) if dut.proven else None,
        "corrupt": corrupt if hil_job.image else None,
        "freeze": dut.freeze,
    }

    def wrap(link: Link, name: str) -> Link:
        if spec and spec.kinds:
            if name not in injectors:
                injectors[name] = Injector(spec, actions)
            link = injectors[name].through(link)
        return RecordedLink(link, hil_record.raw / f"{hil_job.task.name}-{name}.log")

    yield wrap
    for name, injector in injectors.items():
        report_of(request.config).injected(dut, name, injector.faults)


def session(
    hil_job: Job, hil_record: Record, hil_tap: Tap, request: pytest.FixtureRequest
) -> Iterator[Session]:
    """See the fixture `hil_session`."""
    report, dut, advised = report_of(request.config), hil_job.dut, set[str]()

    def open_port(deadline: Deadline) -> Link:
        with _located(dut, "open"):
            opened = open_link(hil_job.link, dut, deadline)
            advice = getattr(opened, "advice", None)
            if advice and advice not in advised:
                advised.add(advice)
                report.notice(f"{dut.station}: {advice}")
            return hil_tap(opened, "serial")

    line = Line(open_port)
    try:
        with _located(dut, "synchronize"):
            request.config.stash[_ladders][dut.station].open(line)
        yield line.session
    finally:
        line.close()
        allure.attach_file(hil_record.raw / f"{hil_job.task.name}-serial.log")


def measurement(
    hil_job: Job,
    hil_session: Session,
    hil_record: Record,
    hil_tap: Tap,
    request: pytest.FixtureRequest,
) -> Measurement:
    """See the fixture `measurement`."""
    report, place = report_of(request.config), (hil_record.run, hil_job.task.name)
    finished = request.config.stash.setdefault(_finished, {}).setdefault(place, {})
    ladder = request.config.stash[_ladders][hil_job.dut.station]
    with _located(hil_job.dut, "identify"):
        talk = converse(hil_session, hil_job, ladder, hil_tap, report.notice, hil_record.raw)
    return Measurement(talk, hil_record, report, ladder, finished)


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
    kind = "own-model" if material.own_model else material.data.kind
    place = board.board.name, task.name, kind
    energy = plan.options.energy
    folder = firmware.folder_of(plan.options.build, *place, energy=energy)
    # Behind the interface board nothing but the official text passes.
    extension = not board.interface_board
    built = firmware.build(
        *(board.board, task, material.model, folder), energy=energy, extension=extension
    )
    return built.image, built.model.sha256


@contextmanager
def _located(board: Dut, stage: str) -> Iterator[None]:
    """Name board and stage in every error that leaves the block."""
    try:
        with allure.step(stage):
            yield
    except TinyhilError as error:
        board.locate(error, stage)
        raise
