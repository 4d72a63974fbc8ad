"""The command ``tinyhil verify``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tinyhil.catalog.units import format_metric
from tinyhil.ground.answer import Answer, add_format, answered
from tinyhil.ground.help import HelpText
from tinyhil.ground.tables import show_fitted
from tinyhil.ground.text import printable, say

if TYPE_CHECKING:
    from tinyhil.catalog.facts import Metric
    from tinyhil.judge.verify.findings import Finding
    from tinyhil.judge.verify.run import Checked, Report

_DESCRIPTION = """\
Check the record of a run. The raw bytes of its links are decoded again, every row is looked for in
them, every metric and verdict is computed again from the rows, and every file is compared with the
seal. Image, labels and limits are compared with what the run keeps of them, and the limits with
those of this tinyhil, too. Exits with 1 if anything disagrees: each disagreement is named with its
file and line. The last line says what was not looked at, and what that needs.
"""
_EPILOG = """\
examples:
  tinyhil verify reports/runs/20260102T030405Z_mps2-an386
  tinyhil verify RUN --data ../mlperf-tiny    also check that the official data set was sent
  tinyhil verify RUN --data build/data        or the stand-in set, where tinyhil generated it
  tinyhil verify RUN --signers allowed_signers  and that one of these has signed its seal

next: `tinyhil gate BASELINE RUN` compares the run with an earlier one
"""


@dataclass(frozen=True)
class Verified(Answer):
    """What a check of a run has found; the exit status is 1 if there are findings."""

    run: str
    """The name that the run was made with."""
    sealed: bool
    """Whether it has a seal."""
    signature: str
    """``unsigned``, or by whom or with which key the seal is signed."""
    measures: tuple[Checked, ...]
    """Each measure, with its figures computed again."""
    answers: int
    """Answers of the device that were decoded from the raw logs."""
    transfers: int
    """Transfers in the raw logs."""
    findings: tuple[Finding, ...]
    """Disagreements; none if the record is right."""
    notes: tuple[Finding, ...]
    """What is no disagreement, but has to be known, such as limits that are not this tinyhil's."""
    not_looked_at: tuple[str, ...]
    """What was not looked at, and what that needs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    parser.formatter_class = HelpText
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of the data set, to compare the samples that were sent with; without it they "
        "are known by the sums and CRCs that packed logs name",
    )
    parser.add_argument(
        "--signers",
        type=Path,
        metavar="FILE",
        help="the seal must be signed by one of these: an allowed_signers file of ssh-keygen",
    )
    add_format(parser, Verified)
    parser.set_defaults(run=_verify)


def _verify(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.ground.progress import progress_bar  # noqa: PLC0415 - other commands need it not
    from tinyhil.judge.verify.run import verify  # noqa: PLC0415

    folder: Path = options.run_folder
    with progress_bar(console, f"verifying {printable(folder.name)}") as progress:
        report = verify(folder, options.data, progress, options.signers)
    answer = Verified(
        report.run,
        report.sealed,
        report.signature.text,
        report.measures,
        report.answers,
        report.transfers,
        report.findings,
        report.notes,
        report.unseen,
    )
    if not answered(options, answer):
        _show(report, console)
    return 1 if report.findings else 0


def _show(report: Report, console: Console) -> None:
    table = Table("task", "measure", "rows", "recomputed", "verdict", box=None, pad_edge=False)
    for made in report.measures:
        table.add_row(
            printable(made.task),
            printable(made.measure),
            f"{made.rows:,}",
            _figures(made.metrics),
            printable(made.verdict),
        )
    show_fitted(console, lambda _: table)
    for finding in report.findings:
        say(console, str(finding))
    for note in report.notes:
        say(console, f"note: {note}")
    say(console, _summary(report))


def _summary(report: Report) -> str:
    """The last line: what was found, and what was not looked at."""
    sealed = f"sealed, {report.signature.text}" if report.sealed else "not sealed"
    count = len(report.findings)
    parts = [
        f"{printable(report.run)}, {sealed}: {report.answers:,} answers in {report.transfers:,} "
        "transfers decoded",
        f"{count} disagreements" if count else "what was looked at agrees",
    ]
    unfinished = sum(made.verdict in ("not finished", "error") for made in report.measures)
    if unfinished:
        parts.append(f"{unfinished} measures are not finished")
    if report.unseen:
        parts.append(f"not looked at: {', '.join(report.unseen)}")
    return "; ".join(parts)


def _figures(metrics: Mapping[Metric, float]) -> str:
    shown = (f"{name} {format_metric(name, value)}" for name, value in metrics.items())
    return ", ".join(shown) or "-"
