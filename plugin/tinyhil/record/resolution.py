"""How fine a device's time stamps are, by the stamps alone.

A stamp is a whole number of microseconds, made from a counter whose tick may be none: one of
32,768 Hz ticks each 30.52 us, and its stamps are those times cut off, or rounded. Each rate that a
counter may have allows some whole numbers and no others. The slowest one that allows all stamps is
the counter's, where so many different ones can't fit by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = Mapping[str, Any]
"""With ``start_us`` and ``end_us``, and ``wrapped`` where the clock began anew between them; in the
order they came."""

_SECOND_US = 10**6
_BY_CHANCE = 1e-6
"""How likely stamps of a fine clock may look like those of a coarser one."""
_LEAST_STAMPS = 8
"""Of one life of a clock, for it to say more than all together."""
_CORE_MHZ = (8, 12, 16, 24, 25, 32, 48, 64, 72, 80, 84, 96, 100, 120, 125, 150, 160, 168, 170, 180,
             200, 216, 240, 250, 280, 300, 320, 400, 480, 528, 550, 600)  # fmt: skip
"""Clocks of cores in use: divided by a power of two they give rates that are no whole number."""

Integers = NDArray[np.int64]

_DIVIDED: Integers = np.array([(1 << shift, mhz) for mhz in _CORE_MHZ for shift in range(17)]).T
"""Of each such rate a period in us, and its ticks."""


def tick_us(rows: Iterable[Row], *, least_us: float = 1.0) -> float:
    """How long a tick of the clock is that made the stamps of these rows, in us; at least 1.

    Args:
        rows: at least one.
        least_us: finer ticks are of no interest, which saves time.
    """
    lives = list(_lives(rows))
    long = [life for life in lives if len(life) >= _LEAST_STAMPS]
    # A clock that wraps, or restarts, goes on beside its ticks; what is coarse in one life is so.
    return max(_tick_us(tuple(life), least_us) for life in long or [list(chain(*lives))])


def _lives(rows: Iterable[Row]) -> Iterator[list[tuple[int, int]]]:
    """Starts and ends, without a step back between them."""
    life: list[tuple[int, int]] = []
    for row in rows:
        if life and row["start_us"] < life[-1][0]:
            yield life
            life = []
        times, period_us, _ = row.get("wrapped") or (0, 0, 0)
        life.append((row["start_us"], row["end_us"] - times * period_us))
    yield life


# The same rows are asked for by the measure, its checks and who reads the record.
@lru_cache(maxsize=16)
def _tick_us(life: tuple[tuple[int, int], ...], least_us: float) -> float:
    stamps = dict.fromkeys(stamp for pair in life for stamp in pair)
    # What follows of others by the same step says nothing of its own.
    steps = {later - start for (start, _), (later, _) in pairwise(life)}
    known = 1 + len(steps) + len({end - start for start, end in life})
    highest_hz = _SECOND_US * ((known + 1) * _BY_CHANCE / _SECOND_US) ** (1 / (known + 1))
    whole = math.gcd(*stamps)
    if whole * highest_hz < _SECOND_US:
        whole = 1
    highest_hz = min(highest_hz, _SECOND_US / max(2.0, least_us, whole))
    rates = np.arange(1, int(highest_hz) + 1, dtype=np.int64)
    found = _allowed(stamps, np.full_like(rates, _SECOND_US), rates)
    periods, ticks = _DIVIDED[:, _DIVIDED[1] * _SECOND_US <= _DIVIDED[0] * highest_hz]
    return float(max(whole, found, _allowed(stamps, periods, ticks)))


def _allowed(stamps: Iterable[int], periods: Integers, ticks: Integers) -> float:
    """The longest tick that all stamps are times of, in us; 0 where there is none.

    Args:
        stamps: in us.
        periods: of clocks, in us, each a whole number of ticks.
        ticks: in such a period; fewer than it has us.
    """
    longest = 0.0
    for rounded in (0, 1):
        period, count = periods, ticks
        for stamp in stamps:
            # By how much the stamp is before the next tick, or from the nearest, in ticks' parts.
            before = -(stamp % period) * count % period
            fits = before < count
            if rounded:
                fits = 2 * np.minimum(before, period - before) <= count
            period, count = period[fits], count[fits]
            if not len(period):
                break
        if len(period):
            longest = max(longest, float(np.max(period / count)))
    return longest
