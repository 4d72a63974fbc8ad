"""What an audit is told: the task, its samples, and how much to ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tinyhil.data import Sample
from tinyhil.task import Task

Progress = Callable[[float, float], None]
"""Takes how much is done and how much there is; in a unit of the caller's."""

MARGIN = 0.01
"""Times that differ by less of themselves are the same to every audit."""

MARGIN_REASON = (
    "1 %: on silicon, two sessions of one firmware differ by half of that, and MLPerf's TEST05 "
    "allows 5 %; chance leads to an objection in at most one of 10,000 comparisons"
)


@dataclass(frozen=True)
class Rules:
    """How much an audit asks."""

    pairs: int = 24
    """Compared times; of 24 pairs two may be wild and the others still convict."""
    clock_s: float = 60.0
    """Length of the clock's run, on the host's clock."""
    window_s: float = 10.0
    """Of performance runs, on the device's clock; the official rules' length."""
    runs: int = 6
    """Long runs, for audits that compare them."""
    attempts: int = 24
    """Inputs that are tried until one shows a dependence."""


QUICK = Rules(pairs=14, clock_s=3.0, window_s=0.5, runs=5, attempts=12)
"""For a look: the least that can convict at all."""


@dataclass(frozen=True)
class Setting:
    """One audit's surroundings."""

    task: Task
    samples: Sequence[Sample]
    """In the data set's order."""
    all_windows: bool
    """See `Input.windows`."""
    virtual: bool
    """Whether the device's clock counts instructions, as that of an emulated board."""
    random: Random
    """Where everything is drawn from that a device must not foresee."""
    rules: Rules
    progress: Progress
