"""The results table as text: Markdown, CSV, JSON, or for a terminal; `page` makes the HTML.

A row's content may come from a stranger's tree or device: each format escapes it.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from tinyhil.ground import answer
from tinyhil.ground.text import in_markdown, shown
from tinyhil.publish.results.columns import (
    DASH,
    SYSTEM,
    end_cells,
    figure_cells,
    figures_of,
    remarks,
    system_cells,
    tasks_of,
)
from tinyhil.publish.results.rows import Figures, Results, Row

LAST = ("details", "code")

_FORMULA = re.compile(r"[=+\-@\t\r]")


def table(rows: Sequence[Row]) -> Table:
    """For a terminal: what a system is in one cell, each task in one."""
    tasks, names = tasks_of(rows), figures_of(rows)
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=True, caption_justify="left")
    drawn.caption_style = ""
    drawn.add_column("system", overflow="fold")
    for task in tasks:
        drawn.add_column(task, overflow="fold")
    drawn.add_column("details, code", overflow="fold")
    for row in rows:
        told = [
            f"{name}: {cell}"
            for name, cell in zip(SYSTEM, system_cells(row), strict=True)
            if cell != DASH
        ]
        drawn.add_row(
            Text("\n".join(told)),
            *(Text(_stacked(row, task, names)) for task in tasks),
            Text("\n".join(end_cells(row))),
        )
    drawn.caption = Text("\n".join(remarks(rows)))
    return drawn


def markdown(rows: Sequence[Row]) -> str:
    """A table in GitHub's form, a cell a task, and the remarks below it."""
    tasks, names = tasks_of(rows), figures_of(rows)
    head = [*SYSTEM, *tasks, *LAST]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for row in rows:
        figures = (
            "<br>".join(in_markdown(line) for line in _stacked(row, task, names).split("\n"))
            for task in tasks
        )
        cells = [*map(in_markdown, system_cells(row)), *figures, *map(in_markdown, end_cells(row))]
        lines.append(f"| {' | '.join(cells)} |")
    notes = [f"- {in_markdown(remark)}" for remark in remarks(rows)]
    return "\n".join([*lines, "", *notes, ""])


def comma_separated(rows: Sequence[Row]) -> str:
    """CSV: a line a row, figures in the units that the column's name ends in, a dash for none."""
    tasks = tasks_of(rows)
    out = io.StringIO()
    lines = [_flat(row, tasks) for row in rows]
    writer = csv.DictWriter(out, list(_flat(Row(), tasks)), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _csv(value) for key, value in line.items()} for line in lines)
    return out.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """JSON: a list of rows; figures that are missing are null."""
    return answer.as_json(Results(tuple(rows), remarks(rows)))


def _stacked(row: Row, task: str, names: Sequence[str]) -> str:
    """A task's figures below each other, each with its name; a dash for a task without any."""
    told = [
        f"{name} {cell}" if name != "quality" else cell
        for name, cell in zip(names, figure_cells(row, task), strict=False)
    ]
    return "\n".join(told) if task in row.tasks else DASH


def _flat(row: Row, tasks: Iterable[str]) -> dict[str, Any]:
    """A row without nesting."""
    values = {
        key: value
        for key, value in dataclasses.asdict(row).items()
        if key not in ("models", "tasks")
    }
    for task in tasks:
        figures = row.tasks.get(task, Figures())
        own = dataclasses.asdict(figures)
        values |= {f"{task}_{name}": value for name, value in own.items()}
        values[f"{task}_model"] = row.models.get(task)
    return values


def _csv(value: Any) -> Any:
    """A cell; text that a spreadsheet would take for a formula is quoted for it."""
    if isinstance(value, tuple):
        value = "; ".join(value)
    if value is None or value == "":
        return DASH
    if not isinstance(value, str):
        return value
    text = shown(value, None)
    return f"'{text}" if _FORMULA.match(text) else text
