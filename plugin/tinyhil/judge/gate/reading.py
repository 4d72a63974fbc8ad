"""Runs and baseline files to figures, and which of them can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tinyhil.catalog.measure import MeasureName
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.text import shown
from tinyhil.judge.gate import figures
from tinyhil.judge.gate.evidence import evidence_of
from tinyhil.judge.gate.figures import Line
from tinyhil.judge.verify.trust import trust_of
from tinyhil.record import schema
from tinyhil.record.description import read_description
from tinyhil.record.recovery import recovered_by, told
from tinyhil.record.store import Run, is_bare, read_run

_KEYS = tuple(Line.model_fields.keys() & schema.Line.model_fields.keys())
"""Of a line, that a figure has too."""

MEASURES = (
    MeasureName.ACCURACY,
    MeasureName.SINGLE_STREAM,
    MeasureName.THROUGHPUT,
    MeasureName.MEMORY,
    MeasureName.ENERGY,
)
"""What a gate compares; a record may hold other lines too, such as those of audits."""


@dataclass(frozen=True)
class Measured:
    """A line of a run, and why it can't be a figure to compare, if so."""

    line: Line
    problem: str | None = None
    quick: bool = False
    """Whether its run was a quick one."""
    failed: bool = False
    """Whether it ended with an error."""
    recovered: str = ""
    """What brought its board back in the middle of it, in words; empty: nothing had to."""


def _nobody(remark: str) -> None:
    """Takes a remark and drops it."""
    del remark


def load(path: Path, tell: Callable[[str], None] = _nobody) -> tuple[Measured, ...]:
    """The lines of a run folder, or of a file that `figures.write` made.

    Args:
        path: of either.
        tell: takes what is to be said of a run.

    Raises:
        ConfigError: it is neither, or a run about which `tinyhil verify` has something to say.
    """
    if not path.is_dir():
        return tuple(Measured(line) for line in figures.read(path))
    run, trust = read_run(path), trust_of(path)
    trust.refuse(path)
    for remark in run.remarks:
        tell(remark)
    tell(f"{path}: {trust}")
    return figures_of(run)


def load_all(paths: Iterable[Path], tell: Callable[[str], None] = _nobody) -> tuple[Measured, ...]:
    """The lines of all of them; none of a run that came to no measure, if another one of them goes
    on with it.

    Raises:
        ConfigError: as `load`.
    """
    chosen = list(paths)
    bare = [path for path in chosen if is_bare(path)]
    whole = [path for path in chosen if path not in bare]
    gone_on_with = {
        name for path in whole if bare and path.is_dir() for name in read_description(path).rerun_of
    }
    for path in bare:
        if path.resolve().name not in gone_on_with:
            raise ConfigError(
                f"{path}: came to no measure: its board had failed before",
                hint=f"run its tests again, `--hil-rerun-failed {path}`, and name both runs; or "
                "leave it out",
            )
    return tuple(measured for path in whole for measured in load(path, tell))


def figures_of(run: Run) -> tuple[Measured, ...]:
    """The last line of each measure of a run, in the order of the record.

    Raises:
        ConfigError: it has none, or its record and its raw rows disagree.
    """
    lines = {(line.task, line.measure): line for line in run.lines if line.measure in MEASURES}
    if not lines:
        raise ConfigError(
            f"{run.folder}: holds nothing to compare", hint="name a run that measured"
        )
    quick = any(map(run.is_short, lines.values()))
    return tuple(_measured(run, line, quick=quick) for line in lines.values())


def read_measure(folder: Path, task: str, measure: MeasureName) -> Measured | None:
    """The last line of one measure of a run; None if the run has none.

    Raises:
        ConfigError: the run can't be read, or its record and its raw rows disagree.
    """
    run = read_run(folder)
    lines = [line for line in run.lines if (line.task, line.measure) == (task, measure)]
    return _measured(run, lines[-1], quick=run.is_short(lines[-1])) if lines else None


def _measured(run: Run, line: schema.Line, *, quick: bool) -> Measured:
    figure = Line.model_validate({key: getattr(line, key) for key in _KEYS})
    if line.error is not None:
        text = shown(" ".join(line.error.split()))
        return Measured(figure, f"it ended with an error: {text}", quick, failed=True)
    recovered = told(line.details) if recovered_by(line.details) else ""
    full = figure.model_copy(update=evidence_of(figure, run, line.details))
    return Measured(full, _unjudged(line, quick), quick, recovered=recovered)


def _unjudged(line: schema.Line, quick: bool) -> str | None:
    """Why a line may not be judged, or None."""
    if quick:
        return "it is of a quick run"
    details = line.details
    done, full = details.get("inferences"), details.get("inferences_of_the_full_set")
    if line.measure is MeasureName.ACCURACY and done != full:
        return f"only {done} of {full} windows were inferred (--hil-all-windows infers all)"
    if line.limits and line.verdict == "not judged":
        return "it was not judged, although a limit is set"
    return None
