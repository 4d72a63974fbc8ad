"""What a measure draws by chance, so that a device can't tell what it will be asked.

All comes from one seed, which the first row of the measure keeps: with it, what was asked can be
told afterwards, and asked again (``--hil-seed``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyhil.catalog.rules import Rules
from tinyhil.catalog.task import Task

Item = TypeVar("Item")

_ELEMENTS = {"int8": "i1", "uint8": "u1", "int16": "<i2", "float32": "<f4"}

_STEP = 1 / 256
"""Of the data's range, for floats: about one step of what they are quantized to."""

_CANARIES = 0.01
"""Share of an accuracy run's samples that are asked again, changed, twice. `verify` draws them
again: another share needs another schema."""

CANARY_TIME = 0.04
"""Share of a timed measure that its canary takes."""

_MOST_MORE = 4
"""Inferences to warm up, beyond what the rules ask for."""


def seed_of(seed: int, *what: object) -> int:
    """The seed of one thing among those that a run's seed decides."""
    return Random(" ".join(map(str, (seed, *what)))).getrandbits(48)  # noqa: S311


@dataclass(frozen=True)
class Draws:
    """The draws of one measure."""

    seed: int
    """Of the run."""
    measure: str = ""
    """Its task and its name: no measure can be foreseen by another."""

    @classmethod
    def of(cls, seed: int, task: str, measure: str) -> Draws:
        """Those of a task's measure."""
        return cls(seed, f"{task} {measure}")

    def about(self, *what: object) -> Random:
        """A generator of its own for each thing that is drawn: the same at any time."""
        return Random(" ".join(map(str, (self.seed, self.measure, *what))))  # noqa: S311 - foreseen by nobody

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """Another order."""
        return self.about("order").sample(items, len(items))

    def warm_up(self, rules: Rules, place: int) -> int:
        """Inferences to warm up: as many as the rules ask for, or a few more."""
        return rules.warm_up + self.about("warm-up", place).randint(0, _MOST_MORE)

    def changed_samples(self, samples: int) -> frozenset[int]:
        """Behind which samples of an accuracy run a changed one is asked."""
        count = max(1, math.ceil(_CANARIES * samples))
        return frozenset(self.about("canaries").sample(range(samples), min(count, samples)))

    def canary(self, task: Task, data: bytes, place: int) -> bytes:
        """An input that no table holds, see `neighbour`."""
        return neighbour(task, data, self.about("canary", place))


def neighbour(task: Task, data: bytes, random: Random) -> bytes:
    """An input of which half of the values are one step off; none leaves its range.

    It is so close that an honest device takes the same time for it, even one that is faster on
    zeros; and a device that has the data set stored does not find it there.
    """
    values = elements(task, data)
    generator = np.random.default_rng(random.getrandbits(64))
    low, high = values.min(), values.max()
    step = 1.0 if values.dtype.kind in "iu" else float(high - low) * _STEP
    signs = generator.choice([-1.0, 0.0, 0.0, 1.0], len(values))
    moved = np.clip(values.astype(np.float64) + step * signs, low, high)
    return moved.astype(values.dtype).tobytes()


def elements(task: Task, data: bytes) -> NDArray[np.generic]:
    """The numbers of an input."""
    found: NDArray[np.generic] = np.frombuffer(data, np.dtype(_ELEMENTS[task.input.encoding]))
    return found
