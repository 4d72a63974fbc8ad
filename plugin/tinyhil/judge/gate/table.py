"""The comparison as a table for a terminal, and what failed in words below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinyhil.catalog.wording import mark_of
from tinyhil.ground.tables import show_fitted
from tinyhil.ground.text import say, shown
from tinyhil.judge.gate.compare import WORDS, Comparison, failed
from tinyhil.judge.gate.fleet import diagnoses
from tinyhil.judge.gate.matching import labels
from tinyhil.judge.gate.wording import change_text, value_text

_HEADINGS = ("station", "task", "metric", "baseline", "candidate", "change", "verdict")

_STYLES = {
    "same": "",
    "better": "green",
    "worse": "bold red",
    "missing": "bold magenta",
    "new": "dim",
}


def show(
    comparisons: Sequence[Comparison], console: Console, not_measured: Mapping[str, str]
) -> None:
    """Print one line a figure; below, each failed one in words, and how many there are of each.

    Args:
        comparisons: in the order to show them.
        console: to print to.
        not_measured: see `Gate.not_measured`.
    """
    one = len({entry.label for entry in comparisons}) == 1
    gives_way = ["baseline", *["station"] * one]
    left_out = show_fitted(console, lambda without: _table(comparisons, without), gives_way)
    if "station" in left_out:
        say(console, f"Station: {comparisons[0].label}.")
    found = (f"fleet: {one}" for one in diagnoses(comparisons))
    for text in (*(f"- {one}" for one in failed(comparisons)), *found, *_summary(comparisons)):
        say(console, text)
    for text in told_not_measured(not_measured):
        say(console, text)


def told_not_measured(stations: Mapping[str, str]) -> Iterator[str]:
    """That stations of the baseline were not measured, if so; see `Gate.not_measured`."""
    if stations:
        yield f"not measured this time, but in the baseline: {shown(labels(stations))}"


def _table(comparisons: Sequence[Comparison], without: frozenset[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    wanted = [heading not in without for heading in _HEADINGS]
    for heading in compress(_HEADINGS, wanted):
        numbers = heading in ("baseline", "candidate", "change")
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    before = None
    for entry in comparisons:
        if before not in (None, (entry.station, entry.task)):
            table.add_section()
        before = (entry.station, entry.task)
        word = WORDS[entry.status] if entry else WORDS[entry.status].upper()
        word += ", recovered" if entry.recovered else ""
        cells = map(Text, (entry.label, entry.task, entry.metric, *_figures(entry)))
        row = [*cells, Text(word, style=_STYLES[entry.status])]
        table.add_row(*compress(row, wanted))
    return table


def _figures(entry: Comparison) -> tuple[str, str, str]:
    old, new = (
        "-" if value is None else value_text(entry.metric, value)
        for value in (entry.old, entry.new)
    )
    return old, new, change_text(entry.metric, entry.old, entry.new)


def _summary(comparisons: Sequence[Comparison]) -> Iterator[str]:
    counts = {status: sum(entry.status == status for entry in comparisons) for status in WORDS}
    parts = [f"{counts['worse']} worse", f"{counts['missing']} missing"]
    parts += [f"{counts['better']} better", f"{counts['same']} the same"]
    parts += [f"{counts['new']} new"] if counts["new"] else []
    emulated = sorted({entry.board for entry in comparisons if entry.emulated})
    yield f"{len(comparisons)} figures: {', '.join(parts)}"
    for label, task, recovered in sorted(
        {(one.label, one.task, one.recovered) for one in comparisons if one.recovered}
    ):
        yield f"{task} on {label} was measured only after recovery: {recovered}"
    for label, board, against in sorted(
        {(entry.label, entry.board, entry.against) for entry in comparisons if entry.against}
    ):
        yield f"{label} is compared with {against}: each is the only {board} on its side"
    if emulated:
        yield f"{', '.join(emulated)}, emulated: instruction counts, not times measured on silicon"
    if any(entry.emulated and mark_of(entry.metric) == "modelled" for entry in comparisons):
        yield "its energy is modelled, by whether the core works or sleeps, not measured"
