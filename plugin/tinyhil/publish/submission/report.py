"""Shows a check's report at a terminal; texts of a tree are escaped and bounded."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence
from pathlib import PurePosixPath

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinyhil.ground.text import shown
from tinyhil.publish.submission.findings import LEVELS, Report
from tinyhil.publish.submission.refusals import Refusal

_STYLES = {
    "equal": "green",
    "differs": "bold red",
    "not checkable": "yellow",
    "wrong": "bold red",
    "unchecked": "yellow",
    "owed": "magenta",
    "note": "cyan",
}
MAX_ROWS = 500
"""Of each table at a terminal; what is left out is the lightest, and is counted."""
_FINDING = 600


def show(report: Report, console: Console) -> None:
    """Print both tables and a line that sums them up."""
    base = _common(report)
    if base.parts:
        console.print(Text(f"in {shown(str(base))}:"), soft_wrap=True)
    if report.figures:
        console.print(_figures(report, base))
    if report.findings:
        console.print(_findings(report, base))
    counts = _counts(report)
    console.print(
        f"{counts['figures']} figures: {counts['equal']} equal, {counts['differs']} differ, "
        f"{counts['not checkable']} not checkable; {counts['wrong']} wrong, "
        f"{counts['unchecked']} unchecked, {counts['owed']} owed, {counts['note']} notes",
        soft_wrap=True,
        highlight=False,
    )


def as_json(report: Report) -> str:
    """Everything that was found, nothing left out: figures, findings and their counts."""
    figures = [
        {
            "file": str(figure.file),
            "line": figure.line,
            "figure": figure.name,
            "claimed": figure.claimed,
            "recomputed": None if figure.recomputed == "-" else figure.recomputed,
            "state": figure.state,
            "source": figure.source,
        }
        for figure in report.figures
    ]
    findings = [
        {
            "level": finding.level,
            "file": str(finding.file),
            "line": finding.line,
            "text": finding.text,
            "rule": finding.rule or None,
            "cause": finding.cause or None,
        }
        for finding in report.findings
    ]
    whole = {"counts": _counts(report), "figures": figures, "findings": findings}
    return json.dumps(whole, indent=2) + "\n"


def _counts(report: Report) -> dict[str, int]:
    states = [figure.state for figure in report.figures]
    counts = {"figures": len(states)}
    counts |= {state: states.count(state) for state in ("equal", "differs", "not checkable")}
    return counts | {level: len(report.of(level)) for level in LEVELS}


def show_refusals(refused: Sequence[Refusal], console: Console) -> None:
    """Print what forbids an export, under the rule that forbids it."""
    by_rule: dict[str, list[str]] = {}
    for refusal in refused:
        by_rule.setdefault(refusal.rule, []).append(refusal.what)
    console.print(Text(f"refused, nothing is written; {len(refused)} reasons:", style="bold red"))
    for rule, reasons in by_rule.items():
        console.print(Text(f"rule: {rule}", style="bold"), soft_wrap=True)
        for reason in reasons:
            console.print(Text(f"  - {shown(reason)}"), soft_wrap=True)


def _figures(report: Report, base: PurePosixPath) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("file:line", overflow="fold", ratio=4)
    table.add_column("figure", overflow="fold", ratio=3)
    table.add_column("claimed", overflow="fold", justify="right")
    table.add_column("recomputed", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("from", overflow="fold", ratio=4)
    for figure in report.figures[:MAX_ROWS]:
        table.add_row(
            Text(_place(base, figure.file, figure.line)),
            Text(figure.name),
            Text(shown(figure.claimed, 40)),
            Text(figure.recomputed),
            Text(figure.state, style=_STYLES[figure.state]),
            Text(shown(figure.source)),
        )
    if len(report.figures) > MAX_ROWS:
        table.add_row(_left_out(len(report.figures), "figures"))
    return table


def _findings(report: Report, base: PurePosixPath) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("", no_wrap=True)
    table.add_column("file:line", overflow="fold", ratio=2)
    table.add_column("what", overflow="fold", ratio=3)
    for finding in report.findings[:MAX_ROWS]:
        table.add_row(
            Text(finding.level, style=_STYLES[finding.level]),
            Text(_place(base, finding.file, finding.line)),
            Text(shown(finding.said, _FINDING)),
        )
    if len(report.findings) > MAX_ROWS:
        table.add_row("", "", _left_out(len(report.findings), "findings"))
    return table


def _left_out(count: int, what: str) -> str:
    return f"and {count - MAX_ROWS} more {what} (all: --format json)"


def _common(report: Report) -> PurePosixPath:
    """The folder that all files of a report are in."""
    files = [figure.file.parent for figure in report.figures]
    files += [finding.file.parent for finding in report.findings]
    return PurePosixPath(posixpath.commonpath(files)) if files else PurePosixPath()


def _place(base: PurePosixPath, file: PurePosixPath, line: int | None) -> str:
    return shown(str(file.relative_to(base))) + (f":{line}" if line else "")
