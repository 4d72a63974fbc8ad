"""The command ``tinyhil gate``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from tinyhil.ground.answer import Answer, add_format, answered
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.help import HelpText
from tinyhil.ground.outputs import check_file
from tinyhil.ground.text import say

if TYPE_CHECKING:
    from tinyhil.judge.gate.compare import Comparison
    from tinyhil.judge.gate.fleet import Diagnosis

_DESCRIPTION = """\
Compares latency (p50, p90, p99), instructions, throughput, memory, quality and energy of a
candidate with those of a baseline, task by task and station by station. Exits with 1 if a figure
got worse by more than its tolerance, or is missing; with 2 if the two can't be compared: they are
from different boards, data sets, models or links, or the baseline is of a quick run.

A station is compared with the station of the same name. If the baseline has no such station, it is
compared with the only station of the same board type, if both sides have exactly one of that type.
With three units of a type or more in the baseline, a unit that it does not know is held against
their spread, and a unit that was not measured fails nothing: the end names it. Of three or more
that were compared, the end says whether a worse figure is of the firmware or of one unit, if all of
them ran the same firmware.

Emulated figures are the same each time and are compared as they are. On silicon, a time or an
energy is a regression when the whole confidence interval of its change is beyond the tolerance.
A device's answers and its use of memory are always compared as they are. In the open division the
model may change: then top-1 is judged by McNemar's exact test.
"""
_EPILOG = """\
examples:
  tinyhil gate --save reports/baselines/m4.json reports/runs/20260102T030405Z_mps2-an386
                                      make a baseline: a small file to commit
  tinyhil gate reports/baselines/m4.json reports/runs/20260203T040506Z_mps2-an386
                                      compare a run with it
  tinyhil gate OLD NEW --tolerance speed=0.5% --tolerance flash=1024
                                      allow 0.5 % more time and 1024 bytes more flash
  tinyhil gate OLD NEW --format json  the same for a script

next: pytest suites --hil-baseline reports/baselines/m4.json
                                      the same as tests, while measuring

default tolerances: 0; on silicon 0.5 % of latency and throughput, and 1 % of energy. Of RAM, the
stack's high-water mark may grow by 256 bytes: whether an interrupt came at its peak is chance.
names: speed, latency, throughput, memory, flash, ram, quality, energy, outputs, or a metric's own.
For top1, auc and outputs, % means percentage points: top1=0.5% allows 90.1 % to become 89.6 %.
"""


@dataclass(frozen=True)
class Compared(Answer):
    """A candidate against a baseline; the exit status is 1 if `failed` is not 0."""

    comparisons: tuple[Comparison, ...]
    """One a figure."""
    failed: int
    """How many got worse beyond their tolerance, or are missing."""
    fleet: tuple[Diagnosis, ...]
    """Whether it is the firmware or a unit, where several units of a type were compared."""
    not_measured: tuple[str, ...]
    """Stations of the baseline that the candidate has nothing of, nor of another one for them."""


@dataclass(frozen=True)
class Saved(Answer):
    """A baseline file that was written (``--save``)."""

    file: Path
    """The file, to be committed."""
    measurements: int
    """How many it holds."""
    bytes: int
    """Its size."""
    left_out: tuple[str, ...]
    """Measurements that no baseline can hold, and why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    parser.formatter_class = HelpText
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="the baseline, then the candidate: run folders or saved files; the candidate may be "
        "several, one per station",
    )
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="compare nothing; write the runs into a baseline file",
    )
    parser.add_argument(
        "--tolerance",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how much worse a metric may get, as in latency=0.5%% or flash=1024; repeatable",
    )
    parser.add_argument(
        "--confidence",
        type=float,
        default=0.99,
        metavar="SHARE",
        help="confidence of all verdicts on silicon together (default: %(default)s)",
    )
    add_format(parser, Compared, Saved)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Compare or save; returns 0 where nothing is worse, 1 where something is.

    Raises:
        ConfigError: a path or an option is wrong, or the runs can't be compared.
    """
    # What it imports, other commands need not.
    from tinyhil.judge.gate.compare import Gate, failed  # noqa: PLC0415
    from tinyhil.judge.gate.fleet import diagnoses  # noqa: PLC0415
    from tinyhil.judge.gate.matching import stations_of  # noqa: PLC0415
    from tinyhil.judge.gate.reading import load_all  # noqa: PLC0415
    from tinyhil.judge.gate.table import show  # noqa: PLC0415
    from tinyhil.judge.gate.tolerance import parse  # noqa: PLC0415

    paths: Sequence[Path] = options.paths
    if options.save:
        check_file(options.save, "--save")
        return _save(options, console)
    if len(paths) < 2:
        raise ConfigError(
            "a baseline and a candidate are needed, one path is given",
            hint="write `tinyhil gate BASELINE CANDIDATE`, or --save FILE to make a baseline",
        )
    gate = Gate(load_all(paths[:1], _tell), parse(options.tolerance), options.confidence)
    candidate = load_all(paths[1:], _tell)
    comparisons = gate.compare(candidate)
    left = gate.not_measured(stations_of(one.line for one in candidate))
    worse = failed(comparisons)
    answer = Compared(comparisons, len(worse), diagnoses(comparisons), tuple(left))
    if not answered(options, answer):
        show(comparisons, console, left)
    return 1 if worse else 0


def _tell(remark: str) -> None:
    say(Console(stderr=True, markup=False), remark)


def _save(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.judge.gate import figures  # noqa: PLC0415 - as above
    from tinyhil.judge.gate.matching import by_place, usable  # noqa: PLC0415
    from tinyhil.judge.gate.reading import load_all  # noqa: PLC0415

    file: Path = options.save
    measured = by_place(load_all(options.paths, _tell))
    lines = usable(measured)
    figures.write(file, lines)
    left_out = tuple(f"{one.line}: {one.problem}" for one in measured.values() if one.problem)
    size = file.stat().st_size
    if answered(options, Saved(file, len(lines), size, left_out)):
        return 0
    for what in left_out:
        say(console, f"left out: {what}")
    text = f"{file}: {len(lines)} measurements, {size:,} bytes; commit it"
    say(console, text)
    return 0
