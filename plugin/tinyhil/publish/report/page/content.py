"""What the report is made of, and what it shows: plain values, all of them text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tinyhil.catalog.board import Board
from tinyhil.judge.gate.compare import Comparison
from tinyhil.publish.report.page.charts import Bars, Matrix, Trend
from tinyhil.publish.report.page.power import PowerTrace
from tinyhil.publish.report.page.ran import Ran, State
from tinyhil.record import Entry


@dataclass(frozen=True)
class Source:
    """What a pytest run has left."""

    entries: Sequence[Entry]
    stations: Mapping[str, tuple[Board | None, Path]]
    """Board type, where it is known here, and run folder of each station."""
    comparisons: Sequence[Comparison] = ()
    tests: Sequence[Ran] = ()
    made_with: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """How a figure differs from an earlier one."""

    text: str
    word: str
    """The gate's verdict; empty where only the run before is compared with."""
    state: Literal["good", "bad", ""]
    against: str


@dataclass(frozen=True)
class Figure:
    """One metric of a place."""

    metric: str
    name: str
    value: str
    mark: str
    """What it is on an emulated board: ``emulated`` or ``modelled``; empty for what is real."""
    note: str
    limit: str
    source: str
    state: State
    reason: str
    change: Change | None
    since: str
    """Since when it misses its limit; empty where it does not."""
    trend: Trend | None


@dataclass(frozen=True)
class Problem:
    """Something that needs a person."""

    state: State
    where: str
    what: str
    detail: str


@dataclass(frozen=True)
class Measured:
    """All of a place."""

    anchor: str
    station: str
    """Its label."""
    processor: str
    task: str
    title: str
    data: str
    state: State
    columns: Sequence[Figure | None]
    """As `Page.headings` has them; None where nothing was measured."""
    broken: Sequence[bool]
    """Of the same columns: whether the measure ended with an error."""
    figures: Sequence[Figure]
    errors: Sequence[str]
    """Measures that ended with an error."""
    histogram: Bars | None
    confusion: Matrix | None
    power: PowerTrace | None
    run: str


@dataclass(frozen=True)
class Page:
    """All that the template shows."""

    headline: str
    state: State
    facts: Sequence[str]
    remarks: Sequence[str]
    problems: Sequence[Problem]
    more_problems: int
    headings: Sequence[str]
    places: Sequence[Measured]
    grid: Sequence[tuple[str, Sequence[Measured | None]]]
    """Stations by tasks; empty where there are few stations."""
    tasks: Sequence[str]
    change_note: str
    """What figures are compared with; empty where there is nothing."""
    has_trends: bool
    tests: Sequence[tuple[str, Sequence[Ran]]]
    """By heading, without those that were skipped."""
    skipped: Sequence[tuple[str, int]]
    """Reason and number of skipped tests."""
    counts: str
    made_with: Mapping[str, str]
    runs: Sequence[str]
