"""Lines of the record against what their rows give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from tinyhil.catalog.verdict import judge
from tinyhil.ground.errors import TinyhilError
from tinyhil.ground.text import printable
from tinyhil.judge.verify.figures import Figures, figures
from tinyhil.judge.verify.findings import Findings
from tinyhil.measure.audit.answers import Scores
from tinyhil.record.description import Description, JobFacts
from tinyhil.record.entry import objected, overall
from tinyhil.record.recovery import RECOVERY, steps_of
from tinyhil.record.rows import Row
from tinyhil.record.schema import LINES, Line

_NO_FIGURES = (
    TinyhilError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip


_TOLD = {
    "healed", "restarts", "resets_on_purpose", "resumed", "running", "instructions_of",
    "inferences_of_the_full_set", RECOVERY,
}  # fmt: skip
"""Details that rows do not give."""


def check_head(number: int, line: Line, description: Description, findings: Findings) -> None:
    """Compare what a line says of run, station, task, data set and firmware with ``run.json``."""
    facts = description.jobs.get(line.task)
    if facts is None:
        findings.add(LINES, number, f"is of {printable(line.task)}, which run.json does not have")
        return
    wanted = {"run": description.run, **asdict(facts.subject), "scenario": line.measure.scenario}
    for name, value in wanted.items():
        if getattr(line, name) != value:
            said, known = printable(str(getattr(line, name))), printable(str(value))
            findings.add(LINES, number, f"says {name} {said}, run.json says {known}")
    if line.failed and (line.metrics or line.verdict != "error"):
        findings.add(LINES, number, "has figures or a verdict as well as an error")


def check_figures(
    number: int,
    line: Line,
    rows: Sequence[Row],
    description: Description,
    findings: Findings,
    known: dict[str, Scores],
    raw: Path,
) -> Figures | None:
    """Compare a finished measure's figures and verdict with what its rows give.

    Returns:
        What they give; None if that is nothing.
    """
    facts, measure = description.jobs[line.task], line.measure
    quick = description.configuration.quick
    try:
        made = (
            figures(measure, rows, facts, line.details, quick=quick, known=known, raw=raw)
            if rows
            else None
        )
    except _NO_FIGURES as error:
        findings.add(LINES, number, f"its rows give no figures: {printable(str(error))}")
        return None
    if made is None:
        why = "this tinyhil cannot make its figures" if rows else "it has no rows"
        findings.add(LINES, number, f"{measure} cannot be recomputed: {why}")
        return None
    for name in sorted({*made.metrics, *line.metrics}):
        said, found = line.metrics.get(name), made.metrics.get(name)
        if said is None or found is None or not math.isclose(said, found, rel_tol=1e-12):
            text = f"says {name} = {_number(said)}, its rows give {_number(found)}"
            findings.add(LINES, number, text)
    if line.samples != made.samples:
        text = f"says {line.samples} samples, its rows give {made.samples}"
        findings.add(LINES, number, text)
    for detail in sorted(line.details.keys() - made.details.keys() - _TOLD):
        findings.add(LINES, number, f"has {printable(detail)} in its details, as no measure has")
    if RECOVERY in line.details and not steps_of(line.details):
        findings.add(LINES, number, "what it says of its recovery can't be understood")
    for detail, value in made.details.items():
        if line.details.get(detail) != value:
            findings.add(LINES, number, f"its {detail} are not those of its rows")
    for objection in made.objections:
        findings.add(LINES, number, f"against the rules: {objection}")
    _check_verdict(number, line, made, facts, quick, findings)
    _check_resumed(number, line, description, findings)
    return made


def _check_verdict(
    number: int, line: Line, made: Figures, facts: JobFacts, quick: bool, findings: Findings
) -> None:
    limits = {name: limit for name, limit in facts.limits.items() if name in made.metrics}
    if line.measure.audit and not limits:
        findings.add(LINES, number, "is an audit without a limit")
    if line.limits != limits:
        findings.add(LINES, number, "its limits are not those of run.json")
    verdicts = judge(
        made.metrics,
        cast(Any, limits),
        unjudged="not to be judged" if quick or made.unjudged else None,
        errors=made.errors,
        unknown=made.unknown,
        objected=objected(made.details),
    )
    verdict = overall(verdicts, None)
    if line.verdict != verdict:
        text = f"says '{line.verdict}', its figures and limits give '{verdict}'"
        findings.add(LINES, number, text)


def _check_resumed(number: int, line: Line, description: Description, findings: Findings) -> None:
    """Rows that were there before must be those that some part of the run found."""
    resumed, name = line.details.get("resumed"), f"{line.task}-{line.measure}"
    if resumed is not None and resumed not in [part.rows.get(name) for part in description.parts]:
        findings.add(LINES, number, "was resumed after another row than any part in run.json")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.9g}"
