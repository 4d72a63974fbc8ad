"""The comparison: figures of a candidate against those of a baseline, one verdict a figure.

Figures of an emulated board come out the same each time and are compared as they are, up to what
its clock can tell. Figures of silicon are a regression only where the whole confidence interval of
the change is worse than the tolerance: a test against a smallest effect that matters, as in
equivalence testing (Wellek, "Testing Statistical Hypotheses of Equivalence and Noninferiority",
2010), with the level shared out over all figures of the baseline (Bonferroni; Dunn, "Multiple
comparisons among means", JASA 56, 1961), so that many figures do not make many false alarms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tinyhil.ground.errors import ConfigError
from tinyhil.judge.gate import quality, speed
from tinyhil.judge.gate.figures import Line
from tinyhil.judge.gate.judging import Judgement, Pair, Status
from tinyhil.judge.gate.matching import by_place, refuse_strangers, usable
from tinyhil.judge.gate.reading import Measured
from tinyhil.judge.gate.tolerance import GATED, Gated, Tolerances
from tinyhil.judge.gate.wording import change_text, value_text

CONFIDENCE = 0.99
"""Of all verdicts on silicon together: at most one comparison in a hundred has a false alarm."""

_NOISY: frozenset[Gated] = frozenset(
    {"latency_p50_s", "latency_p90_s", "latency_p99_s", "throughput_ips", "energy_j"}
)
"""What is judged by an interval, on silicon."""


@dataclass(frozen=True)
class Comparison:
    """What became of one figure; false where the gate fails it."""

    board: str
    task: str
    emulated: bool
    metric: Gated
    old: float | None
    new: float | None
    status: Status
    reason: str
    """How it was judged, or why it could not be."""

    def __bool__(self) -> bool:
        return self.status not in ("worse", "missing")

    def __str__(self) -> str:
        where = f"{self.task} on {self.board}{' (emulated)' if self.emulated else ''}"
        old = "none" if self.old is None else value_text(self.metric, self.old)
        new = "none" if self.new is None else value_text(self.metric, self.new)
        change = change_text(self.metric, self.old, self.new)
        figures = f"{self.metric} {old} -> {new}{change and f', {change}'}"
        return f"{where}: {figures}: {WORDS[self.status]} ({self.reason})"


class Gate:
    """A baseline, and the rules to compare with it.

    Args:
        baseline: lines of run folders or of baseline files.
        tolerances: the user's own; see `tolerance.default` for the others.
        confidence: of all verdicts on silicon together, between 0 and 1.

    Raises:
        ConfigError: a line is no figure to compare with, or two are of the same.
    """

    def __init__(
        self,
        baseline: Iterable[Measured],
        tolerances: Tolerances | None = None,
        confidence: float = CONFIDENCE,
    ) -> None:
        if not 0.5 <= confidence < 1.0:
            raise ConfigError(
                f"confidence {confidence:g} is not between 0.5 and 1", hint="0.99 is the default"
            )
        self.lines = usable(by_place(baseline))
        self._tolerances = tolerances or {}
        self._alpha = (1.0 - confidence) / max(1, sum(map(_noisy, self.lines)))

    def metrics(self, board: str, task: str) -> tuple[Gated, ...]:
        """What the baseline holds of a board and a task."""
        of = [line for line in self.lines if (line.board, line.task) == (board, task)]
        held = {metric for line in of for metric in _figures(line)}
        return tuple(metric for metric in GATED if metric in held)

    def line_of(self, board: str, task: str, metric: Gated) -> Line:
        """The baseline's line that holds a metric.

        Raises:
            KeyError: none does.
        """
        for line in self.lines:
            if (line.board, line.task) == (board, task) and metric in _figures(line):
                return line
        raise KeyError(f"the baseline has no {metric} of {task} on {board}")

    def compare(self, candidate: Iterable[Measured]) -> tuple[Comparison, ...]:
        """One comparison for each figure of the baseline, and for each new one.

        Raises:
            ConfigError: the two are of different boards, data, models or settings.
        """
        found = by_place(candidate)
        boards = {place[0] for place in found}
        if boards.isdisjoint(line.board for line in self.lines):
            theirs = ", ".join(sorted({line.board for line in self.lines}))
            raise ConfigError(
                f"the baseline is of board {theirs}, the candidate of {', '.join(sorted(boards))}",
                hint="compare runs of the same board type",
            )
        compared = [
            self.compare_metric(line, found.get(line.place), metric)
            for line in self.lines
            for metric in GATED
            if metric in _figures(line)
        ]
        known = {(entry.board, entry.task, entry.metric) for entry in compared}
        for measured in found.values():
            compared += [
                entry
                for entry in _unknown_to_the_baseline(measured)
                if (entry.board, entry.task, entry.metric) not in known
            ]
        order = {metric: number for number, metric in enumerate(GATED)}
        return tuple(sorted(compared, key=lambda c: (c.board, c.task, order[c.metric])))

    def compare_metric(self, line: Line, measured: Measured | None, metric: Gated) -> Comparison:
        """Compare one metric of the baseline's `line` with what was measured now.

        Raises:
            ConfigError: the two are of different boards, data, models or settings.
        """
        old = _value(line, metric)
        if measured is None:
            text = f"the candidate has no {line.measure} of {line.task} on {line.board}"
            return _comparison(line, metric, old, None, Judgement("missing", text))
        refuse_strangers(line, measured.line)
        new = _value(measured.line, metric)
        if measured.problem is not None:
            text = f"the candidate's {line.measure} is no figure to compare: {measured.problem}"
            return _comparison(line, metric, old, new, Judgement("missing", text))
        if new is None:
            text = f"the candidate's {line.measure} holds none"
            return _comparison(line, metric, old, None, Judgement("missing", text))
        pair = Pair(line, measured.line, self._tolerances.get(metric), self._alpha)
        judgement = _JUDGES[metric](pair)
        if judgement.status == "missing":
            new = None
        elif metric == "outputs" and line.quality and measured.line.quality:
            new = float(line.quality.changed(measured.line.quality))
        return _comparison(line, metric, old, new, judgement)


_JUDGES: Mapping[Gated, Callable[[Pair], Judgement]] = {
    "latency_p50_s": partial(speed.percentile, "latency_p50_s"),
    "latency_p90_s": partial(speed.percentile, "latency_p90_s"),
    "latency_p99_s": partial(speed.percentile, "latency_p99_s"),
    "instructions": speed.instructions,
    "throughput_ips": speed.throughput,
    "flash_bytes": partial(quality.memory, "flash_bytes"),
    "ram_bytes": partial(quality.memory, "ram_bytes"),
    "outputs": quality.outputs,
    "top1": partial(quality.score, "top1"),
    "auc": partial(quality.score, "auc"),
    "energy_j": speed.energy,
}

WORDS: Mapping[Status, str] = {
    "same": "no regression",
    "better": "improvement",
    "worse": "regression",
    "missing": "missing",
    "new": "new",
}

_FIRST: Mapping[str, Gated] = {
    "accuracy": "outputs",
    "single_stream": "latency_p50_s",
    "throughput": "throughput_ips",
    "memory": "flash_bytes",
    "energy": "energy_j",
}
"""What stands for a measure that gave no figure."""


def _unknown_to_the_baseline(measured: Measured) -> Iterator[Comparison]:
    """New figures pass; a measure that ended with an error does not."""
    line = measured.line
    if measured.failed and line.measure in _FIRST:
        judgement = Judgement("missing", f"the candidate's {line.measure}: {measured.problem}")
        yield _comparison(line, _FIRST[line.measure], None, None, judgement)
        return
    for metric in _figures(line):
        judgement = Judgement("new", "the baseline has none")
        yield _comparison(line, metric, None, _value(line, metric), judgement)


def failed(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Those that the gate fails."""
    return tuple(comparison for comparison in comparisons if not comparison)


def _figures(line: Line) -> frozenset[Gated]:
    held: set[Gated] = {metric for metric in line.metrics if metric in GATED}
    return frozenset(held | ({"outputs"} if line.quality else set()))


def _noisy(line: Line) -> int:
    """How many figures of a line are judged by chance."""
    chancy = frozenset() if line.emulated else _NOISY
    return len(_figures(line) & (chancy | ({"top1"} if line.division == "open" else set())))


def _value(line: Line, metric: Gated) -> float | None:
    if metric == "outputs":
        return 0.0 if line.quality else None
    if metric == "instructions" and line.latency:
        return line.latency.mean_instructions() or line.metrics.get(metric)
    return line.metrics.get(metric)


def _comparison(
    line: Line, metric: Gated, old: float | None, new: float | None, judgement: Judgement
) -> Comparison:
    return Comparison(
        line.board, line.task, line.emulated, metric, old, new, judgement.status, judgement.reason
    )
