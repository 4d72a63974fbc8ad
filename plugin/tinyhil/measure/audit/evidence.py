"""Whether some times are shorter than others, beyond what noise and chance explain.

Two things must come together for an objection: an effect of a size that matters, the margin, and a
probability of less than `SURE` that times which do not differ by more than that come out so. The
tests ask for no distribution of the noise, and a few wild times change nothing; the orders of
queries are drawn at random where an order can be chosen, which is what makes the probabilities
right (Edgington and Onghena, "Randomization Tests", 4th edition, 2007, chapter 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyhil.measure.audit.answers import Answer

SURE = 1e-4
"""How often chance alone may make an objection, for each comparison of an audit."""


@dataclass(frozen=True)
class Comparison:
    """Some times against others."""

    change: float
    """How much shorter, as a share: -0.2 is a fifth shorter."""
    p: float
    """Probability to find this when none is shorter by more than the margin."""
    margin: float
    count: str
    """How many times were compared, in words."""
    weak: bool = False
    """Whether there are too few of them to be sure of anything."""

    @property
    def shorter(self) -> bool:
        """Whether the times are shorter by more than the margin, surely."""
        return self.p < SURE

    def as_json(self) -> dict[str, float]:
        """For the record."""
        return {"change": round(self.change, 6), "p": float(f"{self.p:.3g}"), "margin": self.margin}

    @property
    def left_out(self) -> tuple[str, ...]:
        """What a report must say of a comparison that can't object to anything."""
        return (f"times of {self.count}: too few to be sure",) if self.weak else ()

    @property
    def amount(self) -> str:
        """How much, as in ``4.9 % less time``."""
        return f"{100 * abs(self.change):.3g} % {'less' if self.change < 0 else 'more'} time"

    @property
    def grounds(self) -> str:
        """How sure that is."""
        return (
            f"median of {self.count}; that it is more than {100 * self.margin:g} % is chance with "
            f"p = {self.p:.1g}"
        )


def paired(pairs: Sequence[tuple[Answer, Answer]], margin: float) -> Comparison:
    """Compare times pair by pair: the sign test.

    In how many pairs is the first one shorter than the second by more than the margin? If that is
    as likely as not, the count is that of tossed coins (Dixon and Mood, "The statistical sign
    test", Journal of the American Statistical Association 41, 1946).

    Args:
        pairs: answers to the same input, or to ones that should cost the same.
        margin: a share of the second one's time.

    Raises:
        ValueError: there are none, as where a record was changed.
    """
    if not pairs:
        raise ValueError("there is no pair of answers to compare")
    from scipy.stats import binomtest  # noqa: PLC0415 - half a second of import

    ratios = np.array([one.each_s / other.each_s for one, other in pairs])
    shorter = int(np.count_nonzero(ratios < 1.0 - margin))
    p = float(binomtest(shorter, len(ratios), 0.5, alternative="greater").pvalue)
    count = f"{len(ratios)} pairs, {shorter} of them beyond {100 * margin:g} %"
    weak = 0.5 ** len(ratios) >= SURE
    return Comparison(float(np.median(ratios)) - 1.0, p, margin, count, weak)


def paired_wins(wins: int, losses: int) -> float:
    """Probability that so many of the pairs that differ are wins when each is as likely as not
    (McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12, 1947)."""
    from scipy.stats import binomtest  # noqa: PLC0415 - as above

    if not wins:
        return 1.0
    return float(binomtest(wins, wins + losses, 0.5, alternative="greater").pvalue)


def unpaired(times: Sequence[float], others: Sequence[float], margin: float) -> Comparison:
    """Compare two groups of times by ranks (Mann and Whitney, "On a test of whether one of two
    random variables is stochastically larger than the other", Annals of Mathematical Statistics
    18, 1947), the others made shorter by the margin before.

    Args:
        times: of an inference, in seconds.
        others: the same.
        margin: a share of the others.

    Raises:
        ValueError: one of the groups is empty, as where a record was changed.
    """
    if not times or not others:
        raise ValueError("there are no times to compare")
    from scipy.stats import mannwhitneyu  # noqa: PLC0415 - as above

    first = np.array(times, dtype=np.float64)
    second = np.array(others, dtype=np.float64)
    scaled = second * (1.0 - margin)
    p = float(mannwhitneyu(first, scaled, alternative="less", method="exact").pvalue)
    change = float(np.median(first) / np.median(second)) - 1.0
    return Comparison(change, p, margin, f"{len(first)} times against {len(second)}")
