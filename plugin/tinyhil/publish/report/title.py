"""Titles of pictures and tests: what was measured, where, and on which data."""

from __future__ import annotations

from typing import NewType

from tinyhil.catalog.units import station_label
from tinyhil.catalog.verdict import Verdict
from tinyhil.catalog.wording import beside_limit, bound, data_label, in_short, mark_of, named
from tinyhil.judge.gate.compare import WORDS, Comparison
from tinyhil.judge.gate.wording import change_text, value_text
from tinyhil.record import Subject

Title = NewType("Title", str)
"""A title that says whether its figures come from stand-in data. `title_of` makes it; a plain
string is refused by the type checker, so that nobody forgets."""


def title_of(subject: Subject, what: str) -> Title:
    """As in ``latency: kws01 on mps2-an386 (emulated), STAND-IN data``."""
    return Title(f"{what}: {task_place(subject)}, {data_label(subject.data_set)} data")


def task_place(subject: Subject) -> str:
    """Task and station, as in ``kws01 on mps2-an386 (emulated)``."""
    station = station_label(subject.station, subject.board, emulated=subject.emulated)
    return f"{subject.task} on {station}"


def figure_title(verdict: Verdict, *, emulated: bool, modelled: bool = False) -> str:
    """A test's figure, unit and limit, as in ``p90 latency 166.0 ms ≤ 246.4 ms, emulated``.

    Args:
        verdict: the figure.
        emulated: whether the board is.
        modelled: whether the power monitor plays a model, of a real board as well.
    """
    metric, value, limit = verdict.metric, verdict.value, verdict.limit
    told = mark_of(metric)
    mark = f", {told}" if told and (emulated or (modelled and told == "modelled")) else ""
    if not verdict.defined:
        return f"{named(metric)}: none, {verdict.reason}"
    if metric.startswith("audit"):
        return f"{named(metric)}: {in_short(metric, value)}{mark}"
    if limit is None:
        return f"{named(metric)} {in_short(metric, value)}, no limit{mark}"
    if verdict.status == "not judged":
        figure = f"{in_short(metric, value)}, limit {bound(metric, limit)}, not judged"
        return f"{named(metric)} {figure}{mark}"
    return f"{named(metric)} {beside_limit(metric, value, limit)}{mark}"


def gate_title(comparison: Comparison) -> str:
    """A comparison, as in ``flash 45,336 B → 46,360 B, +2.26 %: regression against …``."""
    metric, values = comparison.metric, (comparison.old, comparison.new)
    texts = ["none" if value is None else value_text(metric, value) for value in values]
    same = values[0] == values[1]
    told = texts[0] if same else " → ".join(texts)
    change = "unchanged" if same else change_text(metric, *values)
    mark = f", {mark_of(metric)}" if comparison.emulated and mark_of(metric) else ""
    how = f"{change and f', {change}'}: {WORDS[comparison.status]} against the baseline"
    return f"{named(metric)} {told}{how}{mark}"
