"""The lives of a device's clock: a counter that is full begins again at 0, and that is no fault.

A counter of 32 bits that counts 25 MHz is full after 171.8 s. It begins anew each time after the
same period, and no stamp is later than that; what else runs backwards is no clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tinyhil.measure.audit.answers import Answer

_RATE = (0.8, 1.25)
"""Of the host's time, that a clock may have counted between two answers; closer looks `clock`."""
_EMULATED_RATE = (0.0, 100.0)
"""While it works an emulated board runs as fast as its host allows."""
_ROUNDING_S = 4e-6
"""Of the four stamps of two steps back."""
_LATE_S = 0.25
"""By how much an answer may come late."""


@dataclass(frozen=True)
class Lives:
    """Answers by the lives of the clock that made their stamps."""

    each: tuple[tuple[Answer, ...], ...]
    period_s: tuple[float, float] = (0.0, math.inf)
    """Between what the clock's period must be if it wraps, by all steps back; the first one is
    greater than the second where no period explains them."""
    between: int = 0
    """How often the clock began anew from one answer to the next."""

    @property
    def inside(self) -> int:
        """And how often between the two stamps of an answer."""
        return sum(one.wrapped[0] for life in self.each for one in life)

    @property
    def wraps(self) -> int:
        """How often the clock began anew."""
        return self.between + self.inside

    @property
    def explained(self) -> bool:
        """Whether all steps back are those of a clock that wraps."""
        least_s, most_s = self.period_s
        return least_s <= most_s

    def figures(self) -> dict[str, Any]:
        """For the record, where it wraps."""
        if not (self.wraps and self.explained):
            return {}
        period_s = [round(limit, 6) for limit in self.period_s if math.isfinite(limit)]
        inside = {"inside": self.inside} if self.inside else {}
        return {"wraps": {"times": self.wraps, "period_s": period_s, **inside}}

    @classmethod
    def of(cls, answers: Sequence[Answer], *, virtual: bool = False) -> Lives:
        """Cut answers, in the order they came, where the clock began anew."""
        slow, fast = _EMULATED_RATE if virtual else _RATE
        starts, between, (least_s, most_s) = [0], 0, _told(answers)
        period_s = most_s
        for number, (before, after) in enumerate(pairwise(answers), start=1):
            back_s = (before.printed_us - after.start_us) * 1e-6
            apart_s = after.answered_s - after.device_s - before.answered_s
            # Between two answers there may be time for more than one period.
            if back_s > 0.0 or before.wrapped[0] or _LATE_S + fast * apart_s >= period_s:
                starts.append(number)
            if back_s <= 0.0:
                continue
            between += 1
            # What went by between the two stamps, and what the clock fell back by, are a period.
            apart_s = max(0.0, after.asked_s - before.answered_s)
            least_s = max(least_s, back_s + slow * apart_s - _ROUNDING_S)
            most_s = min(most_s, back_s + fast * (after.answered_s - before.asked_s) + _ROUNDING_S)
        each = tuple(
            tuple(answers[start:stop]) for start, stop in pairwise([*starts, len(answers)])
        )
        if len(each) > 1:
            least_s = max(least_s, *(one.printed_us * 1e-6 for one in answers))
        return cls(each, (least_s, most_s), between)


def _told(answers: Sequence[Answer]) -> tuple[float, float]:
    """Between what the period is by answers that the clock began anew in."""
    known = [one.wrapped for one in answers if one.wrapped[0]]
    least_us = max((period_us - error_us for _, period_us, error_us in known), default=0.0)
    most_us = min((period_us + error_us for _, period_us, error_us in known), default=math.inf)
    return least_us * 1e-6, most_us * 1e-6
