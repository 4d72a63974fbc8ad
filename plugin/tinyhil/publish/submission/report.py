"""Shows a check's report at a terminal; texts of a tree are escaped and bounded."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinyhil.ground import answer
from tinyhil.ground.tables import show_fitted
from tinyhil.ground.text import shown
from tinyhil.publish.submission.findings import LEVELS, Figure, Finding, Level, Report, State
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
_WORDS = 80
"""Columns of what is told in words, at most."""


def show(report: Report, console: Console) -> None:
    """Print both tables and a line that sums them up."""
    base = _common(report)
    if base.parts:
        console.print(Text(f"in {shown(str(base))}:"), soft_wrap=True)
    if report.figures:
        show_fitted(console, lambda _: _figures(report, base))
    if report.findings:
        show_fitted(console, lambda _: _findings(report, base))
    counts = _counts(report)
    console.print(
        f"{counts['figures']} figures: {counts['equal']} equal, {counts['differs']} differ, "
        f"{counts['not checkable']} not checkable; {counts['wrong']} wrong, "
        f"{counts['unchecked']} unchecked, {counts['owed']} owed, {counts['note']} notes",
        soft_wrap=True,
        highlight=False,
    )


@dataclass(frozen=True)
class CheckedFigure:
    """A figure that a tree claims."""

    file: str
    """That claims it."""
    line: int | None
    """Of the file, from 1."""
    figure: str
    """Its name, with the unit where there is one."""
    claimed: str
    """As it is written there."""
    recomputed: str | None
    """From the raw answers, with more digits."""
    state: State
    """Whether the two are the same."""
    source: str
    """What it was recomputed from, and how; or why it can't be."""

    @classmethod
    def of(cls, one: Figure) -> Self:
        """Of a figure of the report."""
        recomputed = None if one.recomputed == "-" else one.recomputed
        return cls(
            str(one.file), one.line, one.name, one.claimed, recomputed, one.state, one.source
        )


@dataclass(frozen=True)
class CheckedFile:
    """One thing to say about a file of the tree."""

    level: Level
    """How heavy it is: ``wrong``, ``unchecked``, ``owed`` or ``note``."""
    file: str
    """The file or folder."""
    line: int | None
    """Of the file, from 1; null where all of it is meant."""
    text: str
    """What there is to say."""
    rule: str | None
    """What it is held against, where that is a rule."""
    cause: str | None
    """What it most likely comes from."""

    @classmethod
    def of(cls, one: Finding) -> Self:
        """Of a finding of the report."""
        return cls(
            one.level, str(one.file), one.line, one.text, one.rule or None, one.cause or None
        )


@dataclass(frozen=True)
class Checked(answer.Answer):
    """Everything that a check of a submission has found, the heaviest first."""

    counts: dict[str, int]
    """How many figures there are, how many of each state, and how many findings of each level."""
    figures: tuple[CheckedFigure, ...]
    """Every figure that the tree claims."""
    findings: tuple[CheckedFile, ...]
    """Every finding; nothing is left out."""


def as_json(report: Report) -> str:
    """Everything that was found, nothing left out: figures, findings and their counts."""
    figures = tuple(map(CheckedFigure.of, report.figures))
    findings = tuple(map(CheckedFile.of, report.findings))
    return answer.as_json(Checked(_counts(report), figures, findings))


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
    table.add_column("file:line", overflow="fold")
    table.add_column("figure", overflow="fold")
    table.add_column("claimed", overflow="fold", justify="right")
    table.add_column("recomputed", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("from", overflow="fold", max_width=_WORDS)
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
    table.add_column("file:line", overflow="fold")
    table.add_column("what", overflow="fold", max_width=_WORDS)
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
