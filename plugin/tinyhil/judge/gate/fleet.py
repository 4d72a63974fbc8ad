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


Cause = Literal["firmware", "unit", "shared", "unclear"]


@dataclass(frozen=True)
class Diagnosis:
    """What a figure that got worse says, where several units of a type were measured."""

    board: str
    """The type."""
    task: str
    """Name of the task."""
    metric: Gated
    """Name of the figure."""
    cause: Cause
    """``firmware``: most units moved with it; ``shared``: most moved, and it is still that of the
    baseline; ``unit``: less than half did, those in `worse`; ``unclear``: half did, or the units
    did not all run one firmware, now or in the baseline, or none that is known."""
    units: int
    """How many were compared."""
    worse: tuple[str, ...]
    """Stations that got worse beyond their tolerance."""
    others: float
    """By how much the others got worse in the median, as a share; less than 0: better."""
    moved: float
    """By how much all did."""
    unlike: str = ""
    """Why the units' firmware tells nothing; empty: it does."""

    def __str__(self) -> str:
        named = ", ".join(map(printable, self.worse[:_NAMED]))
        more = f" and {len(self.worse) - _NAMED} more" if len(self.worse) > _NAMED else ""
        what = f"{self.task}: {self.metric} on {self.board}"
        count = f"{len(self.worse)} of {self.units} units are beyond the tolerance ({named}{more})"
        # A share of answers that changed, of which there were none, says nothing.
        told = self.metric != "outputs"
        moved = f", by {100 * self.moved:+.2g} % in the median" if told else ""
        if self.cause == "firmware":
            return f"{what}: the firmware: most units moved{moved}, {count}"
        if self.cause == "shared":
            same = "their firmware is that of the baseline: look for what else they share"
            return f"{what}: most units moved{moved}, {count}; {same}"
        if self.cause == "unclear":
            why = self.unlike or "as many moved as did not"
            return f"{what}: {count}; whether it is the firmware is not known: {why}"
        word = "one unit" if len(self.worse) == 1 else f"{len(self.worse)} units"
        rest = f"; the others moved by {100 * self.others:+.2g} % in the median" if told else ""
        return f"{what}: {word} of {self.units}, not the firmware: {named}{more}{rest}"


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
        rest = [_worse_by(one) for one in own if one.status != "worse"]
        first, unlike = worse[0], _unlike(own)
        made.append(
            Diagnosis(
                first.board,
                first.task,
                first.metric,
                "unclear" if unlike else _cause(own, least),
                len(own),
                tuple(one.station for one in worse),
                median(rest) if rest else least,
                median(map(_worse_by, own)),
                unlike,
            )
        )
    return tuple(made)


def _cause(units: Sequence[Comparison], least: float) -> Cause:
    """Of units that all ran one firmware before, and one now."""
    moved = sum(_worse_by(one) >= least / 2 for one in units)
    if 2 * moved == len(units):
        return "unclear"
    if 2 * moved < len(units):
        return "unit"
    before, now = units[0].firmware
    return "shared" if before == now else "firmware"


def _unlike(units: Sequence[Comparison]) -> str:
    """Why their firmware can be no reason for what they have in common, or not."""
    for ran, when in zip(zip(*(one.firmware for one in units), strict=True),
                         (" in the baseline", ""), strict=True):  # fmt: skip
        if "" in ran:
            return f"nobody knows what firmware some units ran{when}"
        if len(set(ran)) > 1:
            firmware = ", ".join(f"{one[:12]} ({ran.count(one)})" for one in sorted(set(ran)))
            return f"the units ran different firmware{when}: {firmware}"
    return ""


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
