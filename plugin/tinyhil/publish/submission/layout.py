"""Where things are in a submission tree."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from tinyhil.catalog.task import Task, load_tasks
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.tree import MIB, Tree
from tinyhil.publish.submission.findings import Finding
from tinyhil.publish.submission.names import DIVISIONS

TESTS = ("accuracy", "performance", "energy")
MAX_FILE_BYTES = 500 * MIB
"""What the official checker allows."""

_HERE = PurePosixPath()


@dataclass(frozen=True)
class Submitter:
    """A submitter's folder in one division."""

    place: PurePosixPath
    name: str
    division: str
    """Empty where the tree does not say."""

    @property
    def results(self) -> PurePosixPath:
        """Folder of the results, one folder a system."""
        return self.place / "results"


def task_folder(task: Task) -> str:
    """Name of a task's folder: ``kws`` for ``kws01``."""
    return task.name.rstrip("0123456789")


def tasks_by_folder() -> Mapping[str, Task]:
    """The tasks that tinyhil knows, by the name of their folder."""
    return {task_folder(task): task for task in load_tasks().values() if task.own is None}


def submitters(tree: Tree) -> tuple[Submitter, ...]:
    """The submitters in a tree, a division, a submitter's folder, or a folder that holds trees.

    Raises:
        ConfigError: there is none.
    """
    root = tree.root.resolve()
    if _is_submitter(tree, _HERE):
        division = root.parent.name if root.parent.name in DIVISIONS else ""
        return (Submitter(_HERE, root.name, division),)
    if root.name in DIVISIONS:
        found = list(_in_division(tree, _HERE, root.name))
    else:
        holders = [_HERE, *(PurePosixPath(name) for name in tree.folders(_HERE))]
        found = [
            submitter
            for holder in holders
            for division in DIVISIONS
            for submitter in _in_division(tree, holder / division, division)
        ]
    if not found:
        raise ConfigError(
            f"{tree.root}: holds no submission",
            hint="name the folder that holds 'closed' or 'open', a division, or a submitter's",
        )
    return tuple(found)


def described_at(tree: Tree, submitter: Submitter, system: str) -> tuple[PurePosixPath | None, str]:
    """Where a system's JSON is, and what is wrong with that place; None where there is none.

    Rounds up to v1.0 had it in a folder of its own; today's checker looks for
    ``systems/<system>.json`` alone.
    """
    systems = submitter.place / "systems"
    place = systems / f"{system}.json"
    if tree.exists(place):
        return place, ""
    inner = [name for name in tree.files(systems / system) if name.endswith(".json")]
    if len(inner) == 1:
        return systems / system / inner[0], f"today's checker looks for it at {place} alone"
    return None, f"no description at {place}: the official checker drops the system"


def hygiene(tree: Tree, submitter: Submitter) -> Iterator[Finding]:
    """What the official checker refuses a submitter for, or warns of, with any results.

    Raises:
        Unreadable: there is too much in the folder.
    """
    filled = set()
    folders = []
    for place, status in tree.walk(submitter.place):
        filled.add(place.parent)
        if stat.S_ISLNK(status.st_mode):
            yield Finding("wrong", place, "a link: the official checker refuses the submitter")
        elif stat.S_ISDIR(status.st_mode):
            folders.append(place)
            if place.name == "__pycache__":
                yield Finding("wrong", place, "the official checker refuses the submitter for it")
        elif not stat.S_ISREG(status.st_mode):
            yield Finding("wrong", place, "is not a regular file")
        elif status.st_size > MAX_FILE_BYTES:
            yield Finding("wrong", place, f"is longer than {MAX_FILE_BYTES // MIB} MiB")
        if place.name.startswith(".") or " " in place.name:
            yield Finding(
                "note", place, "a name with a space or a leading dot: checkers warn of it"
            )
    for folder in folders:
        if folder not in filled:
            yield Finding("wrong", folder, "is empty: the official checker refuses the submitter")


def _is_submitter(tree: Tree, place: PurePosixPath) -> bool:
    return bool({"results", "systems"} & set(tree.folders(place)))


def _in_division(tree: Tree, place: PurePosixPath, division: str) -> Iterator[Submitter]:
    for name in tree.folders(place):
        if _is_submitter(tree, place / name):
            yield Submitter(place / name, name, division)
