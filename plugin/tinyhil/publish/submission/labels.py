"""Lists of samples and their true classes: the official ones, and the label file of a user's."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
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
    """The official list that samples are of: the one with most of them; None where they are none's.

    Two lists may share a few names, so a few decide nothing: more than half of the samples, or of
    the list, must agree.
    """
    names = set(samples)
    best = max(official_lists(task), key=lambda each: len(each.samples & names), default=None)
    if best is None:
        return None
    common = len(best.samples & names)
    return best if 2 * common > min(len(names), len(best.samples)) else None
