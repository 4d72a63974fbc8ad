"""The device's answers against those of the model itself, sample by sample."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tinyhil.catalog.task import Task
from tinyhil.ground.errors import BenchError, FirmwareError, ModelError, WriteError
from tinyhil.ground.text import printable
from tinyhil.image.reference import reference_of
from tinyhil.judge.verify.compiling import compiled_for
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.matching import Claim, Matching
from tinyhil.measure.audit.answers import Scores
from tinyhil.record.schema import RAW

_SHOWN = 5

_ERROR = 0.0011
"""By how much a mean squared error may differ: cores round its sum differently. Scores may not."""

Inputs = Mapping[bytes, bytes]
"""What the data set has to be inferred, and its samples as changed by the run's seed, by digest."""


def check_answers(
    task: Task,
    model: bytes,
    inputs: Inputs,
    matching: Matching,
    findings: Findings,
    *,
    ours: bool,
) -> str | None:
    """Infer with a model, on this machine, what the device has inferred.

    Args:
        task: of the model.
        model: as it lies in the run, or the official one.
        inputs: see `Inputs`.
        matching: of the task's rows.
        findings: where other answers are noted.
        ours: whether our own firmware answered, by this very model. Another engine may round
            otherwise, or hold another model: what is found of it is only told.

    Returns:
        Why that can't be done; None where it was.
    """
    if task.keeps_state:
        return "the model keeps a state, so they depend on those before"
    try:
        compared = list(_compared(task, model, inputs, matching))
    except (BenchError, FirmwareError, ModelError, WriteError) as error:
        return error.message.splitlines()[0]
    if not ours:
        _tell(task, compared, findings)
        return None
    allowed = 0.0 if task.result == "scores" else _ERROR
    for claim, said, wanted in compared:
        if _distance(said, wanted) > allowed:
            what = printable(claim.sample or "a changed sample")
            text = f"{what}: the device answered {_some(said)}, the model gives"
            findings.add(claim.file, claim.line, f"{text} {_some(wanted)}")
    return None


def _tell(task: Task, compared: Sequence[tuple[Claim, Scores, Scores]], findings: Findings) -> None:
    """How near the answers are to those of the official model."""
    far = [_distance(said, wanted) for _, said, wanted in compared]
    if far:
        text = f"{sum(one == 0 for one in far):,} of {len(far):,} answers are those of the official"
        findings.note(RAW, f"{task.name}: {text} model; the largest difference is {max(far):.3f}")


def _compared(
    task: Task, model: bytes, inputs: Inputs, matching: Matching
) -> Iterator[tuple[Claim, Scores, Scores]]:
    """What rows claim, with the device's answer and the model's."""
    claims = [
        (claim, matching.answers[place])
        for place, claim in sorted(matching.used.items())
        if matching.answers[place].digest in inputs and matching.answers[place].scores
    ]
    asked = list(dict.fromkeys(answer.digest for _, answer in claims))
    with tempfile.TemporaryDirectory(prefix="tinyhil-model-") as folder:
        built = reference_of(task, compiled_for(task, model), Path(folder))
        if built is None:
            raise BenchError("no C compiler for this machine", hint="`tinyhil doctor` says more")
        made = built.answers([inputs[each] for each in asked])
    right = dict(zip(asked, made, strict=True))
    for claim, answer in claims:
        yield claim, answer.scores, right[answer.digest]


def _distance(said: Scores, wanted: Scores) -> float:
    if len(said) != len(wanted):
        return math.inf
    return max(abs(one - other) for one, other in zip(said, wanted, strict=True))


def _some(scores: Scores) -> str:
    more = ", …" if len(scores) > _SHOWN else ""
    return ", ".join(f"{score:.3f}" for score in scores[:_SHOWN]) + more
