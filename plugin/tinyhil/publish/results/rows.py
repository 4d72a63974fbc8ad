"""Rows of the results table: a system and its figures, task by task; a missing figure is None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.ground.answer import Answer
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.text import printable
from tinyhil.judge.verify.trust import trust_of
from tinyhil.publish.headings import Heading
from tinyhil.record.recall import board_of
from tinyhil.record.recovery import recovered_by
from tinyhil.record.schema import AccuracyRow, Line
from tinyhil.record.store import Run

RECORDS = ("as claimed", "verified", "not sealed", "changed")
"""What is known of a record: a submission's own words; a run that `tinyhil verify` has nothing
against; one without a seal, as it was killed or is not over; one that does not agree with its raw
bytes, or was changed after it was sealed."""


@dataclass(frozen=True)
class Figures:
    """Of one task."""

    latency_p90_s: float | None = None
    """Of single queries."""
    throughput_ips: float | None = None
    """Median inferences per second."""
    energy_j: float | None = None
    """Of an inference."""
    modelled: bool = False
    """Whether that is of a model, not measured."""
    top1: float | None = None
    """Share of samples that were told right."""
    auc: float | None = None
    """Area under the ROC curve."""
    instructions: float | None = None
    """Of a single query at the 90th percentile, where the board is emulated."""
    flash_bytes: float | None = None
    """What the image takes of flash."""
    ram_bytes: float | None = None
    """What it takes of RAM."""
    false_positives: int | None = None
    """Of the streaming task; so are the two below."""
    false_negatives: int | None = None
    """Wake words that were not heard."""
    duty_cycle: float | None = None
    """The share of the time in which the device works."""
    scope: str = ""
    """What the quality is of, as in ``1000 samples``."""
    short: bool = False
    """Whether a measure was shorter than the rules ask, so the figures are only a quick look."""
    recovered: bool = False
    """Whether the board had to be brought back in the middle of a measure."""
    latency_s: float | None = None
    """Of an inference, as the official table makes it from throughput; computed."""
    firmwares: int = 1
    """How many firmware images the figures come from: an older measure may be of another one."""
    evidence: tuple[str, ...] = ()
    """Folders that they come from."""

    def __post_init__(self) -> None:
        latency_s = 1.0 / self.throughput_ips if self.throughput_ips else None
        object.__setattr__(self, "latency_s", latency_s)


@dataclass(frozen=True)
class Row:
    """One system in one division."""

    source: str = ""
    """Where it was found: the round, or the folder of runs."""
    submitter: str = ""
    """Who hands it in; empty for runs of your own."""
    division: str = ""
    """``closed``, ``open``, or empty where no rule was followed."""
    category: str = ""
    """``Available``, ``Preview`` or ``RDI``."""
    station: str = ""
    """The board itself, by its name on the bench; empty where only its type is known."""
    device: str = ""
    """The board."""
    processor: str = ""
    """The core or the part."""
    processor_count: str = ""
    """How many of them."""
    accelerator: str = ""
    """What else computes."""
    accelerator_count: str = ""
    """How many of them."""
    software: str = ""
    """The engine that ran the models."""
    data_set: str = ""
    """``official``, ``stand-in`` or ``custom``."""
    models: Mapping[str, str] = field(default_factory=dict)
    """By task: what an open row shows."""
    tasks: Mapping[str, Figures] = field(default_factory=dict)
    """Figures by task."""
    details: str = ""
    """Where the evidence is."""
    code: str = ""
    """Where the code is."""
    emulated: bool = False
    """Whether times are instruction counts, not times measured on silicon."""
    instruction_s: float | None = None
    """Emulated seconds of an instruction, where the board is known."""
    mark: str = ""
    """What holds for all of it, such as that it is a rehearsal."""
    record: str = ""
    """How far its figures can be trusted: ``as claimed``, ``verified``, ``not sealed``,
    ``changed``."""
    signature: str = ""
    """Of a verified record: ``unsigned``, or the key that its seal is signed with."""

    @property
    def trust(self) -> str:
        """Record and signature in one text."""
        return ", ".join(filter(None, (self.record, self.signature)))


@dataclass(frozen=True)
class Results(Answer):
    """The results table of ``tinyhil results``; a figure that is missing is null."""

    rows: tuple[Row, ...]
    """One a system and division."""
    remarks: tuple[str, ...]
    """What a reader of the figures has to know."""


def latest(runs: Sequence[Heading]) -> list[Heading]:
    """Those that hold a figure which is the latest of its measure: no other one is shown."""
    newest: dict[tuple[str, bool], tuple[float, int]] = {}
    for place, run in enumerate(runs):
        for what, started in run.ended.items():
            key = (what, run.own_firmware)
            if key not in newest or newest[key][0] <= started:
                newest[key] = (started, place)
    return [runs[place] for place in sorted({place for _, place in newest.values()})]


def rows_of_runs(runs: Sequence[Run]) -> tuple[Row, ...]:
    """A row for each station, division, data set and firmware (ours, or the user's).

    Of each measure it has the latest that ended well; the runs of those are verified.
    """
    lines = sorted(
        ((run, line) for run in runs for line in run.lines if not line.failed),
        key=lambda pair: pair[1].started,
    )
    groups: dict[tuple[str, ...], dict[tuple[str, MeasureName], tuple[Run, Line]]] = {}
    for run, line in lines:
        key = (line.division, line.board, line.station, line.data_set, _software(run))
        groups.setdefault(key, {})[line.task, line.measure] = (run, line)
    return tuple(_row(list(groups[key].values())) for key in sorted(groups))


_STATES = {"disagrees": "changed"}
"""What the table calls it."""


@cache
def _tasks() -> Mapping[str, Task]:
    return load_tasks()


def _row(measured: Sequence[tuple[Run, Line]]) -> Row:
    run, first = measured[0]
    board = _board(run, first.task)
    newest = max(measured, key=lambda pair: pair[1].started)[0].name
    runs = {run.name for run, _ in measured}
    firmware = sorted({(line.firmware_sha256 or "not seen")[:12] for _, line in measured})
    tasks = sorted({line.task for _, line in measured})
    emulated = any(line.emulated for _, line in measured)
    known = [trust_of(run.folder) for run in {run.name: run for run, _ in measured}.values()]
    states = [_STATES.get(one.state, one.state) for one in known]
    record = max(states, key=RECORDS.index)
    signatures = dict.fromkeys(one.signature for one in known) if record == "verified" else ()
    return Row(
        source=run.folder.parent.name,
        division=first.division,
        station=first.station,
        device=f"{board.title} ({first.board})" if board else first.board,
        processor=board.processor if board else first.core,
        processor_count="1",
        software=_software(run),
        data_set=first.data_set,
        models={task: _model(task, measured) for task in tasks},
        tasks={task: _figures(task, measured) for task in tasks},
        details=newest + (f" and {len(runs) - 1} more" if len(runs) > 1 else ""),
        code=f"firmware {', '.join(firmware[:4])}{' …' if len(firmware) > 4 else ''}",
        emulated=emulated,
        mark=_mark(measured, emulated=emulated),
        instruction_s=board.emulator.instruction_s if board and board.emulator else None,
        record=record,
        signature=" or ".join(signatures),
    )


def _board(run: Run, task: str) -> Board | None:
    """None where its facts are damaged: the row says that its record was changed."""
    try:
        return board_of(run, task)
    except ConfigError:
        return None


def _mark(measured: Sequence[tuple[Run, Line]], *, emulated: bool) -> str:
    """What stands beside all figures of a row."""
    modelled = any(line.details.get("modelled") for _, line in measured)
    parts = ["emulated: times are instruction counts"] * emulated
    return ", ".join([*parts, *["energy is modelled"] * modelled])


def _software(run: Run) -> str:
    if run.description.configuration.own_firmware:
        return "the user's own firmware"
    return "tinyhil's firmware"


def _figures(task: str, measured: Sequence[tuple[Run, Line]]) -> Figures:
    own = [(run, line) for run, line in measured if line.task == task]
    values: dict[Metric, float] = {}
    for _, line in own:
        values |= line.metrics
    scopes = (_scope(run, line) for run, line in own if line.measure is MeasureName.ACCURACY)
    return Figures(
        latency_p90_s=values.get("latency_p90_s"),
        throughput_ips=values.get("throughput_ips"),
        energy_j=values.get("energy_j"),
        modelled=any(line.details.get("modelled") for _, line in own),
        top1=values.get("top1"),
        auc=values.get("auc"),
        instructions=values.get("instructions"),
        flash_bytes=values.get("flash_bytes"),
        ram_bytes=values.get("ram_bytes"),
        scope=next(scopes, ""),
        short=any(run.is_short(line) for run, line in own),
        recovered=any(recovered_by(line.details) for _, line in own),
        firmwares=len({line.firmware_sha256 for _, line in own}),
        evidence=tuple(dict.fromkeys(str(run.folder) for run, _ in own)),
    )


def _scope(run: Run, line: Line) -> str:
    done, every = (line.details[key] for key in ("inferences", "inferences_of_the_full_set"))
    told = [f"{line.samples} samples", _list_name(run, line)]
    told += [f"{done} of {every} windows"] if done < every else []
    return ", ".join(filter(None, told))


def _list_name(run: Run, line: Line) -> str:
    """Which of several official lists a line's samples are of; empty where there are not several.

    The images of the later list have no pinned sums, so a run calls them custom.
    """
    task = _tasks().get(line.task)
    if task is None or line.data_set == "stand-in":
        return ""
    from tinyhil.publish.submission.labels import list_of, official_lists  # noqa: PLC0415 - slow

    lists = official_lists(task)
    if len(lists) < 2:
        return ""
    if line.data_set == "official":
        return lists[0].name
    used = list_of(task, {row.sample for row in run.rows(task.name, line.measure, AccuracyRow)})
    return used.name if used else ""


def _model(task: str, measured: Sequence[tuple[Run, Line]]) -> str:
    sums = {line.model_sha256 for _, line in measured if line.task == task} - {None}
    known = _tasks().get(task)
    if len(sums) != 1 or known is None:
        return "several" if len(sums) > 1 else ""
    (sha256,) = sums
    if known.own is None and sha256 == known.official.model_sha256:
        return "official"
    if known.stand_in and sha256 == known.stand_in.model_sha256:
        return "stand-in"
    names = {run.description.configuration.models.get(task, "") for run, _ in measured} - {""}
    return f"{', '.join([*map(printable, sorted(names)), ''])}SHA-256 {str(sha256)[:12]}…"
