"""Lists of samples and their true classes: the official ones, and the label file of a user's."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from tinyhil.catalog.task import Task
from tinyhil.data.material import LABELS
from tinyhil.data.pins import load_classes, load_pins, load_sources
from tinyhil.ground.tree import MIB, Tree, Unreadable

LATER = {"ic01": "79e1f19ad731f046983a1a4480bda6369df26c5acee47505a860f164fb58ccd4"}
"""Sums of the label files of lists of 2022, by data set: the ones in use since then."""


@dataclass(frozen=True)
class SampleList:
    """An official list of samples."""

    name: str
    """Such as ``list of 2022``; empty where the task has only one."""
    samples: frozenset[str]
    classes: Mapping[str, int]
    """Empty where only the user's label file knows them."""
    mixed: Mapping[str, int] = field(default_factory=dict)
    """Of samples of several lists: how many are of each list alone, by its name."""
    sure: bool = True
    """Whether they are of no other list."""


@dataclass(frozen=True)
class Labels:
    """Classes by the sample's name."""

    classes: Mapping[str, int]
    official: bool
    """Whether the file is the one of an official list."""


def load_labels(task: Task, root: Path) -> Labels:
    """The labels of a task below the folder that the user brought.

    Raises:
        Unreadable: there is not a label file, or it is too long.
    """
    data = Tree(root).read(PurePosixPath(task.official.data, LABELS), 4 * MIB)
    try:
        rows = list(csv.reader(data.decode("utf-8", "replace").splitlines()))
    except csv.Error as error:
        raise Unreadable(f"is not a label file: {error}") from error
    cells = [[cell.strip() for cell in row] for row in rows]
    classes = {row[0]: int(row[2]) for row in cells if len(row) >= 3 and row[2].isdecimal()}
    name = data_set(task)
    known = {load_pins(name)[LABELS], LATER.get(name)} if name in load_sources() else set()
    return Labels(classes, hashlib.sha256(data).hexdigest() in known)


def data_set(task: Task) -> str:
    """The name of the task's data set; two tasks may share one."""
    return PurePosixPath(task.official.data).name


@cache
def _lists(name: str) -> tuple[SampleList, ...]:
    if name not in load_sources():
        return ()
    first = frozenset(load_pins(name)) - {LABELS}
    if name not in LATER:
        return (SampleList("", first, {}),)
    classes = load_classes(f"{name}-2022")
    later = SampleList("list of 2022", frozenset(classes), classes)
    return (SampleList("list of 2021", first, {}), later)


def official_lists(task: Task) -> tuple[SampleList, ...]:
    """The official lists of a task, the oldest first; none where it has none."""
    return _lists(data_set(task))


def list_of(task: Task, samples: Collection[str]) -> SampleList | None:
    """The official list that samples are of, told sample by sample; None where most are of none.

    Names that lists share say nothing, the others do. Samples of several lists are of one that is
    mixed of them; of samples that all lists have, the list can't be told.
    """
    lists, names = official_lists(task), set(samples)
    known = {name for name in names if any(name in each.samples for each in lists)}
    if not lists or 2 * len(known) <= min(len(names), *(len(each.samples) for each in lists)):
        return None
    alone = {each.name: len(known - _others(each, lists)) for each in lists}
    told = [each for each in lists if alone[each.name]]
    if len(told) == 1:
        return told[0]
    of = [each.name.removeprefix("list ") for each in told or lists]
    if told:
        every = frozenset().union(*(each.samples for each in told))
        return SampleList(f"lists {' and '.join(of)} mixed", every, {}, mixed=alone)
    return SampleList(f"list {' or '.join(of)}", lists[-1].samples, {}, sure=False)


def _others(one: SampleList, lists: Sequence[SampleList]) -> frozenset[str]:
    """What lists other than this one hold."""
    return frozenset().union(*(each.samples for each in lists if each is not one))
