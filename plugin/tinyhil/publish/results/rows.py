"""Rows of the results table: a system and its figures, task by task; a missing figure is None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.record.schema import Line
from tinyhil.record.store import Run


@dataclass(frozen=True)
class Figures:
    """Of one task."""

    latency_p90_s: float | None = None
    """Of single queries."""
    throughput_ips: float | None = None
    energy_j: float | None = None
    """Of an inference."""
    top1: float | None = None
    auc: float | None = None
    instructions: float | None = None
    """Of a single query at the 90th percentile, where the board is emulated."""
    scope: str = ""
    """What the quality is of, as in ``1000 samples``."""
    short: bool = False
    """Whether a measure was shorter than the rules ask, so the figures are only a quick look."""

    @property
    def latency_s(self) -> float | None:
        """Of an inference, as the official table makes it from throughput."""
        return 1.0 / self.throughput_ips if self.throughput_ips else None


@dataclass(frozen=True)
class Row:
    """One system in one division."""

    submitter: str = ""
    division: str = ""
    category: str = ""
    station: str = ""
    """The board itself, by its name on the bench; empty where only its type is known."""
    device: str = ""
    processor: str = ""
    processor_count: str = ""
    accelerator: str = ""
    accelerator_count: str = ""
    software: str = ""
    data_set: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    """By task: what an open row shows."""
    tasks: Mapping[str, Figures] = field(default_factory=dict)
    details: str = ""
    code: str = ""
    emulated: bool = False
    instruction_s: float | None = None
    """Emulated seconds of an instruction, where the board is known."""
    mark: str = ""
    """What holds for all of it, such as that it is a rehearsal."""


def rows_of_runs(runs: Sequence[Run]) -> tuple[Row, ...]:
    """A row for each station, division and data set: of each measure the latest that ended well."""
    lines = sorted(
        ((run, line) for run in runs for line in run.lines if not line.failed),
        key=lambda pair: pair[1].started,
    )
    groups: dict[tuple[str, ...], dict[tuple[str, MeasureName], tuple[Run, Line]]] = {}
    for run, line in lines:
        key = (line.division, line.board, line.station, line.data_set)
        groups.setdefault(key, {})[line.task, line.measure] = (run, line)
    return tuple(_row(list(groups[key].values())) for key in sorted(groups))


@cache
def _boards() -> Mapping[str, Board]:
    return load_boards()


@cache
def _tasks() -> Mapping[str, Task]:
    return load_tasks()


def _row(measured: Sequence[tuple[Run, Line]]) -> Row:
    first = measured[0][1]
    board = _boards().get(first.board)
    newest = max(measured, key=lambda pair: pair[1].started)[0].name
    runs = {run.name for run, _ in measured}
    firmware = sorted({(line.firmware_sha256 or "not seen")[:12] for _, line in measured})
    tasks = sorted({line.task for _, line in measured})
    emulated = any(line.emulated for _, line in measured)
    return Row(
        division=first.division,
        station=first.station,
        device=f"{board.title} ({first.board})" if board else first.board,
        processor=board.processor if board else first.core,
        processor_count="1",
        data_set=first.data_set,
        models={task: _model(task, measured) for task in tasks},
        tasks={task: _figures(task, measured) for task in tasks},
        details=newest + (f" and {len(runs) - 1} more" if len(runs) > 1 else ""),
        code=f"firmware {', '.join(firmware[:4])}{' …' if len(firmware) > 4 else ''}",
        emulated=emulated,
        mark="emulated: times are instruction counts" if emulated else "",
        instruction_s=board.emulator.instruction_s if board and board.emulator else None,
    )


def _figures(task: str, measured: Sequence[tuple[Run, Line]]) -> Figures:
    own = [(run, line) for run, line in measured if line.task == task]
    values: dict[Metric, float] = {}
    for _, line in own:
        values |= line.metrics
    scopes = (_scope(line) for _, line in own if line.measure is MeasureName.ACCURACY)
    return Figures(
        latency_p90_s=values.get("latency_p90_s"),
        throughput_ips=values.get("throughput_ips"),
        energy_j=values.get("energy_j"),
        top1=values.get("top1"),
        auc=values.get("auc"),
        instructions=values.get("instructions"),
        scope=next(scopes, ""),
        short=any(run.is_short(line) for run, line in own),
    )


def _scope(line: Line) -> str:
    done, every = (line.details[key] for key in ("inferences", "inferences_of_the_full_set"))
    if done < every:
        return f"{line.samples} samples, {done} of {every} windows"
    return f"{line.samples} samples"


def _model(task: str, measured: Sequence[tuple[Run, Line]]) -> str:
    sums = {line.model_sha256 for _, line in measured if line.task == task} - {None}
    known = _tasks().get(task)
    if len(sums) != 1 or known is None:
        return "several" if len(sums) > 1 else ""
    (sha256,) = sums
    if sha256 == known.official.model_sha256:
        return "official"
    if known.stand_in and sha256 == known.stand_in.model_sha256:
        return "stand-in"
    return f"SHA-256 {str(sha256)[:12]}…"
