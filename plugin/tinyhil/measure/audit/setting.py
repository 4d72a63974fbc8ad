"""What an audit is told: the task, its samples, and how much to ask."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from tinyhil.catalog.task import Task
from tinyhil.data.material import Sample
from tinyhil.measure.audit.answers import Answer

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

    pairs: int = 28
    """Compared times; of 28 pairs four may be wild and the others still convict."""
    clock_s: float = 60.0
    """Length of the clock's run, on the host's clock."""
    window_s: float = 10.0
    """Of performance runs, on the device's clock; the official rules' length."""
    runs: int = 6
    """Long runs, for audits that compare them."""
    attempts: int = 24
    """Inputs that are tried until one shows a dependence."""


EMULATED = Rules(pairs=14, runs=5)
"""Where instructions are counted no time is wild: the least that can convict."""

QUICK = Rules(pairs=14, clock_s=3.0, window_s=0.5, runs=5, attempts=12)
"""For a quick look."""

_LEAST_LONG = 10
"""Inferences of a long run, at least; the official rules' number."""

_HOST_S = 1.0
"""Of a long run on an emulated board, on the host's clock: boards differ by a factor of a
hundred in speed, and there is no noise that a longer run would even out."""


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
    seed: int
    """Of everything that a device must not be able to predict."""
    rules: Rules
    progress: Progress
    random: Random = field(init=False)
    """Draws by the seed."""

    def __post_init__(self) -> None:
        drawing = Random(self.seed)  # noqa: S311 - not predictable, by its seed
        object.__setattr__(self, "random", drawing)

    def heading(self) -> dict[str, Any]:
        """What the rows must say about how they were asked for."""
        return {"seed": self.seed, "virtual": self.virtual, "rules": asdict(self.rules)}

    def long_run(self, answer: Answer, share: float = 1.0) -> int:
        """How many inferences a long run has.

        Args:
            answer: of a single inference: how long it takes, on both clocks.
            share: of the rules' window.
        """
        count = math.ceil(share * self.rules.window_s / answer.each_s)
        if self.virtual:
            count = min(count, math.ceil(_HOST_S / answer.waited_s))
        return max(_LEAST_LONG, count)
