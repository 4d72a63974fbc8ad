"""Where things are in a submission tree, in every round's layout.

Today's is ``results/<system>/<task>/<test>/{log.txt,results.txt,results.json}``. Rounds up to v1.0
also spell tasks out, have a folder more above them (a framework's, with a board's in it) or below
them (a model's), call the test of energy ``power``, and put the test's name before a file's
(``performance_log.txt``). What today's checker would not find is read all the same, and told.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from tinyhil.catalog.task import Task
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.tree import MIB, Tree, Unreadable
from tinyhil.publish.submission.findings import Finding
from tinyhil.publish.submission.names import DIVISIONS
from tinyhil.publish.submission.runner_json import loads
from tinyhil.publish.submission.tasks import benchmark_tasks

TESTS = ("accuracy", "performance", "energy")
MAX_FILE_BYTES = 500 * MIB
"""What the official checker allows."""

_HERE = PurePosixPath()
_DEEPER = 2
"""Folders more than today's layout has, above a task and below it."""
_TESTS = {**{test: test for test in TESTS}, "power": "energy", "enegy": "energy"}
_SPELLED = {
    "anomaly_detection": "ad",
    "image_classification": "ic",
    "keyword_spotting": "kws",
    "visual_wake_words": "vww",
    "visual_wakewords": "vww",
    "person_detection": "vww",
    "streaming_wakeword": "sww",
    "streaming_wakeword_detection": "sww",
}
_FILES = {
    "log": re.compile(r"(?:[a-z]+_)?log\.txt"),
    "results": re.compile(r"(?:[a-z]+_)?(?:results?|postproc)\.txt"),
    "answers": re.compile(r"(?:[a-z]+_)?results?\.json"),
}
_TODAY = {"log": "log.txt", "results": "results.txt", "answers": "results.json"}


@dataclass(frozen=True)
class Submitter:
    """A submitter's folder in one division."""

    place: PurePosixPath
    name: str
    division: str
    """Empty where the tree does not say."""

    @property
    def results(self) -> PurePosixPath:
        """Folder of the results."""
        return self.place / "results"


@dataclass(frozen=True)
class TestFolder:
    """One test of a task, and the files that matter in it."""

    place: PurePosixPath
    log: PurePosixPath
    """Where it is or, if there is none, where it should be; so are the two others."""
    results: PurePosixPath
    answers: PurePosixPath
    files: tuple[str, ...]
    """Names of all files."""

    __test__ = False

    @property
    def moved(self) -> tuple[PurePosixPath, ...]:
        """Files that are called otherwise than today."""
        own = {"log": self.log, "results": self.results, "answers": self.answers}
        return tuple(place for role, place in own.items() if place.name != _TODAY[role])


@dataclass(frozen=True, eq=False)
class TaskFolder:
    """The results of one task, or of one model of it."""

    place: PurePosixPath
    task: Task | None
    """None where tinyhil does not know it."""
    model: str
    """Name of the folder below the task's, if the tests lie in one; else empty."""
    tests: Mapping[str, TestFolder]


@dataclass(frozen=True)
class SystemFolder:
    """The results of a system."""

    place: PurePosixPath
    name: str
    """Its folder's, below ``results``; with a slash where it lies deeper than today."""
    tasks: tuple[TaskFolder, ...]


def task_folder(task: Task) -> str:
    """Name of a task's folder: ``kws`` for ``kws01``, ``ic2`` for ``ic02``."""
    name, number = task.name.rstrip("0123456789"), int(re.sub(r"\D", "", task.name) or 1)
    return name if number == 1 else f"{name}{number}"


@cache
def tasks_by_folder() -> Mapping[str, Task]:
    """The tasks of the benchmark, by the name of their folder today."""
    return {task_folder(task): task for task in benchmark_tasks().values()}


def task_of(folder: str, mapping: Mapping[str, str] | None = None) -> Task | None:
    """The task that a folder's name stands for in any round.

    Args:
        folder: its name.
        mapping: what an open submitter's ``model_mapping.json`` says of other names.
    """
    name = (mapping or {}).get(folder, folder)
    plain = re.sub(r"[ -]", "_", name.lower())
    tasks = tasks_by_folder()
    short = _SPELLED.get(plain, plain)
    by_name = {task.name: task for task in tasks.values()}
    return tasks.get(short) or by_name.get(short)


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


def systems(tree: Tree, submitter: Submitter) -> tuple[SystemFolder, ...]:
    """The systems of a submitter; a folder of results without any task is one too."""
    mapping = _mapping(tree, submitter)
    found = []
    for name in tree.folders(submitter.results):
        deeper = list(_systems_below(tree, submitter.results / name, mapping, _DEEPER))
        found += deeper or [(submitter.results / name, ())]
    return tuple(
        SystemFolder(place, str(place.relative_to(submitter.results)), tuple(tasks))
        for place, tasks in found
    )


def described_at(
    tree: Tree, submitter: Submitter, system: SystemFolder
) -> tuple[PurePosixPath | None, str]:
    """Where a system's JSON is, and what is wrong with that place; None where there is none.

    Today's checker looks for ``systems/<system>.json`` alone. Earlier rounds had it in a folder of
    its own, or under a name that only resembles the system's.
    """
    folder = submitter.place / "systems"
    place = folder / f"{system.name.replace('/', '_')}.json"
    if "/" not in system.name and tree.exists(place):
        return place, ""
    there = [folder / name for name in tree.files(folder) if name.endswith(".json")]
    for inner in tree.folders(folder):
        there += [folder / inner / name for name in tree.files(folder / inner)]
    there = [each for each in there if each.suffix == ".json"]
    alike = [each for each in there if _resemble(each, system.name)]
    best = [each for each in alike if _resemble(each, system.name) == 2] or alike
    remark = f"today's checker looks for it at {place} alone"
    if len(best) == 1:
        return best[0], remark
    return None, f"no description at {place}: the official checker drops the system"


def hygiene(tree: Tree, submitter: Submitter) -> Iterator[Finding]:
    """What the official checker refuses a submitter for, or warns of, with any results.

    Raises:
        Unreadable: there is too much in the folder.
    """
    filled = set()
    folders, unfriendly = [], []
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
            unfriendly.append(place)
    if unfriendly:
        more = f" ({len(unfriendly)} such names, here the first)" if len(unfriendly) > 1 else ""
        text = f"a name with a space or a leading dot{more}: checkers warn of it"
        yield Finding("note", unfriendly[0], text)
    for folder in folders:
        if folder not in filled:
            yield Finding("wrong", folder, "is empty: the official checker refuses the submitter")


def _systems_below(
    tree: Tree, place: PurePosixPath, mapping: Mapping[str, str], depth: int
) -> Iterator[tuple[PurePosixPath, tuple[TaskFolder, ...]]]:
    """The folders from here on that hold folders of tasks, with these."""
    names = tree.folders(place)
    tasks = [
        folder
        for name in names
        if (task_of(name, mapping) or _tests_in(tree, place / name))
        for folder in _models(tree, place / name, task_of(name, mapping))
    ]
    if tasks:
        yield place, tuple(tasks)
    elif depth:
        for name in names:
            yield from _systems_below(tree, place / name, mapping, depth - 1)


def _models(tree: Tree, place: PurePosixPath, task: Task | None) -> Iterator[TaskFolder]:
    """A task's folder, or those below it that hold the tests of one model each."""
    tests = _tests_in(tree, place)
    below = {} if tests else {name: _tests_in(tree, place / name) for name in tree.folders(place)}
    if not any(below.values()):
        yield TaskFolder(place, task, "", tests)
    for name, inner in below.items():
        if inner:
            yield TaskFolder(place / name, task, name, inner)


def _tests_in(tree: Tree, place: PurePosixPath) -> dict[str, TestFolder]:
    found: dict[str, TestFolder] = {}
    for name in tree.folders(place):
        test = _TESTS.get(name.lower())
        if test and (test == name or test not in found):
            found[test] = _test_folder(tree, place / name)
    return {test: found[test] for test in TESTS if test in found}


def _test_folder(tree: Tree, place: PurePosixPath) -> TestFolder:
    files = tuple(tree.files(place))

    def find(role: str) -> PurePosixPath:
        today = _TODAY[role]
        old = [name for name in files if _FILES[role].fullmatch(name.lower())]
        return place / (today if today in files or not old else old[0])

    return TestFolder(place, find("log"), find("results"), find("answers"), files)


def _mapping(tree: Tree, submitter: Submitter) -> dict[str, str]:
    """An open submitter's own names of tasks; none where there is no such file."""
    place = submitter.place / "model_mapping.json"
    if submitter.division == "closed" or not tree.exists(place):
        return {}
    try:
        values = loads(tree.read(place))
    except Unreadable:
        return {}
    pairs = values.items() if isinstance(values, dict) else ()
    return {own: task for own, task in pairs if isinstance(task, str)}


def _resemble(description: PurePosixPath, system: str) -> int:
    """2 where a description's name is a system's but for its spelling, 1 where one begins alike."""
    own = _letters(re.sub(r"system|description", "", description.stem.lower()))
    if description.parent.name != "systems" and _letters(description.parent.name) == _letters(
        system
    ):
        return 2
    parts = [_letters(part) for part in system.split("/")]
    names = {"".join(parts), "".join(reversed(parts)), parts[-1]}
    if own in {"".join(parts), "".join(reversed(parts))}:
        return 2
    return int(bool(own) and any(name.startswith(own) or own.startswith(name) for name in names))


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _is_submitter(tree: Tree, place: PurePosixPath) -> bool:
    return bool({"results", "systems"} & set(tree.folders(place)))


def _in_division(tree: Tree, place: PurePosixPath, division: str) -> Iterator[Submitter]:
    for name in tree.folders(place):
        if _is_submitter(tree, place / name):
            yield Submitter(place / name, name, division)
