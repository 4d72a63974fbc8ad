"""How each measure says that it was asked: what its own checks look at, and by which clock, must
be what the run's facts and the device itself say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task
from tinyhil.ground.errors import TinyhilError
from tinyhil.judge.verify.answers import Device
from tinyhil.judge.verify.compiling import compiled_for
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.kept import Kept
from tinyhil.measure.audit.answers import HEADING
from tinyhil.measure.floor import floor_s
from tinyhil.measure.measures import adds_up
from tinyhil.record.configuration import Configuration
from tinyhil.record.description import JobFacts
from tinyhil.record.rows import Row, plain
from tinyhil.record.schema import RAW, SingleStreamRow

_PROVED = (MeasureName.ACCURACY, MeasureName.SINGLE_STREAM, MeasureName.THROUGHPUT)


def check_headings(
    facts: JobFacts,
    kept: Kept,
    asked: Configuration,
    device: Device,
    rows: Mapping[str, Sequence[Row]],
    findings: Findings,
) -> None:
    """Compare the first row of each finished measure, which its own checks go by, and the unit of
    its times.

    Args:
        facts: what the task was measured with.
        kept: the same, as it lies in the run.
        asked: what the run was asked to do.
        device: what it said about itself.
        rows: of the measures that are finished, by file.
        findings: where differences are noted.
    """
    ours, macs = facts.subject.model_sha256 is not None, _macs(kept.task, kept.model)
    known: dict[str, Any] = {"exact": ours}  # Where the machine that measured knew the model.
    if macs is not None and kept.board:
        known["floor_s"] = floor_s(kept.board, macs, ours=ours)
    for measure in _PROVED:
        file = f"{RAW}/{facts.subject.task}-{measure}.jsonl"
        own = rows.get(file, ())
        if not own:
            continue  # Which is said elsewhere.
        tick_hz = device.tick_hz if measure is MeasureName.SINGLE_STREAM else None
        wanted = {"virtual": facts.subject.emulated, "quick": asked.quick, "tick_hz": tick_hz}
        if kept.task:
            wanted["state"] = kept.task.keeps_state
        for text in _heading(own, wanted, known):
            findings.add(file, 1, text)
        for line, text in _units(own, tick_hz) if measure is MeasureName.SINGLE_STREAM else ():
            findings.add(file, line, text)


def _heading(
    rows: Sequence[Row], wanted: Mapping[str, Any], known: Mapping[str, Any]
) -> Iterator[str]:
    heading = rows[0]
    if heading.get("role") != HEADING or any(row.get("role") == HEADING for row in rows[1:]):
        yield "is not the heading that the checks of the measure go by, or not the only one"
        return
    said = {"quick": False, "floor_s": None, "state": False, **heading}
    for name, value in {**wanted, **(known if "exact" in heading else {})}.items():
        if said.get(name) != value:
            yield f"says another {name} than the run's facts and the device, which say {value}"
    compared = [row for row in rows if row.get("role") == "reference"]
    answers = sum(len(row["scores"]) for row in plain(rows) if "stamps_us" in row)
    if sum(row.get("answers", 0) for row in compared) > answers:
        yield "more answers were compared with the model's than there are"


def _units(rows: Sequence[Row], tick_hz: int | None) -> Iterator[tuple[int, str]]:
    """Times must be in ticks of the device's timer, and add up to what the time stamps say."""
    for number, row in enumerate(rows, start=1):
        if "role" in row:
            continue
        hertz = SingleStreamRow.model_validate(row).hertz
        if hertz != (tick_hz or 10**6):
            yield number, f"its times are in units of 1/{hertz} s, which is not the device's timer"
        elif tick_hz and not adds_up(row, row["times"], tick_hz):
            yield number, "its times do not add up to what the time stamps around them say"


def _macs(task: Task | None, model: bytes | None) -> int | None:
    """Of a model; None where it is not known, or can't be compiled."""
    if task is None or model is None:
        return None
    try:
        return compiled_for(task, model).macs
    except TinyhilError:
        return None
