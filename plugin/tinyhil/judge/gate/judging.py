"""What every judgement is made of: two lines, a tolerance, and the two ways to compare."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from tinyhil.catalog.facts import Metric
from tinyhil.ground.errors import ConfigError
from tinyhil.judge.gate.figures import Line
from tinyhil.judge.gate.statistics import Interval
from tinyhil.judge.gate.tolerance import HIGHER_IS_BETTER, Gated, Tolerance, default

_ROUNDING = 1e-9
"""Of floating-point arithmetic on two machines, relative."""

_NOISY = 0.01
"""An interval that reaches this far beyond the tolerance is called too wide."""

Status = Literal["same", "better", "worse", "missing", "new"]
Evidence = TypeVar("Evidence")


@dataclass(frozen=True)
class Judgement:
    """A verdict and how it was found."""

    status: Status
    reason: str


@dataclass(frozen=True)
class Pair:
    """Two lines of the same measure, and what is allowed between them."""

    old: Line
    new: Line
    chosen: Tolerance | None
    """The user's tolerance."""
    alpha: float
    """How often each bound of an interval, and each test, may be wrong."""

    def tolerance(self, metric: Gated) -> Tolerance:
        """The user's, else the metric's own."""
        return self.chosen or default(metric, emulated=self.old.emulated)

    def allowing(self, tolerance: Tolerance) -> Pair:
        """The same with this tolerance, unless the user has chosen one."""
        return replace(self, chosen=self.chosen or tolerance)

    def values(self, metric: Metric) -> tuple[float, float]:
        """The metric in both lines."""
        return self.old.metrics[metric], self.new.metrics[metric]

    @property
    def another_model(self) -> bool:
        """Whether both report their model, and the models differ."""
        models = (self.old.model_sha256, self.new.model_sha256)
        return None not in models and models[0] != models[1]


def both(old: Evidence | None, new: Evidence | None, line: Line) -> tuple[Evidence, Evidence]:
    """The evidence of both lines.

    Raises:
        ConfigError: one has none; this never happens in a file that `figures.write` made.
    """
    if old is None or new is None:
        raise ConfigError(
            f"{line}: the raw figures behind it are missing",
            hint="the file was altered; make the baseline again with `tinyhil gate --save`",
        )
    return old, new


def exact(
    metric: Gated,
    pair: Pair,
    values: tuple[float, float],
    *,
    resolution: float = 0.0,
    rule: str = "compared as it is",
) -> Judgement:
    """Compare two figures that come out the same each time.

    Args:
        metric: which.
        pair: for the tolerance.
        values: of the baseline and of the candidate.
        resolution: differences up to here say nothing.
        rule: why they are exact; for the reason.
    """
    old, new = values
    tolerance = pair.tolerance(metric)
    worse_by = (old - new) if metric in HIGHER_IS_BETTER else (new - old)
    rounding = _ROUNDING * abs(old)
    reason = f"{rule}; {tolerance}"
    if worse_by > max(resolution, tolerance.allowed(old)) + rounding:
        return Judgement("worse", reason)
    return Judgement("better" if worse_by < -resolution - rounding else "same", reason)


def by_interval(metric: Metric, pair: Pair, change: Interval, rule: str) -> Judgement:
    """Judge a relative change that is known up to an interval."""
    tolerance = pair.tolerance(metric)
    old = pair.old.metrics[metric]
    allowed = tolerance.allowed(old) / old
    worse = Interval(-change.high, -change.low) if metric in HIGHER_IS_BETTER else change
    reason = f"{rule} {_per_cent(change.low)} to {_per_cent(change.high)}; {tolerance}"
    if worse.low > allowed:
        return Judgement("worse", reason)
    if worse.high > allowed + _NOISY:
        reason += "; too noisy to show a smaller change"
    return Judgement("better" if worse.high < 0 else "same", reason)


def _per_cent(share: float) -> str:
    return f"{100 * share:+.3g} %" if math.isfinite(share) else "unbounded"
