"""Figures of one station and task: value, limit, verdict, change, and since when one is missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.verdict import Verdict
from tinyhil.catalog.wording import bound, in_short, mark_of, named
from tinyhil.ground.text import shown
from tinyhil.judge.gate.compare import WORDS, Comparison
from tinyhil.judge.gate.wording import change_text
from tinyhil.publish.report.history import missed_since, points_of
from tinyhil.publish.report.page.charts import trend
from tinyhil.publish.report.page.content import Change, Figure
from tinyhil.publish.report.page.ran import State
from tinyhil.record import Entry

_BASELINE = "the baseline"
_BEFORE = "the run before"


class Figures:
    """The figures of one station and task.

    Args:
        entries: of that place alone.
        board: its type.
        folder: of the run.
        comparisons: with the baseline, of that place alone.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        board: Board | None,
        folder: Path,
        comparisons: Sequence[Comparison],
    ) -> None:
        self._emulated = entries[0].subject.emulated
        self.modelled = any(entry.details.get("modelled") for entry in entries)
        """Whether its energy is of a model."""
        self._emulator = board.emulator if board else None
        self._verdicts = {v.metric: v for entry in entries for v in entry.verdicts}
        self._comparisons = {comparison.metric: comparison for comparison in comparisons}
        self._points = points_of(folder, entries[0].subject.task)

    @property
    def quality(self) -> Metric:
        """The quality figure that counts: the one with a target."""
        verdicts: Mapping[Metric, Verdict] = self._verdicts
        auc = verdicts.get("auc")
        judged = auc is not None and auc.limit is not None
        return "auc" if judged or "top1" not in verdicts else "top1"

    def all(self) -> tuple[Figure, ...]:
        """Every figure, in the order measured."""
        return tuple(map(self._of, self._verdicts.values()))

    def failed(self) -> tuple[tuple[Figure, Verdict], ...]:
        """Those that miss a limit."""
        return tuple((self._of(v), v) for v in self._verdicts.values() if v.status == "fail")

    def get(self, metric: Metric) -> Figure | None:
        """A figure, if it was measured."""
        verdict = self._verdicts.get(metric)
        return None if verdict is None else self._of(verdict)

    def _of(self, verdict: Verdict) -> Figure:
        metric, limit = verdict.metric, verdict.limit
        state: State = verdict.status
        values = [p.metrics[metric] for p in self._points if metric in p.metrics]
        words = _in_words(metric, values)
        bar = None if limit is None else limit.max if limit.max is not None else limit.min
        return Figure(
            metric=metric,
            name=named(metric),
            value=in_short(metric, verdict.value),
            mark=self._mark(metric),
            note=self._instructions(verdict),
            limit=bound(metric, limit) if limit else "",
            source=shown(limit.source) if limit else "",
            state=state,
            reason=shown(verdict.reason) if state == "not judged" else "",
            change=self._change(metric, values),
            since=missed_since(self._points, verdict),
            trend=trend(values, bar, words),
        )

    def _mark(self, metric: Metric) -> str:
        mark = mark_of(metric)
        return mark if self._emulated or (self.modelled and mark == "modelled") else ""

    def _instructions(self, verdict: Verdict) -> str:
        """The instruction count that an emulated latency is."""
        if self._emulator is None or not verdict.metric.startswith("latency"):
            return ""
        return f"{round(verdict.value / self._emulator.instruction_s):,} instructions"

    def _change(self, metric: Metric, values: Sequence[float]) -> Change | None:
        comparison = self._comparisons.get(metric)
        if comparison is not None:
            text = change_text(metric, comparison.old, comparison.new)
            state = {"better": "good", "worse": "bad", "missing": "bad"}.get(comparison.status, "")
            word = WORDS[comparison.status]
            return Change(_same(text), word, state, _BASELINE)  # type: ignore[arg-type]
        if len(values) < 2:
            return None
        return Change(_same(change_text(metric, values[-2], values[-1])), "", "", _BEFORE)


def _in_words(metric: Metric, values: Sequence[float]) -> str:
    """What a line through values shows."""
    told = [in_short(metric, value) for value in (*values[:1], *values[-1:])]
    if len(set(values)) == 1:
        return f"{named(metric)}: {told[0]} in each of {len(values)} runs"
    return f"{named(metric)} over {len(values)} runs: {' → '.join(told)}"


def _same(text: str) -> str:
    return "no change" if text == "0" else text
