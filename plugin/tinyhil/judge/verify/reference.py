"""The device's answers against those of the model itself, sample by sample."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from tinyhil.catalog.task import Task
from tinyhil.ground.errors import BenchError, FirmwareError, ModelError, WriteError
from tinyhil.ground.text import printable
from tinyhil.image.reference import reference
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.matching import Matching

_SHOWN = 5

_ERROR = 0.0011
"""By how much a mean squared error may differ: cores round its sum differently. Scores may not."""

Inputs = Mapping[tuple[str, int], bytes]
"""What the data set has to be inferred, by sample and window."""


def check_answers(
    task: Task, model: bytes, inputs: Inputs, matching: Matching, findings: Findings
) -> str | None:
    """Infer with the model in the run, on this machine, what the device has inferred.

    Args:
        task: of the model.
        model: as it lies in the run.
        inputs: see `Inputs`.
        matching: of the task's rows.
        findings: where other answers are noted.

    Returns:
        Why that can't be done; None where it was.
    """
    claims = [
        (claim, matching.answers[place])
        for place, claim in sorted(matching.used.items())
        if not claim.laps_cut and (claim.sample, claim.window) in inputs
    ]
    asked = list(dict.fromkeys((claim.sample, claim.window) for claim, _ in claims))
    try:
        with tempfile.TemporaryDirectory(prefix="tinyhil-model-") as folder:
            file = Path(folder) / "model.tflite"
            file.write_bytes(model)
            known = reference(task, file, Path(folder))
            if known is None:
                return "there is no C compiler for this machine"
            made = known.answers([inputs[each] for each in asked])
    except (BenchError, FirmwareError, ModelError, WriteError) as error:
        return error.message.splitlines()[0]
    right = dict(zip(asked, made, strict=True))
    allowed = 0.0 if task.result == "scores" else _ERROR
    for claim, answer in claims:
        wanted = right[claim.sample, claim.window]
        if answer.scores and not _near(answer.scores, wanted, allowed):
            text = f"{printable(claim.sample)}: the device answered {_some(answer.scores)}, the"
            findings.add(claim.file, claim.line, f"{text} model gives {_some(wanted)}")
    return None


def _near(said: tuple[float, ...], wanted: tuple[float, ...], allowed: float) -> bool:
    return len(said) == len(wanted) and all(
        abs(one - other) <= allowed for one, other in zip(said, wanted, strict=True)
    )


def _some(scores: tuple[float, ...]) -> str:
    more = ", …" if len(scores) > _SHOWN else ""
    return ", ".join(f"{score:.3f}" for score in scores[:_SHOWN]) + more
