"""What a submission owes beside its figures, and does not hold yet.

Source: the rules of MLPerf Tiny, its submission checker, and the ``README.md`` of each round's
results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import PurePosixPath

from tinyhil.catalog.rules import RUNNERS, Round
from tinyhil.catalog.task import Task
from tinyhil.ground.tree import Tree, Unreadable
from tinyhil.publish.submission import rules
from tinyhil.publish.submission.evidence import Evidence
from tinyhil.publish.submission.findings import Finding, together
from tinyhil.publish.submission.labels import list_of, official_lists
from tinyhil.publish.submission.layout import Submitter, TaskFolder, task_folder
from tinyhil.publish.submission.names import CODE_MISSING, HOOKUP_MISSING

SINCE = Round(1, 3)
"""Of rounds before this one, nothing is owed any more."""

CHECKLIST = "a submission comes with the round's checklist, filled in, in 'systems'"
HOOKUP = "a submission with energy says how it is measured, as 'Energy-Hookup.pdf' in 'systems'"
CODE = "a submission comes with its code, so that others can reproduce it"
FILES = "each test comes with the files that its runner wrote"
LATER_LIST = "submissions use the list of 2022 today"

_CHECKLIST = re.compile(r"check[ _-]?list", re.IGNORECASE)
_HOOKUP = re.compile(r"energy|hook[ _-]?up|power", re.IGNORECASE)


def owed(
    tree: Tree,
    submitter: Submitter,
    sessions: Mapping[TaskFolder, Mapping[str, Evidence]],
    round_: Round | None,
) -> Iterator[Finding]:
    """What a submitter's folder lacks, and what in it does not count for a submission."""
    folder = submitter.place / "systems"
    inner = (name for each in tree.folders(folder) for name in tree.files(folder / each))
    documents = [name for name in (*tree.files(folder), *inner) if not name.endswith(".json")]
    if not any(_CHECKLIST.search(name) for name in documents):
        yield Finding("owed", folder, "no checklist", rule=CHECKLIST)
    if any("energy" in each.tests for each in sessions):
        yield from _hookup(tree, folder, [name for name in documents if _HOOKUP.search(name)])
    yield from _code(tree, submitter)
    yield from _sessions(sessions, round_)
    for each in sessions:
        yield from _files(each, sessions[each])
        yield from _list(each, sessions[each])


def _hookup(tree: Tree, folder: PurePosixPath, names: Sequence[str]) -> Iterator[Finding]:
    if not names:
        yield Finding("owed", folder, "no description of the energy measurement", rule=HOOKUP)
    for name in names:
        with suppress(Unreadable):  # One in a folder of its own, or a long one, is not ours.
            if HOOKUP_MISSING.encode() in tree.read(folder / name):
                yield Finding("owed", folder / name, HOOKUP_MISSING, rule=HOOKUP)


def _code(tree: Tree, submitter: Submitter) -> Iterator[Finding]:
    place = submitter.place / "code"
    if not tree.folders(place) and not tree.files(place):
        yield Finding("owed", place, "no code", rule=CODE)
        return
    for name in tree.folders(place):
        if tree.files(place / name) == ["README.md"] and not tree.folders(place / name):
            try:
                text = tree.text(place / name / "README.md")
            except Unreadable:
                text = ""
            if CODE_MISSING in text:
                yield Finding("owed", place / name, "only tinyhil's placeholder", rule=CODE)


def _sessions(
    sessions: Mapping[TaskFolder, Mapping[str, Evidence]], round_: Round | None
) -> Iterator[Finding]:
    """Sessions of a runner that may not be used, said once for each reason."""
    found: dict[str, list[PurePosixPath]] = {}
    for folder, evidence in sessions.items():
        for name, each in evidence.items():
            task: Task | None = folder.task
            if task and each.runner:
                problem = rules.runner_problem(each.runner, task, round_)
                if problem:
                    found.setdefault(problem, []).append(folder.tests[name].place)
    for problem, places in found.items():
        more = f" ({len(places)} tests, here the first)" if len(places) > 1 else ""
        yield Finding("owed", places[0], problem + more, rule=rules.RUNNER)


def _files(folder: TaskFolder, evidence: Mapping[str, Evidence]) -> Iterator[Finding]:
    lacking = []
    for name, each in evidence.items():
        runner = RUNNERS.get(each.runner)
        test = folder.tests[name]
        missing = [file for file in (runner.files if runner else ()) if file not in test.files]
        if missing:
            lacking.append(f"{name} lacks {', '.join(missing)}")
    if lacking:
        yield Finding("owed", folder.place, together(lacking), rule=FILES)


def _list(folder: TaskFolder, evidence: Mapping[str, Evidence]) -> Iterator[Finding]:
    """Accuracy on a list of samples that is not today's."""
    task = folder.task
    lists = official_lists(task) if task else ()
    for source in evidence["accuracy"].sources if "accuracy" in evidence and task else ():
        used = list_of(task, {each.file for each in source.inferences}) if task else None
        if used and used.sure and used is not lists[-1]:
            text = f"{task_folder(task) if task else ''} ran on the {used.name}"
            yield Finding("owed", folder.place / "accuracy", text, rule=LATER_LIST)
            return
