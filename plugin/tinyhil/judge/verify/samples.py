"""What was sent, against the data set: the same bytes, in its order, with its true classes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task, Window, load_tasks
from tinyhil.data import material as data
from tinyhil.data.material import DataSet
from tinyhil.ground.errors import ConfigError, DataError
from tinyhil.ground.text import printable
from tinyhil.judge.verify.answers import digest_of
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.lists import check_samples
from tinyhil.judge.verify.matching import Matching
from tinyhil.judge.verify.reference import Inputs
from tinyhil.measure.accuracy import changed
from tinyhil.measure.audit.answers import heading_of
from tinyhil.measure.draws import Draws
from tinyhil.measure.measures import spread
from tinyhil.measure.roles import CANARY
from tinyhil.record.configuration import Configuration
from tinyhil.record.description import JobFacts
from tinyhil.record.rows import Row

_WORDS = (
    "is not the data set's sample, or not its class",
    "is not one of the inputs that the data set gives",
)


def check_names(matching: Matching, parts: Collection[bytes], findings: Findings) -> None:
    """A sample of one name must be the same bytes each time it was sent.

    Args:
        matching: of a task's rows.
        parts: digests that stand for those of bytes that are not at hand: they tell nothing of
            others.
        findings: where differences are noted.
    """
    digests: dict[tuple[str, int, bool], bytes] = {}
    for place, claim in sorted(matching.used.items()):
        if claim.laps_cut:
            continue  # An audit names what it makes after what it is made from.
        digest = matching.answers[place].digest
        if digests.setdefault((claim.sample, claim.window, digest in parts), digest) != digest:
            text = f"{printable(claim.sample)} was sent with other bytes than elsewhere in the run"
            findings.add(claim.file, claim.line, text)


def material_of(
    root: Path | None, kept: Task | None, facts: JobFacts
) -> tuple[Task, DataSet] | None:
    """The data set that a task was measured with, where it is at hand.

    Args:
        root: the folder that holds it: as MLCommons gives it to its members, or, for a stand-in
            set, the folder that tinyhil generates it into; None: it is not there.
        kept: the task as it lies in the run: it is enough to draw random inputs again.
        facts: what the task was measured with.

    Raises:
        ConfigError: there is no such task, or no such data set in the folder.
    """
    if kept and kept.draws_inputs:
        return kept, _data_set(kept, None, facts)
    if root is None:
        return None
    task = _task(facts.subject.task)
    return task, _data_set(task, root, facts)


def check_data(
    material: tuple[Task, DataSet],
    facts: JobFacts,
    configuration: Configuration,
    matching: Matching,
    rows: Mapping[str, Sequence[Row]],
    findings: Findings,
) -> Inputs:
    """Compare with the data set itself.

    Args:
        material: see `material_of`.
        facts: what the task was measured with.
        configuration: of the run.
        matching: of the task's rows.
        rows: of the task, by file.
        findings: where differences are noted.

    Returns:
        What the data set has to be inferred.
    """
    task, found = material
    samples = found.samples[: facts.samples]
    every = [
        (sample.name, task.input.windows(sample.data, all_windows=configuration.all_windows))
        for sample in samples
    ]
    windows = {
        (name, number): window.data for name, own in every for number, window in enumerate(own)
    }
    for place, claim in sorted(matching.used.items()):
        if claim.laps_cut:
            continue
        data = windows.get((claim.sample, claim.window))
        if data is None or digest_of(data) != matching.answers[place].digest:
            text = f"{printable(claim.sample)} was not sent as the data set has it"
            findings.add(claim.file, claim.line, text)
    check_samples(rows, [(sample.name, sample.label) for sample in samples], _WORDS, findings)
    inputs = {digest_of(data): data for data in windows.values()}
    for file, own in rows.items():
        changed = _check_canaries(file, own, task, every, matching, findings)
        inputs |= {digest_of(data): data for data in changed}
    return inputs


def _check_canaries(
    file: str,
    rows: Sequence[Row],
    task: Task,
    samples: Sequence[tuple[str, Sequence[Window]]],
    matching: Matching,
    findings: Findings,
) -> Collection[bytes]:
    """Changed samples must be those that the run's seed gives: nobody could choose them.

    Returns:
        These.
    """
    heading = heading_of(rows)
    measure = PurePosixPath(file).stem.partition("-")[2]
    if heading is None or measure.startswith("audit"):
        return ()
    draws = Draws.of(heading["seed"], task.name, measure)
    if measure == MeasureName.ACCURACY:
        canaries = changed(task, [windows for _, windows in samples], draws)
        drawn = {samples[place][0]: canary for place, canary in canaries.items()}
    else:
        drawn = {name: draws.canary(task, own[0].data, 0) for name, own in spread(samples)}
    for place, claim in sorted(matching.used.items()):
        if claim.file != file or not str(rows[claim.line - 1].get("role", "")).startswith(CANARY):
            continue
        name = rows[claim.line - 1]["name"]
        if name not in drawn or matching.answers[place].digest != digest_of(drawn[name]):
            text = f"is not the changed sample that the run's seed gives of {printable(name)}"
            findings.add(file, claim.line, text)
    return drawn.values()


def official_model(task: Task, root: Path) -> bytes | None:
    """The official model of a task, where its folder holds it."""
    with suppress(OSError):
        model = (root / task.official.model).read_bytes()
        if hashlib.sha256(model).hexdigest() == task.official.model_sha256:
            return model
    return None


def _task(name: str) -> Task:
    tasks = load_tasks()
    if name not in tasks:
        raise DataError(
            f"no task '{printable(name)}'; known: {', '.join(tasks)}",
            hint="check the run with the tinyhil that made it",
        )
    return tasks[name]


def _data_set(task: Task, root: Path | None, facts: JobFacts) -> DataSet:
    wanted = facts.subject
    if root and wanted.data_set == "stand-in":
        if task.stand_in is None or not (root / _cached(task)).is_dir():
            raise DataError(
                f"{root}: does not hold the stand-in set of {task.name}",
                hint="name the folder that it was generated into: build/data in the root folder",
            )
        found = data.stand_in_data(task, root)
    else:
        found = data.brought_data(task, root)
    if found.sha256 != wanted.data_sha256:
        raise ConfigError(
            f"{found.folder}: holds the data set {found.sha256[:16]}…, the run is of "
            f"{wanted.data_sha256[:16]}…",
            hint="name the folder of the data set that the run was made with",
        )
    return found


def _cached(task: Task) -> str:
    assert task.stand_in is not None
    return f"{task.name}-{task.stand_in.data_sha256[:16]}"
