"""Inputs of audits: samples drawn at random, and inputs that are in no data set.

Made inputs stay within the range of the data, so that a model treats them like any other, and have
the same shape. A device can't predict anything here: all comes from the audit's own draws.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random

import numpy as np

from tinyhil.catalog.task import Task
from tinyhil.data.material import Sample
from tinyhil.ground.errors import DataError
from tinyhil.measure.draws import elements, neighbour


@dataclass(frozen=True)
class Input:
    """What one query sends."""

    place: int
    """Its number in the audit."""
    name: str
    data: bytes
    label: int | None = None
    """Its true class, where that matters."""


def drawn(task: Task, samples: Sequence[Sample], count: int, random: Random) -> list[Input]:
    """Windows of samples drawn at random, `count` of them or all of them, all different.

    Raises:
        DataError: there are not even two.
    """
    found: dict[bytes, Input] = {}
    for sample in random.sample(list(samples), len(samples)):
        if len(found) == count:
            break
        window = random.choice(task.input.windows(sample.data))
        found.setdefault(window.data, Input(len(found), sample.name, window.data))
    _refuse_few(task, found.values(), min(count, 2))
    return list(found.values())


def in_order(
    task: Task, samples: Sequence[Sample], count: int, *, all_windows: bool
) -> list[Input]:
    """The first `count` windows as an accuracy run sends them, or all of them.

    Raises:
        DataError: there are not even two.
    """

    def windows() -> Iterator[tuple[str, bytes]]:
        for sample in samples:
            for window in task.input.windows(sample.data, all_windows=all_windows):
                yield sample.name, window.data

    found = [Input(place, *one) for place, one in enumerate(islice(windows(), count))]
    _refuse_few(task, found, 2)
    return found


def labelled(
    task: Task, samples: Sequence[Sample], count: int, random: Random, *, first: int
) -> list[Input]:
    """Samples drawn at random, with their classes: `count` or all; places from `first` on."""
    chosen = random.sample(list(samples), min(count, len(samples)))
    return [
        Input(first + number, one.name, task.input.windows(one.data)[0].data, one.label)
        for number, one in enumerate(chosen)
    ]


def unseen(task: Task, like: Input, random: Random) -> Input:
    """A neighbour of an input, see `draws.neighbour`."""
    data = neighbour(task, like.data, random)
    return Input(like.place, f"near {like.name}", data, like.label)


def permuted(task: Task, like: Input, random: Random) -> Input:
    """The values of an input in another order."""
    values = elements(task, like.data)
    generator = np.random.default_rng(random.getrandbits(64))
    return Input(like.place, f"permuted {like.name}", generator.permutation(values).tobytes())


def constants(task: Task, inputs: Sequence[Input]) -> list[Input]:
    """Inputs of one value: the lowest, the middle and the highest of the given ones."""
    every = np.concatenate([elements(task, one.data) for one in inputs])
    size = len(elements(task, inputs[0].data))
    low, high = float(every.min()), float(every.max())
    levels = {"lowest": low, "middle": (low + high) / 2, "highest": high}
    return [
        Input(place, f"all {name}", np.full(size, level).astype(every.dtype).tobytes())
        for place, (name, level) in enumerate(levels.items())
    ]


def exchanged(task: Task, like: Input, other: Input, part: int, parts: int) -> Input:
    """An input whose `part`-th of `parts` equal parts (0 is the first) is another's."""
    mine, theirs = elements(task, like.data), elements(task, other.data)
    start, end = (len(mine) * edge // parts for edge in (part, part + 1))
    data = mine[:start].tobytes() + theirs[start:end].tobytes() + mine[end:].tobytes()
    return Input(like.place, f"{like.name}, part {part + 1} of {other.name}", data)


def numbered(inputs: Sequence[Input], first: int) -> list[Input]:
    """The inputs with places of their own, from `first` on."""
    return [replace(one, place=first + number) for number, one in enumerate(inputs)]


def _refuse_few(task: Task, found: Collection[Input], least: int) -> None:
    if len(found) < least:
        raise DataError(
            f"an audit of {task.name} needs {least} different samples, the data set has "
            f"{len(found)}",
            hint="bring a data set with more samples",
        )
