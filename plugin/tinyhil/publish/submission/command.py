"""The command ``tinyhil submission check | export | template``."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from tinyhil.catalog.rules import NEWEST, Round
from tinyhil.ground.answer import Answer, add_format, answered
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.help import HelpText
from tinyhil.ground.outputs import check_folder
from tinyhil.ground.paths import official_data
from tinyhil.ground.text import say
from tinyhil.publish.submission.names import DIVISIONS, STATUSES

if TYPE_CHECKING:
    from tinyhil.publish.submission.findings import Report
    from tinyhil.publish.submission.refusals import Refusal

FORMATS = ("table", "json")
_DESCRIPTION = """\
Submission trees of MLPerf Tiny: check any, or write one from runs. What tinyhil writes is not an
MLPerf result: that needs a submission to MLCommons and its review.
"""
_CHECK = """\
Read a submission tree of any round since v0.5 and recompute its figures from the raw logs and
energy traces, as the runner that printed them did: top-1, AUC, median throughput, median energy,
and how well the streaming wake word was heard. Every disagreement with results.txt, every broken
rule, everything that the official checker would drop and what a submission still owes is listed
with its file and line; the heaviest first.

exit status: 0 nothing disagrees, 1 something does, 2 TREE is not a submission
"""

_EXPORT = """\
Write the tree of a submission from runs: for each task the latest accuracy and performance. All
that the rules forbid is refused at once, each with its rule: emulated figures, another model
or data set in the closed division, short runs, missed quality targets, missing fields of the
system's description; and a run that is not sealed, or about which `tinyhil verify` has something to
say, before anything else. The tree is then checked as `tinyhil submission check` does, and what a
submission still owes beside these figures is listed as `owed`.

exit status: 0 written and nothing disagrees, 1 refused or something does, 2 error
"""
_EXPORT_EXAMPLES = """\
examples:
  tinyhil submission template > system.toml        then fill it in
  tinyhil submission export reports/runs/STAMP_BOARD --system system.toml \\
      --division closed --category available --out submission

next: `tinyhil submission check submission --strict` before it is handed in
"""
_EPILOG = """\
examples:
  tinyhil submission check TREE                  is what a tree claims true?
  tinyhil submission template > system.toml      describe your system
  tinyhil submission export --help               then write a tree
"""
_CHECK_EXAMPLES = """\
examples:
  tinyhil submission check submission            any tree, a division of it, or one submitter
  tinyhil submission check submission --strict   before handing in your own

next: correct what is named, and check again
"""
_TEMPLATE_EXAMPLES = """\
examples:
  tinyhil submission template > system.toml

next: fill it in, then `tinyhil submission export RUN --system system.toml …`
"""


@dataclass(frozen=True)
class Template(Answer):
    """A system's description to fill in."""

    toml: str
    """Text of the file."""


@dataclass(frozen=True)
class ExportAnswer(Answer):
    """What came of an export; the exit status is 1 if it was refused or something disagrees."""

    submitter: Path
    """The submitter's folder."""
    files: int
    """How many were written; 0 if it was refused."""
    refused: tuple[Refusal, ...]
    """What the rules forbid."""
    not_exported: tuple[str, ...]
    """What the runs hold besides."""
    disagreements: int
    """Between the tree and its raw logs; `tinyhil submission check` names them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.formatter_class = HelpText
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    checking = actions.add_parser(
        "check",
        help="recompute a tree's figures from its raw logs",
        description=_CHECK,
        epilog=_CHECK_EXAMPLES,
        formatter_class=HelpText,
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
        help="for a tree to hand in: exit with 1 also for notes and for what can't be checked",
    )
    checking.add_argument(
        "--round",
        type=_round,
        metavar="vX.Y",
        help="whose rules count; default: what a folder's name tells, else the next round",
    )
    checking.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")
    checking.set_defaults(run=_check)
    _add_export(actions)
    describing = actions.add_parser(
        "template",
        help="print a system's description to fill in",
        description="Print a TOML file to fill in, for `tinyhil submission export --system`.",
        epilog=_TEMPLATE_EXAMPLES,
        formatter_class=HelpText,
    )
    add_format(describing, Template)
    describing.set_defaults(run=_template)


def _round(text: str) -> Round:
    match = re.fullmatch(r"v?(\d{1,2})\.(\d{1,2})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not a round; such as v{NEWEST}")
    return Round(int(match[1]), int(match[2]))


def _add_export(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    exporting = actions.add_parser(
        "export",
        help="write a tree from runs",
        description=_EXPORT,
        epilog=_EXPORT_EXAMPLES,
        formatter_class=HelpText,
    )
    exporting.add_argument(
        "runs",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="folders of runs of one station; for each task the latest accuracy and performance",
    )
    exporting.add_argument(
        "--system",
        type=Path,
        required=True,
        metavar="FILE",
        help="description of the system; `tinyhil submission template` prints one to fill in",
    )
    exporting.add_argument("--division", required=True, choices=DIVISIONS)
    exporting.add_argument(
        "--category", required=True, choices=[status.lower() for status in STATUSES]
    )
    exporting.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the tree")
    exporting.add_argument(
        "--rehearsal",
        action="store_true",
        help="take emulated runs too; the tree is marked as a rehearsal everywhere",
    )
    add_format(exporting, ExportAnswer)
    exporting.set_defaults(run=_export)


def _export(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.judge.verify.trust import trust_of  # noqa: PLC0415
    from tinyhil.publish.submission.export import export  # noqa: PLC0415
    from tinyhil.publish.submission.refusals import Request  # noqa: PLC0415
    from tinyhil.publish.submission.report import show, show_refusals  # noqa: PLC0415
    from tinyhil.publish.submission.system import load_system  # noqa: PLC0415
    from tinyhil.record.store import find_runs, read_run  # noqa: PLC0415

    check_folder(options.out, "--out")
    status = next(status for status in STATUSES if status.lower() == options.category)
    request = Request(load_system(options.system), options.division, status, options.rehearsal)
    runs = [read_run(folder) for path in options.runs for folder in _runs(path, find_runs(path))]
    with console.status("verifying"):
        for run in runs:
            trust = trust_of(run.folder)
            trust.refuse(run.folder, sealed=True)
            say(console, f"{run.folder}: {trust}")
    with console.status("exporting"):
        done = export(runs, request, options.out)
    for remark in (remark for run in runs for remark in run.remarks):
        say(console, remark)
    if done.refused:
        show_refusals(done.refused, console)
        answered(options, ExportAnswer(done.submitter, 0, done.refused, (), 0))
        return 1
    say(console, f"{done.submitter}: {done.files} files")
    for what in done.selection.other:
        say(console, f"not exported: {what}")
    report = _checked(options.out, None, None, console)
    show(report, console)
    wrong = report.disagreements
    left_out = tuple(done.selection.other)
    answered(options, ExportAnswer(done.submitter, done.files, (), left_out, wrong))
    return 1 if wrong else 0


def _runs(path: Path, found: tuple[Path, ...]) -> tuple[Path, ...]:
    if not found:
        raise ConfigError(f"{path}: holds no run", hint="name folders with a record.jsonl")
    return found


def _template(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.publish.submission.system import template  # noqa: PLC0415

    if not answered(options, Template(template())):
        console.file.write(template())
    return 0


def _check(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.publish.submission.report import as_json, show  # noqa: PLC0415

    aside = console if options.format == "table" else Console(stderr=True, markup=False)
    report = _checked(options.tree, options.data, options.round, aside)
    if options.format == "json":
        console.file.write(as_json(report))
    else:
        show(report, console)
    wrong = report.disagreements + (report.reservations if options.strict else 0)
    return 1 if wrong else 0


def _checked(tree: Path, data: Path | None, round_: Round | None, console: Console) -> Report:
    from tinyhil.ground.progress import progress_bar  # noqa: PLC0415 - other commands need it not
    from tinyhil.publish.submission.check import check  # noqa: PLC0415

    with progress_bar(console, "checking") as progress:
        return check(tree, data or official_data(), progress, round_)
