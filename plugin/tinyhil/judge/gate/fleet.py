"""Many units of one board type: one bad unit told from a worse firmware, and a unit that the
baseline does not know held against the others of its type.

Units of one type differ: oscillators, leakage, flash that wears. A unit that is new to the baseline
is worse where it is outside of what the spread of the known ones foretells of one more: the
prediction interval of a normal sample, mean ± t s √(1 + 1/n) (Hahn and Meeker, "Statistical
Intervals", 1991).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING, Literal

from tinyhil.catalog.facts import Metric
from tinyhil.ground.text import printable
from tinyhil.judge.gate.judging import Judgement
from tinyhil.judge.gate.tolerance import HIGHER_IS_BETTER, Gated, Tolerance
from tinyhil.judge.gate.wording import value_text

if TYPE_CHECKING:
    from tinyhil.judge.gate.compare import Comparison

LEAST_UNITS = 3
"""Of a type, for anything to be said of its spread."""

_NAMED = 5


@dataclass(frozen=True)
class Diagnosis:
    """What a figure that got worse says, where several units of a type were measured."""

    board: str
    """The type."""
    task: str
    """Name of the task."""
    metric: Gated
    """Name of the figure."""
    cause: Literal["firmware", "unit"]
    """``firmware``: most units moved; ``unit``: only those in `worse` did."""
    units: int
    """How many were compared."""
    worse: tuple[str, ...]
    """Stations that got worse beyond their tolerance."""
    others: float
    """By how much the others got worse in the median, as a share; less than 0: better."""

    def __str__(self) -> str:
        named = ", ".join(map(printable, self.worse[:_NAMED]))
        more = f" and {len(self.worse) - _NAMED} more" if len(self.worse) > _NAMED else ""
        what = f"{self.task}: {self.metric} on {self.board}"
        if self.cause == "firmware":
            count = f"{len(self.worse)} of {self.units} units are beyond the tolerance"
            return f"{what}: the firmware: most units moved, {count} ({named}{more})"
        word = "one unit" if len(self.worse) == 1 else f"{len(self.worse)} units"
        others = f"the others moved by {100 * self.others:+.2g} % in the median"
        return f"{what}: {word} of {self.units}, not the firmware: {named}{more}; {others}"


def diagnoses(comparisons: Iterable[Comparison]) -> tuple[Diagnosis, ...]:
    """One for each figure that got worse on a unit, where at least three of its type were compared.

    A unit has moved where it got worse by at least half of what the least of the worse ones did:
    where most have, it is what they have in common.
    """

    def figure(one: Comparison) -> tuple[str, str, str]:
        return one.board, one.task, one.metric

    made = []
    for _, group in groupby(sorted(comparisons, key=figure), figure):
        own = [one for one in group if one.old is not None and one.new is not None]
        worse = [one for one in own if one.status == "worse"]
        if len(own) < LEAST_UNITS or not worse:
            continue
        least = min(map(_worse_by, worse))
        moved = sum(_worse_by(one) >= least / 2 for one in own)
        rest = [_worse_by(one) for one in own if one.status != "worse"]
        first = worse[0]
        made.append(
            Diagnosis(
                first.board,
                first.task,
                first.metric,
                "firmware" if moved > len(own) / 2 else "unit",
                len(own),
                tuple(one.station for one in worse),
                median(rest) if rest else least,
            )
        )
    return tuple(made)


def _worse_by(one: Comparison) -> float:
    """As a share of the old value; of what was 0, the new one."""
    assert one.old is not None
    assert one.new is not None
    change = (one.new - one.old) / (abs(one.old) or 1.0)
    return -change if one.metric in HIGHER_IS_BETTER else change


def one_more(
    metric: Metric, known: Sequence[float], new: float, tolerance: Tolerance, alpha: float
) -> Judgement:
    """Hold a unit against others of its type.

    Args:
        metric: which.
        known: of each of the others; at least `LEAST_UNITS`, none 0.
        new: of the unit.
        tolerance: beyond their mean.
        alpha: how often a good unit may be called worse.
    """
    mean, spread = fmean(known), stdev(known)
    from scipy.stats import t  # noqa: PLC0415 - half a second of import

    reach = float(t.ppf(1 - alpha, len(known) - 1)) * spread * math.sqrt(1 + 1 / len(known))
    allowed = max(reach, tolerance.allowed(mean))
    worse_by = (mean - new) if metric in HIGHER_IS_BETTER else (new - mean)
    reason = (
        f"against {len(known)} units of its type: mean {value_text(metric, mean)}, one more is "
        f"within {100 * reach / abs(mean):.2g} %; {tolerance}"
    )
    if worse_by > allowed:
        return Judgement("worse", reason)
    return Judgement("better" if worse_by < -reach else "same", reason)
