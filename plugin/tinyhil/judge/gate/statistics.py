"""How sure a difference is: intervals for percentiles and for paired windows, McNemar's test.

What a run shows about its own noise is in here. What it can't show, the drift between two sessions,
is left to the tolerance: within-run intervals alone call every drift a regression (Kalibera and
Jones, "Rigorous benchmarking in reasonable time", ISMM 2013).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_LONGEST_LAG = 1000
"""A correlation over more queries is not a burst but a drift; see `tolerance.DRIFT`."""


class Interval(NamedTuple):
    """Bounds of a value; infinite where the data bound it on one side only."""

    low: float
    high: float


def effective_size(series: Sequence[NDArray[np.bool_]]) -> float:
    """How many independent observations these correlated ones are equal to.

    A burst of slow queries is one event, not forty. The size is the number of observations over
    the integrated autocorrelation time, summed up to the first negative pair of lags (Geyer,
    "Practical Markov chain Monte Carlo", Statistical Science 7, 1992, section 3.3).

    Args:
        series: of each input, whether each query, in the order measured, was slower than the
            percentile. An input's own mean is not a correlation: both runs have the same inputs.
    """
    total = sum(len(one) for one in series)
    centred = [one - one.mean() for one in series if len(one)]
    variance = sum(float(one @ one) for one in centred)
    if variance <= 0.0:
        return float(total)

    def correlation(lag: int) -> float:
        """Unbiased by the fewer pairs of a long lag, pooled over the inputs."""
        pairs = sum(max(0, len(one) - lag) for one in centred)
        products = sum(float(one[:-lag] @ one[lag:]) for one in centred if len(one) > lag)
        return products / pairs / (variance / total)

    time = 1.0
    longest = min(_LONGEST_LAG, max(len(one) for one in centred) // 4)
    for lag in range(1, longest, 2):
        pair = correlation(lag) + correlation(lag + 1)
        if pair <= 0.0:
            break
        time += 2.0 * pair
    return max(1.0, total / max(1.0, time))


def percentile_interval(
    values: NDArray[np.float64],
    counts: NDArray[np.int64],
    percent: int,
    *,
    effective: float,
    alpha: float,
) -> Interval:
    """Interval for a percentile from order statistics: no distribution is assumed.

    A percentile lies below the r-th smallest of n values with the probability that at most r - 1
    of n tosses come up (Hahn and Meeker, "Statistical Intervals", 1991, section 5.2). Fixed shares
    of inputs that differ make it wider than needed, never narrower (Hoeffding, "On the
    distribution of the number of successes in independent trials", 1956).

    Args:
        values: distinct values in rising order.
        counts: how often each came.
        percent: which percentile.
        effective: see `effective_size`.
        alpha: how often each of the two bounds may be wrong.
    """
    from scipy.stats import binom  # noqa: PLC0415 - half a second of import

    size, share = max(1, math.floor(effective)), percent / 100
    low_rank = int(binom.ppf(alpha, size, share))
    # ppf gives the smallest k with cdf(k) >= alpha; the bound needs cdf(rank - 1) <= alpha.
    if binom.cdf(low_rank, size, share) <= alpha:
        low_rank += 1
    high_rank = int(binom.ppf(1 - alpha, size, share)) + 1
    cumulative = np.cumsum(counts)
    total = int(cumulative[-1])

    def at(place: float) -> float:
        return float(values[np.searchsorted(cumulative, place)])

    # Ranks of the effective size are carried over to the whole size, outwards.
    low = at(max(1, math.floor(low_rank / size * total))) if low_rank >= 1 else 0.0
    high = at(math.ceil(high_rank / size * total)) if high_rank <= size else math.inf
    return Interval(low, high)


def ratio_interval(old: Interval, new: Interval) -> Interval:
    """Relative change from `old` to `new`; wrong as often as their bounds together."""
    low = new.low / old.high - 1.0 if old.high > 0 else -1.0
    high = new.high / old.low - 1.0 if old.low > 0 else math.inf
    return Interval(low, high)


def paired_interval(
    old: NDArray[np.float64], new: NDArray[np.float64], *, alpha: float
) -> Interval:
    """Relative change of means over pairs: Student's t on the logarithms of their ratios.

    Five windows are too few for any test by ranks: its smallest p is 1/32. What an input costs
    more than another cancels within its pair (Georges, Buytaert and Eeckhout, "Statistically
    rigorous Java performance evaluation", OOPSLA 2007, section 3.3).

    Args:
        old: positive values, one an input.
        new: of the same inputs in the same order.
        alpha: how often each of the two bounds may be wrong.
    """
    from scipy.stats import t  # noqa: PLC0415 - as above

    ratios = np.log(new / old)
    if len(ratios) < 2:
        return Interval(-1.0, math.inf)
    half = float(t.isf(alpha, len(ratios) - 1)) * float(ratios.std(ddof=1)) / math.sqrt(len(ratios))
    middle = float(ratios.mean())
    return Interval(math.expm1(middle - half), math.expm1(middle + half))


def mcnemar(lost: int, won: int) -> float:
    """Probability of at least so many samples lost if losing and winning were equally likely.

    McNemar's test in its exact, one-sided form (Dietterich, "Approximate statistical tests for
    comparing supervised classification learning algorithms", Neural Computation 10, 1998).

    Args:
        lost: samples that were right before and are wrong now.
        won: samples that were wrong before and are right now.
    """
    from scipy.stats import binom  # noqa: PLC0415 - as above

    return float(binom.sf(lost - 1, lost + won, 0.5)) if lost else 1.0
