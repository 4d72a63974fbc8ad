"""What was sent, against the data set: the same bytes, in its order, with its true classes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.data import material
from tinyhil.data.material import DataSet
from tinyhil.ground.errors import ConfigError, DataError
from tinyhil.ground.text import printable
from tinyhil.judge.verify.answers import digest_of
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.matching import Matching
from tinyhil.judge.verify.reference import Inputs
from tinyhil.measure.measures import performance_inputs
from tinyhil.record.configuration import Configuration
from tinyhil.record.description import JobFacts
from tinyhil.record.rows import Row


def check_names(matching: Matching, findings: Findings) -> None:
    """A sample of one name must be the same bytes each time it was sent."""
    digests: dict[tuple[str, int], bytes] = {}
    for place, claim in sorted(matching.used.items()):
        if claim.laps_cut:
            continue  # An audit names what it makes after what it is made from.
        digest = matching.answers[place].digest
        if digests.setdefault((claim.sample, claim.window), digest) != digest:
            text = f"{printable(claim.sample)} was sent with other bytes than elsewhere in the run"
            findings.add(claim.file, claim.line, text)


def check_data(
    root: Path,
    facts: JobFacts,
    configuration: Configuration,
    matching: Matching,
    rows: Mapping[str, Sequence[Row]],
    findings: Findings,
) -> tuple[Task, Inputs]:
    """Compare with the data set itself.

    Args:
        root: the folder that holds it: as MLCommons gives it to its members, or, for a stand-in
            set, the folder that tinyhil generates it into.
        facts: what the task was measured with.
        configuration: of the run.
        matching: of the task's rows.
        rows: of the task, by file.
        findings: where differences are noted.

    Returns:
        The task, and what the data set has to be inferred.

    Raises:
        ConfigError: there is no such task, or no such data set in the folder.
    """
    task = _task(facts.subject.task)
    found = _data_set(task, root, facts)
    samples = found.samples[: facts.samples]
    windows = {
        (sample.name, number): window.data
        for sample in samples
        for number, window in enumerate(
            task.input.windows(sample.data, all_windows=configuration.all_windows)
        )
    }
    inputs = [name for name, _ in performance_inputs(task, samples)]
    for place, claim in sorted(matching.used.items()):
        if claim.laps_cut:
            continue
        data = windows.get((claim.sample, claim.window))
        if data is None or digest_of(data) != matching.answers[place].digest:
            text = f"{printable(claim.sample)} was not sent as the data set has it"
            findings.add(claim.file, claim.line, text)
    for file, own in rows.items():
        measure = PurePosixPath(file).stem.partition("-")[2]
        if measure == MeasureName.ACCURACY:
            wanted = [(sample.name, sample.label) for sample in samples]
            for number, row in enumerate(own, start=1):
                if number > len(wanted) or (row["sample"], row["label"]) != wanted[number - 1]:
                    findings.add(file, number, "is not the data set's sample, or not its class")
        elif measure in (MeasureName.SINGLE_STREAM, MeasureName.THROUGHPUT):
            order = list(dict.fromkeys(str(row["sample"]) for row in own))
            if order != inputs[: len(order)]:
                findings.add(file, None, "is not one of the inputs that the data set gives")
    return task, windows


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


def _data_set(task: Task, root: Path, facts: JobFacts) -> DataSet:
    wanted = facts.subject
    if wanted.data_set == "stand-in":
        if task.stand_in is None or not (root / _cached(task)).is_dir():
            raise DataError(
                f"{root}: does not hold the stand-in set of {task.name}",
                hint="name the folder that it was generated into: build/data in the root folder",
            )
        found = material.stand_in_data(task, root)
    else:
        found = material.brought_data(task, root)
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
