"""The files of a run: what nothing reads must not lie there as if it had been checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from tinyhil.catalog.measure import MeasureName
from tinyhil.ground.files import PARTIAL
from tinyhil.judge.verify.findings import Findings
from tinyhil.record.description import Description, JobFacts
from tinyhil.record.schema import KEPT, LINES, RAW, RUN, SEAL, SIGNATURE, TESTS

_TRACE = re.compile(rf"{RAW}/[^-]+-{MeasureName.ENERGY}-[0-9]+(\.edges)?\.npy")


def check_files(files: Sequence[str], description: Description, findings: Findings) -> None:
    """Name the files that a run of these tasks does not have; a killed one may leave a part of one.

    Args:
        files: paths below the run's folder.
        description: of the run.
        findings: where they are noted.
    """
    own = {name for task, facts in description.jobs.items() for name in _files(task, facts)}
    for name in files:
        task = PurePosixPath(name).name.partition("-")[0]
        if name.startswith(f"{RAW}/") and task not in description.jobs:
            findings.add(name, None, "belongs to a task that run.json does not have")
        elif name not in {RUN, LINES, TESTS, SEAL, SIGNATURE, *own} and not (
            _TRACE.fullmatch(name) or name.endswith(PARTIAL)
        ):
            findings.add(name, None, "is no file of such a run: nothing of it was looked at")


def _files(task: str, facts: JobFacts) -> Iterator[str]:
    subject, kept = facts.subject, facts.kept
    yield from (f"{RAW}/{task}-{measure}.jsonl" for measure in MeasureName)
    for link in ("serial", subject.link.partition(",")[0]):
        yield from (f"{RAW}/{task}-{link}.log{packed}" for packed in ("", ".gz"))
    sums = (subject.data_sha256, subject.model_sha256, subject.firmware_sha256)
    for sha256 in (*sums, kept.board, kept.task, kept.labels):
        yield f"{KEPT}/{sha256}.gz"
