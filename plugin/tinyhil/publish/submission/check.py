"""Checks a submission tree: recomputes its figures from the raw answers, and checks the rules."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinyhil.catalog.task import Task
from tinyhil.ground.tree import Tree, Unreadable
from tinyhil.publish.submission import rules
from tinyhil.publish.submission.comparison import FIGURES, Held
from tinyhil.publish.submission.evidence import Evidence, gather
from tinyhil.publish.submission.findings import Figure, Finding, Report, report_of
from tinyhil.publish.submission.layout import (
    TESTS,
    Submitter,
    described_at,
    hygiene,
    submitters,
    tasks_by_folder,
)
from tinyhil.publish.submission.names import REHEARSAL, STATUSES
from tinyhil.publish.submission.summary import Name, Summary, read_summary
from tinyhil.publish.submission.system import Description, read_description

Said = Iterator[Figure | Finding]

_COUNTING: Mapping[str, tuple[Name, ...]] = {
    "performance": ("throughput",),
    "energy": ("energy",),
}
_SHOWN = ("Submitter", "Division", "Status", "Board Name", "Processor(s) Name")
"""Without these a row of the results table says nothing."""


@dataclass(frozen=True)
class Scope:
    """What is being checked."""

    tree: Tree
    division: str
    data: Path | None
    """The user's folder with ``datasets/``, for labels that the logs do not give."""


def check(
    root: Path, data: Path | None, progress: Callable[[float, float], None] | None = None
) -> Report:
    """Check all that lies in a tree.

    Args:
        root: see `layout.submitters`.
        data: the folder with the official data sets, or None.
        progress: told how many tasks are done, and how many there are.

    Raises:
        ConfigError: `root` holds no submission.
    """
    tree = Tree(root)
    try:
        return report_of(_all(tree, data, progress or (lambda _done, _total: None)))
    except Unreadable as error:
        return report_of([Finding("wrong", PurePosixPath("."), str(error))])


def _all(tree: Tree, data: Path | None, progress: Callable[[float, float], None]) -> Said:
    found = submitters(tree)
    total = sum(
        len(tree.folders(one.results / system))
        for one in found
        for system in tree.folders(one.results)
    )
    done = 0
    for submitter in found:
        yield from hygiene(tree, submitter)
        systems = tree.folders(submitter.results)
        if not systems:
            yield Finding("wrong", submitter.results, "holds no system")
        if not tree.folders(submitter.place / "code"):
            yield Finding("note", submitter.place / "code", "no code: a submission comes with it")
        for system in systems:
            division = yield from _system(tree, submitter, system)
            scope = Scope(tree, submitter.division or division, data)
            for folder in tree.folders(submitter.results / system):
                yield from _task(scope, submitter.results / system / folder)
                done += 1
                progress(done, total)


def _system(tree: Tree, submitter: Submitter, system: str) -> Generator[Finding, None, str]:
    """Say what there is to say about a system; return the division that its description names."""
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
    elif REHEARSAL in system:
        yield Finding(
            "wrong", place, "the folder is a rehearsal's, the description does not say so"
        )
    if not tree.folders(submitter.results / system):
        yield Finding("wrong", submitter.results / system, "holds no task")
    return description.get("Division").lower()


def _description(
    place: PurePosixPath, description: Description, submitter: Submitter
) -> Iterator[Finding]:
    for key in description.doubled:
        last = description.get(key)
        yield Finding("note", place, f"'{key}' is there twice; the last one, '{last}', is used")
    for key in _SHOWN:
        if not description.get(key):
            yield Finding("wrong", place, f"'{key}' is missing: {rules.SYSTEM}")
    status = description.get("Status")
    if status and status.lower() not in map(str.lower, STATUSES):
        yield Finding("wrong", place, f"Status is '{status}': {rules.STATUS}")
    division = description.get("Division").lower()
    if division and submitter.division and division != submitter.division:
        yield Finding(
            "wrong", place, f"Division is '{division}', the folder's is '{submitter.division}'"
        )


def _task(scope: Scope, folder: PurePosixPath) -> Said:
    task = tasks_by_folder().get(folder.name)
    if task is None:
        yield Finding("unchecked", folder, "tinyhil does not know this task")
        return
    evidence: dict[str, Evidence] = {}
    for name in TESTS:
        place = folder / name
        if name not in scope.tree.folders(folder):
            if name != "energy":
                text = f"is missing; the official checker drops the row: {rules.BOTH_TESTS}"
                yield Finding("wrong", place, text)
            continue
        evidence[name] = gather(scope.tree, place, task.name)
        yield from evidence[name].findings
        yield from _test(Held(scope.tree, place, task, scope.division, scope.data), evidence[name])
        if evidence[name].rehearsal and REHEARSAL not in str(folder):
            yield Finding("wrong", place, "the log is a rehearsal's, the system's folder is not")
    yield from _same_answers(evidence)


def _test(held: Held, evidence: Evidence) -> Said:
    file = held.results
    try:
        summary = read_summary(held.tree.text(file))
    except Unreadable as error:
        yield Finding("wrong", file, f"{error}; the official checker drops the row")
        return
    yield from _unread(file, summary)
    for name in _COUNTING.get(held.name) or _targets(held.task):
        if summary.last(name) is None:
            text = f"no figure that the official checker reads as {name}; it drops the row"
            yield Finding("wrong", file, text)
    yield from FIGURES[held.name](held, summary, evidence)
    if held.division == "closed" and held.name == "accuracy":
        top1, auc = summary.last("top1"), summary.last("auc")
        for problem in rules.target_problems(
            held.task, top1.value / 100 if top1 else None, auc.value if auc else None
        ):
            yield Finding("wrong", file, f"{problem}: {rules.TARGET}")


def _targets(task: Task) -> tuple[Name, ...]:
    names: tuple[Name, ...] = ("top1", "auc")
    return tuple(name for name in names if name in task.targets)


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
    """A device must give the same answer to a sample when it is timed and when it is not."""
    expected: dict[str, tuple[float, ...]] = {}
    for source in evidence["accuracy"].sources if "accuracy" in evidence else ():
        for inference in source.inferences:
            if inference.scores:
                expected.setdefault(inference.file, inference.scores)
    for name in ("performance", "energy"):
        for source in evidence[name].sources if name in evidence else ():
            for inference in source.inferences:
                wanted = expected.get(inference.file)
                if inference.scores and wanted and inference.scores != wanted:
                    text = f"{inference.file} is answered differently from the accuracy session"
                    yield Finding("wrong", source.file, text, inference.line)
