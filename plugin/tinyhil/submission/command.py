"""The command ``tinyhil submission check | export | template``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rich.console import Console

HELP = "check, prepare or describe a submission"
_DESCRIPTION = """\
Submission trees of MLPerf Tiny: check any, or write one from runs. What tinyhil writes is no MLPerf
result: that takes a submission to MLCommons and its review.
"""
_CHECK = """\
Read a submission tree and recompute its figures from the raw logs and energy traces: top-1, AUC,
median throughput, median energy. Every disagreement with results.txt, every broken rule and
whatever the official checker would lose is listed with its file and line.

exit status: 0 nothing disagrees, 1 something does, 2 TREE is no submission
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser = commands.add_parser(
        "submission",
        help=HELP,
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    checking = actions.add_parser(
        "check",
        help="recompute a tree's figures from its raw logs",
        description=_CHECK,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    checking.add_argument(
        "tree",
        type=Path,
        metavar="TREE",
        help="the folder with 'closed' or 'open', a division, or a submitter's folder",
    )
    checking.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the folder with 'datasets/', for the true classes; default: $TINYHIL_DATA",
    )
    checking.add_argument(
        "--strict",
        action="store_true",
        help="for what is to be handed in: notes and what can't be checked count too",
    )
    checking.set_defaults(run=_check)


def _check(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.progress import progress_bar  # noqa: PLC0415 - other commands need it not
    from tinyhil.submission.check import check  # noqa: PLC0415
    from tinyhil.submission.report import show  # noqa: PLC0415

    with progress_bar(console, "checking") as progress:
        report = check(options.tree, options.data or _environment_data(), progress)
    show(report, console)
    wrong = report.disagreements + (report.reservations if options.strict else 0)
    return 1 if wrong else 0


def _environment_data() -> Path | None:
    value = os.environ.get("TINYHIL_DATA")
    return Path(value) if value else None
