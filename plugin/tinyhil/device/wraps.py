"""How often a device's clock began anew between two of its stamps, by the host's clock beside it.

A counter of 32 bits that counts 168 MHz is full after 25.6 s and begins again at 0. Of a span that
is longer, its two stamps hold only what is left over: 30 s look like 4.4 s. So a span is held
against the host's own time: where that leaves no room for a whole period, nothing was lost; where
it does, the period must be known, and just one number of periods must fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

_RATE = 0.05
"""Of the time, by which the two clocks may differ; the audit of the clock looks closer."""
_SLACK_S = 0.25
"""By how much a line may come late: an adapter holds it back, and a busy host wakes late."""

Bounds = tuple[float, float]
"""At least and at most, in seconds."""


def between(asked_s: float, first_s: float, second_s: float, *, count: int, warm_up: int) -> Bounds:
    """How long the timed inferences of an answer took by the host's clock.

    Args:
        asked_s: when the command was sent.
        first_s: when the line of the first stamp had come.
        second_s: when that of the second had.
        count: timed inferences.
        warm_up: those before the first stamp.
    """
    share_s = (second_s - asked_s) * count / (count + warm_up)
    # Some firmware prints both stamps when all is over.
    told_s = second_s - first_s if second_s - first_s > share_s / 2 else share_s
    return told_s * (1 - _RATE) - _SLACK_S, told_s * (1 + _RATE) + _SLACK_S


@dataclass(frozen=True)
class Stamp:
    """What the device's clock said when it was asked, and when that was by the host's clock."""

    us: int
    asked_s: float
    came_s: float


@dataclass(frozen=True)
class Period:
    """What is known of the time after which a clock begins anew, in microseconds."""

    least_us: float = 0.0
    most_us: float = math.inf
    """Infinite where it was not seen to begin anew."""

    @property
    def known(self) -> bool:
        """Whether it was seen to begin anew."""
        return math.isfinite(self.most_us)

    @property
    def us(self) -> int:
        """The middle of what it can be."""
        return round((self.least_us + self.most_us) / 2)

    @property
    def error_us(self) -> int:
        """By how much that may be off."""
        return math.ceil((self.most_us - self.least_us) / 2)

    def above(self, *stamps_us: float) -> Period:
        """It is at least as long as each of these times."""
        return replace(self, least_us=max(self.least_us, *stamps_us))

    def seen(self, before: Stamp, after: Stamp) -> Period:
        """With two stamps that were asked for one right after the other."""
        longer = self.above(before.us, after.us)
        back_us = before.us - after.us
        if back_us <= 0:
            return longer
        apart_s = max(0.0, after.asked_s - before.came_s)
        least_us = max(longer.least_us, back_us + apart_s * (1 - _RATE) * 1e6)
        most_us = back_us + (after.came_s - before.asked_s) * (1 + _RATE) * 1e6
        if least_us > most_us:
            return longer  # It was set back, and did not begin anew.
        # Of the times that it was seen, the closest look counts.
        wide_us = self.most_us - self.least_us
        return Period(least_us, most_us) if most_us - least_us < wide_us else longer

    def joined(self, other: Period) -> Period:
        """What is known by both."""
        narrow = min(self, other, key=lambda one: one.most_us - one.least_us)
        return narrow.above(self.least_us, other.least_us)

    def leaves_room(self, span_us: int, took: Bounds) -> bool:
        """Whether a whole period more may have passed between two stamps."""
        return (span_us + self.least_us) * 1e-6 <= took[1]

    def fitting(self, span_us: int, took: Bounds) -> list[int]:
        """How many periods may have passed: each number that agrees with the host's clock."""
        least, most = (limit * 1e6 - span_us for limit in took)
        fewest = max(0, math.ceil(least / self.most_us))
        return list(range(fewest, math.floor(most / max(1.0, self.least_us)) + 1))
