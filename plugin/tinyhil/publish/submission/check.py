"""Checks a submission tree: recomputes its figures from the raw answers, and checks the rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinyhil.catalog.rules import Round
from tinyhil.catalog.task import Task
from tinyhil.ground.tree import Tree, Unreadable
from tinyhil.publish.submission import owed, rules
from tinyhil.publish.submission.comparison import FIGURES
from tinyhil.publish.submission.evidence import Evidence, gather
from tinyhil.publish.submission.findings import (
    Figure,
    Finding,
    Level,
    Report,
    report_of,
    together,
)
from tinyhil.publish.submission.held import Held
from tinyhil.publish.submission.layout import (
    Submitter,
    SystemFolder,
    TaskFolder,
    described_at,
    hygiene,
    submitters,
    systems,
    task_folder,
)
from tinyhil.publish.submission.names import REHEARSAL, STATUSES
from tinyhil.publish.submission.streaming import streaming
from tinyhil.publish.submission.summary import Name, Summary, read_summary
from tinyhil.publish.submission.system import Description, read_description
from tinyhil.publish.submission.tasks import LARGE, PLAIN, STREAMING

Said = Iterator[Figure | Finding]

_COUNTING: Mapping[str, tuple[Name, ...]] = {
    "performance": ("throughput",),
    "energy": ("energy",),
}
_SHOWN = ("Submitter", "Division", "Status", "Board Name", "Processor(s) Name")
"""Without these a row of the results table says nothing."""
_ROUND = re.compile(r"(?:^|_)v(\d{1,2})\.(\d{1,2})$")
_NEAR = 3
"""Folders up from the one that is checked whose names may tell the round."""
_OVERLAY = (
    "the input is loaded once for many inferences, and the first one overwrites it; "
    "copy it before each inference"
)


@dataclass(frozen=True)
class Scope:
    """What is being checked."""

    tree: Tree
    division: str
    data: Path | None
    """The user's folder with ``datasets/``, for labels that the logs do not give."""


def check(
    root: Path,
    data: Path | None,
    progress: Callable[[float, float], None] | None = None,
    round_: Round | None = None,
) -> Report:
    """Check all that lies in a tree.

    Args:
        root: see `layout.submitters`.
        data: the folder with the official data sets, or None.
        progress: told how many tasks are done, and how many there are.
        round_: whose rules count; None takes the one that a folder's name tells, else the next.

    Raises:
        ConfigError: `root` holds no submission.
    """
    tree = Tree(root)
    try:
        return report_of(_all(tree, data, round_, progress or (lambda _done, _total: None)))
    except Unreadable as error:
        return report_of([Finding("wrong", PurePosixPath(), str(error))])


def _all(
    tree: Tree, data: Path | None, round_: Round | None, progress: Callable[[float, float], None]
) -> Said:
    found = [(one, systems(tree, one)) for one in submitters(tree)]
    total = sum(len(system.tasks) for _, each in found for system in each)
    done = 0
    for submitter, each in found:
        parts = (*tree.root.resolve().parts[-_NEAR:], *submitter.place.parts)
        scoped = round_ or round_in(parts)
        yield from hygiene(tree, submitter)
        if not each:
            yield Finding("wrong", submitter.results, "holds no system")
        sessions = {}
        for system in each:
            division = yield from _system(tree, submitter, system)
            scope = Scope(tree, submitter.division or division, data)
            for folder in system.tasks:
                evidence = yield from _task(scope, folder)
                sessions[folder] = evidence
                done += 1
                progress(done, total)
            yield from _together(system)
        if scoped is None or scoped >= owed.SINCE:
            yield from owed.owed(tree, submitter, sessions, scoped)


def round_in(parts: tuple[str, ...]) -> Round | None:
    """The round that a folder's name tells, as ``v1.0`` or ``tiny_results_v1.0``."""
    for part in reversed(parts):
        if match := _ROUND.search(part):
            return Round(int(match[1]), int(match[2]))
    return None


def _system(
    tree: Tree, submitter: Submitter, system: SystemFolder
) -> Generator[Finding, None, str]:
    """Say what there is to say about a system; return the division that its description names."""
    if not system.tasks:
        yield Finding("wrong", system.place, "holds no task")
    elif "/" in system.name:
        text = "lies a folder deeper than today's checker looks, which drops it"
        yield Finding("note", system.place, text)
    place, remark = described_at(tree, submitter, system)
    if place is None:
        yield Finding("wrong", submitter.place / "systems", remark)
        return ""
    if remark:
        yield Finding("note", place, remark)
    try:
        description = read_description(tree.read(place))
    except Unreadable as error:
        yield Finding("wrong", place, str(error))
        return ""
    yield from _description(place, description, submitter)
    if rehearsal := description.get("Rehearsal"):
        yield Finding("note", place, f"a rehearsal, not to be handed in: {rehearsal}")
    elif REHEARSAL in system.name:
        yield Finding(
            "wrong", place, "the folder is a rehearsal's, the description does not say so"
        )
    return description.get("Division").lower()


def _description(
    place: PurePosixPath, description: Description, submitter: Submitter
) -> Iterator[Finding]:
    for key in description.doubled:
        last = description.get(key)
        yield Finding("note", place, f"'{key}' is there twice; the last one, '{last}', is used")
    missing = [f"'{key}'" for key in _SHOWN if not description.get(key)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        text = f"{', '.join(missing)} {verb} missing"
        yield Finding("wrong", place, text, rule=rules.SYSTEM)
    status = description.get("Status")
    if status and status.lower() not in map(str.lower, STATUSES):
        yield Finding("wrong", place, f"Status is '{status}'", rule=rules.STATUS)
    division = description.get("Division").lower()
    if division and submitter.division and division != submitter.division:
        yield Finding(
            "wrong", place, f"Division is '{division}', the folder's is '{submitter.division}'"
        )


def _together(system: SystemFolder) -> Iterator[Finding]:
    """What one task of a system needs of another."""
    tasks = {folder.task.name: folder for folder in system.tasks if folder.task}
    if LARGE in tasks and PLAIN not in tasks:
        yield Finding("wrong", tasks[LARGE].place, "there is no ic", rule=rules.LARGE)


def _task(
    scope: Scope, folder: TaskFolder
) -> Generator[Figure | Finding, None, dict[str, Evidence]]:
    evidence: dict[str, Evidence] = {}
    task = folder.task
    if task is None:
        yield Finding("unchecked", folder.place, "tinyhil does not know this task")
        return evidence
    yield from _named(folder, task)
    required = ("energy",) if task.name == STREAMING else ("accuracy", "performance")
    for name in required:
        if name not in folder.tests:
            text = "is missing; the official checker drops the row"
            rule = rules.STREAMED_ENERGY if task.name == STREAMING else rules.BOTH_TESTS
            yield Finding("wrong", folder.place / name, text, rule=rule)
    models = frozenset({task.name, PLAIN} if task.name == LARGE else {task.name})
    for name, test in folder.tests.items():
        evidence[name] = gather(scope.tree, test, models)
        yield from evidence[name].findings
        held = Held(scope.tree, test, name, task, scope.division, scope.data)
        yield from _test(held, evidence[name])
        if evidence[name].rehearsal and REHEARSAL not in str(folder.place):
            text = "the log is a rehearsal's, the system's folder is not"
            yield Finding("wrong", test.place, text)
    yield from _same_answers(evidence)
    return evidence


def _named(folder: TaskFolder, task: Task) -> Iterator[Finding]:
    """Names of an earlier round, each kind once."""
    own = folder.place.parent if folder.model else folder.place
    if own.name != task_folder(task):
        text = f"today's checker looks for '{task_folder(task)}' alone"
        yield Finding("note", own, text)
    if folder.model:
        text = "lies a folder deeper than today's checker looks, which drops it"
        yield Finding("note", folder.place, text)
    moved = [place for test in folder.tests.values() for place in test.moved]
    moved += [test.place for name, test in folder.tests.items() if test.place.name != name]
    if moved:
        names = [f"'{place.relative_to(folder.place)}'" for place in moved]
        text = f"today's checker looks for none of {together(names, 4)}"
        yield Finding("note", folder.place, text)


def _test(held: Held, evidence: Evidence) -> Said:
    file = held.results
    give = streaming if held.task.name == STREAMING else FIGURES[held.name]
    try:
        summary = read_summary(held.tree.text(file))
    except Unreadable as error:
        yield Finding("wrong", file, f"{error}; the official checker drops the row")
        yield from give(held, Summary((), (), ()), evidence)
        return
    yield from _unread(file, summary)
    for name in _wanted(held):
        if summary.last(name) is None:
            text = f"no figure that the official checker reads as {name}; it drops the row"
            yield Finding("wrong", file, text)
    yield from give(held, summary, evidence)
    if held.division == "closed" and held.name == "accuracy":
        top1, auc = summary.last("top1"), summary.last("auc")
        problems = rules.target_problems(
            held.task, top1.value / 100 if top1 else None, auc.value if auc else None
        )
        if problems:
            yield Finding("wrong", file, together(problems), rule=rules.TARGET)


def _wanted(held: Held) -> tuple[Name, ...]:
    """What the official checker looks for in a test's ``results.txt``."""
    if held.task.name == STREAMING:
        names: tuple[Name, ...] = ("energy", "false positives", "false negatives")
        return names if held.name == "energy" else ()
    names = ("top1", "auc")
    targets = tuple(name for name in names if name in held.task.targets)
    return _COUNTING.get(held.name) or targets


def _unread(file: PurePosixPath, summary: Summary) -> Said:
    for claim in summary.unread:
        text = f"'{claim.text}' is not read: the official checker wants text before the figure"
        yield Finding("wrong", file, text, claim.line)
    for claim in summary.broken:
        text = f"'{claim.text}' is not a number; the official checker fails on it"
        yield Finding("wrong", file, text, claim.line)
    counting: tuple[Name, ...] = ("top1", "auc", "throughput", "energy")
    for name in counting:
        values = {claim.value for claim in summary.all(name)}
        if len(values) > 1:
            yield Finding("wrong", file, f"{len(values)} different figures for {name}")


def _same_answers(evidence: Mapping[str, Evidence]) -> Said:
    """A device must give the same answer to a sample when it is timed and when it is not.

    One that answers otherwise behind many inferences of one input need not cheat: the input is
    loaded once, and an engine that keeps its work in the same memory has overwritten it.
    """
    expected: dict[str, tuple[float, ...]] = {}
    for source in evidence["accuracy"].sources if "accuracy" in evidence else ():
        for inference in source.inferences:
            if inference.scores:
                expected.setdefault(inference.file, inference.scores)
    for name in ("performance", "energy"):
        for source in evidence[name].sources if name in evidence else ():
            both = [each for each in source.inferences if each.scores and each.file in expected]
            other = [each for each in both if each.scores != expected[each.file]]
            if not other:
                continue
            text = (
                f"{len(other)} of {len(both)} answers are not those of the accuracy session, "
                f"the first to {other[0].file}"
            )
            # Of a single inference, nothing could have overwritten the input.
            several = all(each.count > 1 for each in other)
            level: Level = "unchecked" if several else "wrong"
            cause = _OVERLAY if several else ""
            yield Finding(level, source.file, text, other[0].line, rules.SAME_CODE, cause)
