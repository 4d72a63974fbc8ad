"""The verdicts of a run as a table for a terminal: one line a metric."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.units import format_coarse, format_metric, scaled, station_label
from tinyhil.catalog.verdict import Verdict
from tinyhil.catalog.wording import RANDOM, data_label
from tinyhil.ground.tables import show_fitted, show_text
from tinyhil.ground.text import shown
from tinyhil.record import Entry
from tinyhil.record.recovery import told

_HEADINGS = ("station", "task", "data", "metric", "value", "= instr.", "limit", "verdict")
_BOARD_TYPE = frozenset({"board type"})
"""The part of a station's label that a narrow table leaves out."""

_STYLES = {"pass": "green", "fail": "bold red", "error": "bold magenta", "not judged": "dim"}
_WORDS = {"pass": "pass", "fail": "FAIL", "error": "ERROR", "not judged": "not judged"}
_ERROR_CHARACTERS = 600


def show_verdicts(entries: Sequence[Entry], boards: Mapping[str, Board], console: Console) -> None:
    """Print the table; what holds for many lines, and the text of errors, comes below it.

    On a narrow terminal the names stay whole, and what says least gives way.

    Args:
        entries: of one run or of many, in the order to show them.
        boards: board types by name; for the instruction counts of emulated ones.
        console: to print to.
    """
    without = ["= instr.", "data", *_BOARD_TYPE]
    without += ["station"] if len({entry.subject.station for entry in entries}) == 1 else []
    left_out = show_fitted(
        console, lambda without: _table(entries, boards, without), [*without, "limit"]
    )
    for text in (*_errors(entries), *_left_out(entries, left_out), *remarks(entries, boards)):
        show_text(console, text)


def _table(entries: Sequence[Entry], boards: Mapping[str, Board], without: frozenset[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    wanted = [heading not in without for heading in _HEADINGS]
    for heading in compress(_HEADINGS, wanted):
        numbers = heading in ("value", "= instr.", "limit")
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    errors = 0
    for entry in entries:
        subject = entry.subject
        station = subject.station if _BOARD_TYPE & without else _station(entry)
        where = (station, subject.task, data_label(subject.data_set))
        for verdict in entry.verdicts:
            figures = _figures(verdict, boards.get(subject.board), entry.details)
            after = ", recovered" if entry.recovered else ""
            row = [*map(Text, (*where, *figures)), _word(verdict.status, after)]
            table.add_row(*compress(row, wanted))
        if entry.error is not None:
            errors += 1
            cells = (*where, entry.measure, f"{entry.samples} samples", "", "")
            row = [*map(Text, cells), _word("error", f" [{errors}]")]
            table.add_row(*compress(row, wanted))
        table.add_section()
    return table


def _station(entry: Entry) -> str:
    return station_label(entry.subject.station, entry.subject.board)


def _errors(entries: Sequence[Entry]) -> Iterator[str]:
    """The text of each error, by the number that the table has."""
    failed = (entry for entry in entries if entry.error is not None)
    for number, entry in enumerate(failed, start=1):
        text = shown(entry.error or "", _ERROR_CHARACTERS, keep="\n")
        yield f"[{number}] {_station(entry)} {entry.subject.task} {entry.measure}: {text}"


def _left_out(entries: Sequence[Entry], without: frozenset[str]) -> Iterator[str]:
    """What a narrow table does not show, where it is not said elsewhere."""
    if "station" in without:
        yield f"Station: {_station(entries[0])}."
    data_sets = dict.fromkeys(data_label(entry.subject.data_set) for entry in entries)
    if "data" in without and list(data_sets) != [data_label("stand-in")]:
        yield f"Data: {', '.join(data_sets)}."
    if "limit" in without:
        yield "The limits do not fit into this terminal; record.jsonl has them."


def remarks(entries: Sequence[Entry], boards: Mapping[str, Board]) -> list[str]:
    """What holds for many lines, each thing said once."""
    said: dict[str, None] = {}
    for entry in entries:
        board = boards.get(entry.subject.board)
        if board is not None and board.emulator is not None:
            step = f"{board.emulator.instruction_s * 1e9:g} ns"
            said[
                f"{board.name} is emulated: its times are instruction counts "
                f"(count x {step}), not times measured on silicon."
            ] = None
        elif entry.subject.emulated:
            said[f"{entry.subject.board} is emulated: its times are not measured on silicon."] = (
                None
            )
        if entry.details.get("modelled"):
            said[
                f"{subject_name(entry)}: energy and power are modelled, not measured: by whether "
                "the core works or sleeps. They are never exported."
            ] = None
        if entry.subject.data_set == "stand-in":
            said["STAND-IN: our own data and model; do not compare with other results."] = None
        if entry.subject.data_set == "random":
            said[RANDOM] = None
        said |= dict.fromkeys(recovery(entry))
        said |= dict.fromkeys(wraps(entry))
        said |= dict.fromkeys(bracket(entry, boards.get(entry.subject.board)))
        for verdict in entry.verdicts:
            if verdict.status == "not judged" and verdict.limit is not None:
                said[f"Not judged although a limit is set: {verdict.reason}."] = None
    return list(said)


def recovery(entry: Entry) -> Iterator[str]:
    """What was done to bring the board back in the middle of a measure."""
    text = told(entry.details)
    if text:
        about = f"{subject_name(entry)} {entry.measure}"
        end = "not recovered" if entry.error is not None else "measured only after recovery"
        yield f"{about}: {end}: {text}."


def wraps(entry: Entry) -> Iterator[str]:
    """That the device's clock began anew, where it did so by itself."""
    details, about = entry.details, f"{subject_name(entry)} {entry.measure}"
    found = details.get("wraps") or details.get("checks", {}).get("wraps")
    inside = found.get("inside") if found else 0
    again = details.get("healed", {}).get("ClockError", 0)
    asked = f"queries asked again for it: {again}"
    if found and not details.get("restarts"):
        after = " to ".join(dict.fromkeys(f"{limit_s:.1f}" for limit_s in found["period_s"]))
        yield (
            f"{about}: the device's clock began anew, as one that wraps after {after} s does "
            f"(times seen: {found['times']}); "
            + (
                f"so much was added to a time across that ({inside} times)"
                if inside
                else "no time is taken across that"
            )
            + (f"; {asked}." if again else ".")
        )
    elif again:
        yield f"{about}: the device's clock ran backwards, as one that wraps does; {asked}."


def bracket(entry: Entry, board: Board | None) -> Iterator[str]:
    """What is in the times of single queries besides the inference, where there is something."""
    bracket_s = entry.details.get("bracket_s")
    if bracket_s and entry.measure is MeasureName.SINGLE_STREAM:
        emulator = board.emulator if board else None
        count = f" ({bracket_s / emulator.instruction_s:,.0f} instructions)" if emulator else ""
        yield (
            f"{subject_name(entry)}: {scaled(bracket_s, 's', 3)}{count} of each latency are no "
            "inference: the text protocol prints its first time stamp inside the time."
        )


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
    elif metric == "energy_j" and details.get("error_j"):
        value = format_coarse(verdict.value, float(details["error_j"]), "J")
    elif metric == "instructions" and instruction_s:
        value = _instructions(verdict.value, coarse_s / instruction_s)
    elif metric == "throughput_ips" and coarse_s:
        shortest_s = min(window["device_s"] for window in details["windows"])
        value = format_coarse(verdict.value, verdict.value * 2 * coarse_s / shortest_s, "inf/s")
    return metric, value, count, limit_text(metric, verdict.limit)


def _instructions(count: float, resolution: float) -> str:
    """A count with the digits that it has: stamps of a clock show no single instruction."""
    if resolution <= 1:
        return f"{round(count):,}"
    digits = -math.floor(math.log10(resolution))
    return f"{round(count, digits):,.0f} ± {resolution:,.0f}"


def limit_text(metric: Metric, limit: Limit | None) -> str:
    """A limit for people, as in ``max 12 ms``."""
    if limit is None:
        return "-"
    if limit.min is not None:
        return f"min {format_metric(metric, limit.min)}"
    assert limit.max is not None  # a limit has one of the two
    return f"max {format_metric(metric, limit.max)}"


def _word(status: str, more: str = "") -> Text:
    return Text(_WORDS[status] + more, style=_STYLES[status])
