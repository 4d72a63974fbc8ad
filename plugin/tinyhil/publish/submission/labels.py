"""True classes of the samples that a log names, from the data set's own label file."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinyhil.catalog.task import Task
from tinyhil.data.material import LABELS
from tinyhil.data.pins import load_pins, load_sources
from tinyhil.ground.tree import MIB, Tree, Unreadable


@dataclass(frozen=True)
class Labels:
    """Classes by the sample's name."""

    classes: Mapping[str, int]
    official: bool
    """Whether the file is the pinned one."""


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
    pinned = load_pins(task.name)[LABELS] if task.name in load_sources() else None
    return Labels(classes, hashlib.sha256(data).hexdigest() == pinned)


def official_samples(task: Task) -> frozenset[str]:
    """Names of the official samples, pinned; none where the task has no pinned set."""
    if task.name not in load_sources():
        return frozenset()
    return frozenset(load_pins(task.name)) - {LABELS}
