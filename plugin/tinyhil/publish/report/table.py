"""The verdicts of a run as a table for a terminal: one line a metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.units import format_coarse, format_metric, station_label
from tinyhil.catalog.verdict import Verdict
from tinyhil.ground.text import shown
from tinyhil.publish.report.title import data_label
from tinyhil.record import Entry

_STYLES = {"pass": "green", "fail": "bold red", "error": "bold magenta", "not judged": "dim"}
_WORDS = {"pass": "pass", "fail": "FAIL", "error": "ERROR", "not judged": "not judged"}
_ERROR_CHARACTERS = 600


def verdict_table(entries: Sequence[Entry], boards: Mapping[str, Board]) -> Table:
    """The table; what holds for many lines, and the text of errors, is below it.

    Args:
        entries: of one run or of many, in the order to show them.
        boards: board types by name; for the instruction counts of emulated ones.
    """
    table = Table(
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
        caption_justify="left",
        caption_style="",
    )
    for heading in ("station", "task", "data", "metric"):
        table.add_column(heading, overflow="fold")
    for heading in ("value", "= instr.", "limit"):
        table.add_column(heading, overflow="fold", justify="right")
    table.add_column("verdict", no_wrap=True)
    errors: list[str] = []
    for entry in entries:
        subject = entry.subject
        station = station_label(subject.station, subject.board)
        where = (station, subject.task, data_label(subject.data_set))
        for verdict in entry.verdicts:
            table.add_row(
                *map(Text, (*where, *_figures(verdict, boards.get(subject.board), entry.details))),
                _word(verdict.status),
            )
        if entry.error is not None:
            name = f"[{len(errors) + 1}]"
            text = shown(entry.error, _ERROR_CHARACTERS, keep="\n")
            errors.append(f"{name} {station} {subject.task} {entry.measure}: {text}")
            row = (*where, entry.measure, f"{entry.samples} samples", "", "")
            table.add_row(*map(Text, row), _word("error", f" {name}"))
        table.add_section()
    table.caption = Text("\n".join([*errors, *_remarks(entries, boards)]))
    return table


def _remarks(entries: Sequence[Entry], boards: Mapping[str, Board]) -> list[str]:
    """What holds for many lines, each thing said once."""
    remarks: dict[str, None] = {}
    for entry in entries:
        board = boards.get(entry.subject.board)
        if board is not None and board.emulator is not None:
            step = f"{board.emulator.instruction_s * 1e9:g} ns"
            remarks[
                f"{board.name} is emulated: its times are instruction counts "
                f"(count x {step}), not times measured on silicon."
            ] = None
        elif entry.subject.emulated:
            remarks[
                f"{entry.subject.board} is emulated: its times are not measured on silicon."
            ] = None
        if entry.subject.data_set == "stand-in":
            remarks["STAND-IN: our own data and model; do not compare with other results."] = None
        wraps = entry.details.get("healed", {}).get("ClockError", 0)
        if wraps:
            remarks[
                f"{subject_name(entry)} {entry.measure}: the device's clock ran backwards {wraps} "
                "times, as one that wraps does; those inferences were asked again."
            ] = None
        for verdict in entry.verdicts:
            if verdict.status == "not judged" and verdict.limit is not None:
                remarks[f"Not judged although a limit is set: {verdict.reason}."] = None
    return list(remarks)


def subject_name(entry: Entry) -> str:
    """Station and task of an entry."""
    return f"{entry.subject.station} {entry.subject.task}"


def _figures(
    verdict: Verdict, board: Board | None, details: Mapping[str, Any]
) -> tuple[str, str, str, str]:
    """Metric, value, the instruction count that an emulated latency is, and limit."""
    metric, value, count = verdict.metric, format_metric(verdict.metric, verdict.value), ""
    coarse_s = 0.0 if details.get("clock") == "timer" else float(details.get("resolution_s", 0.0))
    instruction_s = board.emulator.instruction_s if board and board.emulator else 0.0
    if metric.startswith("latency"):
        if coarse_s and verdict.defined:
            value = format_coarse(verdict.value, coarse_s, "s")
        if instruction_s:
            count = _instructions(verdict.value / instruction_s, coarse_s / instruction_s)
    elif metric == "instructions" and instruction_s:
        value = _instructions(verdict.value, coarse_s / instruction_s)
    return metric, value, count, _limit(metric, verdict.limit)


def _instructions(count: float, resolution: float) -> str:
    """A count with the digits that it has: stamps of a clock show no single instruction."""
    if resolution <= 1:
        return f"{round(count):,}"
    digits = -math.floor(math.log10(resolution))
    return f"{round(count, digits):,.0f} ± {resolution:,.0f}"


def _limit(metric: Metric, limit: Limit | None) -> str:
    if limit is None:
        return "-"
    if limit.min is not None:
        return f"min {format_metric(metric, limit.min)}"
    assert limit.max is not None  # a limit has one of the two
    return f"max {format_metric(metric, limit.max)}"


def _word(status: str, more: str = "") -> Text:
    return Text(_WORDS[status] + more, style=_STYLES[status])
