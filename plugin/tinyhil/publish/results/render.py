"""The results table as text: Markdown, HTML, CSV, JSON, or for a terminal.

A row's content may come from a stranger's tree or device: each format escapes it.
"""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from tinyhil.ground import answer
from tinyhil.ground.text import in_markdown
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

FORMATS = ("table", "markdown", "html", "csv", "json")
LAST = ("details", "code")

_FORMULA = re.compile(r"[=+\-@\t\r]")
_STYLE = """
body { font: 13px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #1b1f24; background: #fff; }
h1 { font-size: 1.3rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; white-space: nowrap; }
th, td { border: 1px solid #c9d1d9; padding: .3rem .45rem; text-align: left; vertical-align: top; }
th { background: #f0f3f6; font-weight: 600; }
td.text { white-space: normal; max-width: 12rem; overflow-wrap: break-word; }
td.figure { text-align: right; font-variant-numeric: tabular-nums; }
tr:nth-child(even) td { background: #fafbfc; }
tr.marked td:first-child { border-left: 4px solid #b35806; }
ul { color: #57606a; }
"""


def table(rows: Sequence[Row]) -> Table:
    """For a terminal: what a system is in one cell, each task in one."""
    tasks, names = tasks_of(rows), figures_of(rows)
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=True, caption_justify="left")
    drawn.caption_style = ""
    drawn.add_column("system", overflow="fold", ratio=3)
    for task in tasks:
        drawn.add_column(task, overflow="fold", ratio=2)
    drawn.add_column("details, code", overflow="fold", ratio=2)
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


def page(rows: Sequence[Row]) -> str:
    """An HTML page that loads nothing and runs nothing."""
    tasks, names = tasks_of(rows), figures_of(rows)
    first = "".join(f'<th rowspan="2">{name}</th>' for name in SYSTEM)
    groups = "".join(f'<th colspan="{len(names)}">{html.escape(task)}</th>' for task in tasks)
    last = "".join(f'<th rowspan="2">{name}</th>' for name in LAST)
    heads = [name.replace(" ", "<br>", 1) for name in names]
    under = "".join(f"<th>{name}</th>" for _ in tasks for name in heads)
    body = "\n".join(_page_row(row, tasks, len(names)) for row in rows)
    notes = "".join(f"<li>{html.escape(remark)}</li>" for remark in remarks(rows))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>tinyhil results</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Results</h1>
<div><table>
<thead><tr>{first}{groups}{last}</tr>
<tr>{under}</tr></thead>
<tbody>
{body}
</tbody>
</table></div>
<ul>{notes}</ul>
</body>
</html>
"""


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


def _page_row(row: Row, tasks: Iterable[str], count: int) -> str:
    def cells(kind: str, texts: Iterable[str]) -> str:
        return "".join(f'<td class="{kind}">{_breaking(text)}</td>' for text in texts)

    figures = "".join(cells("figure", figure_cells(row, task)[:count]) for task in tasks)
    ends = cells("text", end_cells(row))
    kind = ' class="marked"' if row.emulated or row.mark else ""
    return f"<tr{kind}>{cells('text', system_cells(row))}{figures}{ends}</tr>"


def _breaking(text: str) -> str:
    """A cell's text, escaped; what is in brackets or after a comma goes on a line below."""
    return html.escape(text).replace(", ", ",<br>").replace(" (", "<br>(")


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
    if value is None or value == "":
        return DASH
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return value
