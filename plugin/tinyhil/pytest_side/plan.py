"""The options of a run, resolved and checked before anything is started."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tinyhil.catalog.bench import (
    Station,
    firmware_of,
    images_of,
    key_of,
    select,
    station_of_place,
    stations,
)
from tinyhil.catalog.board import NO_FLASH, load_boards
from tinyhil.catalog.monitor import MonitorFacts
from tinyhil.catalog.places import is_place
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.device import links
from tinyhil.device.faults import Spec, parse_spec
from tinyhil.flash import check_method
from tinyhil.ground.errors import ConfigError, FirmwareError
from tinyhil.ground.outputs import check_file, check_folder
from tinyhil.ground.text import printable
from tinyhil.image.elf import Image, read_image
from tinyhil.measure.monitors import names, options_of
from tinyhil.pytest_side.rerun import Earlier, check_used, earlier_of, read_earlier
from tinyhil.record import Configuration, resume
from tinyhil.record.signing import check_key

RECOVER = ("on", "off")
DEFAULT_BOARD = "mps2-an386"


@dataclass(frozen=True)
class Options:
    """As the user gave them."""

    boards: Sequence[str]
    bench: Path | None
    data: Path | None
    firmware: Path | None
    link: str
    quick: bool
    all_windows: bool
    read_back: float
    """Share of the samples, from 0 to 1."""
    faults: str | None
    runs: Path
    build: Path
    """Folder of firmware builds and generated data sets."""
    resume: Path | None = None
    """Folder of a run to continue."""
    rerun: Sequence[Path] = ()
    """Folders of runs whose tests that did not end are run."""
    recover: str | None = None
    """``on`` or ``off``; None: on for boards of other hosts and of labgrid."""
    wait_s: float = 0.0
    """How long to wait for a station that somebody else uses."""
    tasks: Sequence[str] = ()
    """Names or globs; none for all."""
    own_boards: Path | None = None
    """Folder of board types of the user's own."""
    own_tasks: Path | None = None
    summary: Path | None = None
    """File for a table in Markdown."""
    images: Mapping[str, Path] = field(default_factory=dict)
    """Images by task, of the project's table."""
    images_file: Path | None = None
    """Where that table stands."""
    models: Sequence[str] = ()
    """Models of the user's own, each ``TASK=FILE``."""
    sign: Path | None = None
    """SSH key that signs the runs; None for the bench file's, if it names one."""
    seed: int | None = None
    """Of all that is drawn; None: another one each time."""
    energy: bool = False
    """Whether energy is measured: firmware marks time by a pin then."""


@dataclass(frozen=True)
class Plan:
    """What a run is going to do."""

    options: Options
    stations: tuple[Station, ...]
    tasks: tuple[Task, ...]
    """All that are known."""
    chosen: tuple[Task, ...]
    """Those to test."""
    faults: Spec | None
    """To inject."""
    image: Image | None = None
    """The user's own, read once: what is checked is what is flashed."""
    images: Mapping[str, Image] = field(default_factory=dict)
    """The user's own by task, if there is none for all."""
    models: Mapping[str, Path] = field(default_factory=dict)
    """The user's own models, by task."""
    key: Path | None = None
    """SSH key that signs the runs, which has been tried."""
    earlier: tuple[Earlier, ...] = ()
    """Runs whose tests that did not end are run."""

    @property
    def own_firmware(self) -> bool:
        """Whether the user's images are flashed, and not ours."""
        return self.image is not None or bool(self.images)

    def monitor_of(self, station: Station) -> MonitorFacts | None:
        """The power monitor of a station, by the bench file.

        Raises:
            ConfigError: its table is wrong.
        """
        values = station.wiring.monitor if station.wiring else None
        where = f"{self.options.bench}: table 'stations.{station.name}.monitor'"
        return None if values is None else options_of(values, where)

    def recovers(self, station: Station) -> bool:
        """Whether a board that fails is brought back, see `ladder`."""
        wiring = station.wiring
        far = wiring is not None and bool(wiring.host or wiring.labgrid)
        return self.options.recover == "on" or (self.options.recover is None and far)

    def image_of(self, task: str) -> Image | None:
        """The user's own image for a task; None where ours is to be built.

        Raises:
            FirmwareError: there are images for other tasks only.
        """
        if self.image is None and self.images and task not in self.images:
            raise FirmwareError(
                f"the table 'firmware' has no image for {task}; it has: "
                f"{', '.join(sorted(self.images))}",
                hint=f"add it, or leave the task out: -k 'not {task}'",
            )
        return self.image or self.images.get(task)

    def earlier_of(self, station: Station) -> tuple[Earlier, ...]:
        """The runs that one station goes on with.

        Raises:
            ConfigError: see `rerun.earlier_of`.
        """
        names = [one.name for one in self.stations]
        return earlier_of(self.earlier, self.configuration(station, ()), names)

    def station(self, name: str) -> Station:
        """The chosen station of this name."""
        return next(station for station in self.stations if station.name == name)

    def task(self, name: str) -> Task:
        """The task of this name."""
        return next(task for task in self.tasks if task.name == name)

    def configuration(self, station: Station, tasks: Iterable[str]) -> Configuration:
        """What the run of one station is asked to do."""
        options = self.options
        return Configuration(
            station=station.name,
            board=station.board.name,
            tasks=tuple(sorted(set(tasks))),
            link=options.link,
            quick=options.quick,
            all_windows=options.all_windows,
            read_back=options.read_back,
            faults=str(self.faults) if self.faults else None,
            own_firmware=self.own_firmware,
            models={task: path.name for task, path in self.models.items()},
        )


def make_plan(options: Options) -> Plan:
    """Check the options against boards, tasks, links and files.

    Raises:
        ConfigError: one is wrong; the text names it and what is known.
    """
    _check_given(options)
    faults = parse_spec(options.faults) if options.faults is not None else None
    boards = load_boards(options.own_boards)
    known = stations(boards, options.bench)
    known |= {word: station_of_place(word, boards) for word in options.boards if is_place(word)}
    chosen = select(known, options.boards or [DEFAULT_BOARD])
    _check_flashing(options, chosen)
    tasks = load_tasks(options.own_tasks)
    image = read_image(options.firmware) if options.firmware else None
    named = {} if image else {
        **firmware_of(options.bench, tasks),
        **images_of(options.images, tasks, options.images_file or Path()),
    }  # fmt: skip
    images = {task: read_image(path) for task, path in named.items()}
    if options.link == "rtt":
        _check_probes(chosen, [*([image] if image else []), *images.values()])
    tested = _select(tasks, options.tasks or ["*"])
    plan = Plan(
        options,
        chosen,
        tuple(tasks.values()),
        tested,
        faults,
        image,
        images,
        _models(options.models, tested, [*tasks] if image else [*images]),
        _key(options),
        read_earlier(options.rerun),
    )
    _check_monitors(plan)
    if options.resume and options.rerun:
        raise ConfigError(
            "option --hil-rerun-failed: --hil-resume goes on with one run and is its own",
            hint="leave one of the two out",
        )
    used = [one for station in chosen for one in plan.earlier_of(station)]
    check_used(plan.earlier, used)
    if options.resume:
        for station in chosen:
            resume.check(options.resume, plan.configuration(station, ()))
    return plan


def _check_given(options: Options) -> None:
    """Refuse paths, a link and numbers that can't be, each by itself."""
    for option, path, wanted in (
        ("--hil-bench", options.bench, "file"),
        ("--hil-firmware", options.firmware, "file"),
        ("--hil-data (or TINYHIL_DATA)", options.data, "folder"),
        ("--hil-resume", options.resume, "folder"),
        *(("--hil-rerun-failed", path, "folder") for path in options.rerun),
    ):
        if path and not (path.is_file() if wanted == "file" else path.is_dir()):
            raise ConfigError(f"option {option}: {path} is not a {wanted}", hint="correct the path")
    _check_outputs(options)
    if options.recover not in (None, *RECOVER):
        raise ConfigError(
            f"option --hil-recover: '{printable(options.recover)}' is neither on nor off",
            hint="write on or off, or leave it out",
        )
    known_links = ("auto", *links.names())
    if options.link not in known_links:
        raise ConfigError(
            f"option --hil-link: no link '{options.link}'; known: {', '.join(known_links)}",
            hint="choose one of them, or install the package that brings this link",
        )
    if options.link != "auto":
        links.has_frames_apart(options.link)  # Loads that of another package.
    if not 0.0 <= options.read_back <= 1.0:
        raise ConfigError(
            f"option --hil-read-back: {options.read_back:g} is not a share from 0 to 1",
            hint="0.05 reads one sample in twenty back, 1 every one",
        )
    if not 0.0 <= options.wait_s < float("inf"):
        raise ConfigError(
            f"option --hil-wait: {options.wait_s:g} is not a time in seconds",
            hint="0 does not wait, 3600 waits an hour",
        )


def _check_monitors(plan: Plan) -> None:
    for station in plan.stations:
        monitor = plan.monitor_of(station)
        if monitor is None and plan.options.energy and not station.board.emulated:
            raise ConfigError(
                f"option -m energy: station '{station.name}' has no power monitor",
                hint="give it a table 'monitor' in the bench file; known kinds: "
                + ", ".join(names()),
            )


def _key(options: Options) -> Path | None:
    """The key that signs the runs, if there is one.

    Raises:
        ConfigError: it does not sign.
    """
    key = options.sign or key_of(options.bench)
    if key:
        check_key(key, "option --hil-sign" if options.sign else f"{options.bench}: key 'sign'")
    return key


def _select(tasks: Mapping[str, Task], patterns: Iterable[str]) -> tuple[Task, ...]:
    """The tasks that the patterns name, each once.

    Raises:
        ConfigError: a pattern names none.
    """
    chosen: dict[str, Task] = {}
    for pattern in patterns:
        found = {name: task for name, task in tasks.items() if fnmatchcase(name, pattern)}
        if not found:
            raise ConfigError(
                f"option --hil-task: no task '{pattern}'; known: {', '.join(tasks)}",
                hint="correct the name; a task of your own needs a file in --hil-tasks",
            )
        chosen |= found
    return tuple(chosen.values())


def _models(
    given: Iterable[str], tested: Iterable[Task], with_image: Collection[str]
) -> dict[str, Path]:
    """The models that the user brings, by task.

    Args:
        given: each ``TASK=FILE``.
        tested: the tasks of the run.
        with_image: tasks for which an image of the user's own is flashed.

    Raises:
        ConfigError: one is no file, or of no task that is tested and built here.
    """
    models: dict[str, Path] = {}
    known = [task.name for task in tested]
    for word in given:
        task, _, file = word.partition("=")
        path = Path(file)
        if task not in known:
            raise ConfigError(
                f"option --hil-model: '{printable(word)}' is not TASK=FILE with one of the tasks "
                f"{', '.join(known)}",
                hint="as in --hil-model kws01=my.tflite",
            )
        if task in models:
            raise ConfigError(
                f"option --hil-model: there are two models for {task}", hint="leave one out"
            )
        if not path.is_file():
            raise ConfigError(f"option --hil-model: {path} is not a file", hint="correct the path")
        if task in with_image:
            raise ConfigError(
                f"option --hil-model: for {task} an image of your own is flashed, with the model "
                "that is in it",
                hint="leave out the model, or the image",
            )
        models[task] = path
    return dict(sorted(models.items()))


def _check_flashing(options: Options, chosen: Iterable[Station]) -> None:
    """Refuse options that need an image on a station that gets none, and unknown ways to flash."""
    for station in chosen:
        check_method(station.board.flash.method)
        wanted = "--hil-firmware" if options.firmware else "--hil-link rtt"
        needs = options.firmware is not None or options.link == "rtt"
        if needs and station.board.flash.method == NO_FLASH:
            raise ConfigError(
                f"option {wanted}: station '{station.name}' has neither a probe nor a way to flash",
                hint="give it a 'probe' or a 'flash' table in the bench file, or leave the option "
                "out: it is measured as it is then",
            )


def _check_probes(chosen: Iterable[Station], images: Iterable[Image]) -> None:
    """Refuse frames through a debug probe where there is no such way."""
    for station in chosen:
        lacking = None
        if station.wiring and not (station.wiring.probe or station.wiring.labgrid):
            lacking = "'probe'"
        elif station.wiring and not station.board.flash.target:
            lacking = "'flash.target', by which pyOCD knows its board"
        if lacking:
            raise ConfigError(
                f"option --hil-link rtt: station '{station.name}' has no {lacking}",
                hint="give it one in the bench file, or leave the option out: the serial port "
                "carries the samples then",
            )
    for image in images:
        if not image.has_harness:
            raise ConfigError(
                f"option --hil-link rtt: {image.path} has not our harness, and speaks text over "
                "its serial port alone",
                hint="leave the option out, or build the firmware with the harness: "
                "`tinyhil new firmware`",
            )


def _check_outputs(options: Options) -> None:
    """Refuse folders that a run could not be written to."""
    if options.summary:
        check_file(options.summary, "--hil-summary")
    check_folder(options.resume or options.runs, "--hil-resume" if options.resume else "--hil-runs")
    if not (options.firmware and options.data):
        check_folder(options.build, "--hil-build")
