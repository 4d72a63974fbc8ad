"""``tinyhil runs prune``: removes old runs that nobody needs."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tinyhil.ground.answer import Answer, add_format, answered
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.help import HelpText
from tinyhil.ground.project import project_around
from tinyhil.ground.text import say

_DESCRIPTION = """\
List the runs that can go: older than --days, named by no --baseline, not among the newest 30 of any
history that a report draws, and not gone on with (--hil-rerun-failed) by a run that stays; and the
pages of nights that are older, but for the newest. With --remove they are removed. A run that is
being written, is not finished, or is not as it was sealed, always stays. The exit status is 1 if
one could not be removed.
"""
_EPILOG = """\
examples:
  tinyhil runs prune --days 90 --baseline reports/baselines/m4.json
  tinyhil runs prune --days 90 --baseline reports/baselines/m4.json --remove

next: `tinyhil results` shows what is left
"""


@dataclass(frozen=True)
class PrunedRun:
    """A run in the folder."""

    run: str
    """Name of its folder, or of a folder of pages."""
    why: str
    """``old``: it can go; else why it stays."""
    size_bytes: int
    """Of its files."""


@dataclass(frozen=True)
class Pruned(Answer):
    """What becomes of the runs in a folder."""

    folder: Path
    """Of runs."""
    runs: tuple[PrunedRun, ...]
    """The newest first."""
    removed: bool
    """Whether those that can go were to be removed."""
    gone: int
    """How many are."""
    freed_bytes: int
    """By that."""
    problems: tuple[str, ...]
    """Why others are still there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description, parser.epilog = "What becomes of old runs.", _EPILOG
    parser.formatter_class = HelpText
    kinds = parser.add_subparsers(required=True, metavar="WHAT")
    prune = kinds.add_parser("prune", help="remove old runs that nobody needs")
    prune.description, prune.epilog = _DESCRIPTION, _EPILOG
    prune.formatter_class = HelpText
    prune.add_argument(
        "folder", type=Path, nargs="?", metavar="RUNS", help="default: reports/runs of the project"
    )
    prune.add_argument("--days", type=float, required=True, help="how old a run must be to go")
    prune.add_argument(
        "--baseline",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="of `tinyhil gate --save`, or a run: what is kept for it; repeatable",
    )
    prune.add_argument("--remove", action="store_true", help="remove them, instead of a list")
    add_format(prune, Pruned)
    prune.set_defaults(run=_prune)


def _prune(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.publish.prune import Removed, judge_runs, remove  # noqa: PLC0415 - slow

    folder = options.folder or project_around(Path.cwd()).runs
    if not 0 <= options.days < 100_000:
        raise ConfigError(
            f"option --days: {options.days:g} is not a number of days", hint="write 90, for example"
        )
    if not folder.is_dir():
        raise ConfigError(f"{folder}: is not a folder of runs", hint="name the folder of runs")
    judged = judge_runs(folder, options.days, options.baseline)
    done = remove(folder, judged) if options.remove else Removed(frozenset(), 0, ())
    rows = tuple(PrunedRun(one.folder.name, one.why, one.size_bytes) for one in judged)
    answer = Pruned(
        folder, rows, options.remove, len(done.folders), done.freed_bytes, done.problems
    )
    if not answered(options, answer):
        _tell(answer, console)
    return int(bool(done.problems))


def _tell(answer: Pruned, console: Console) -> None:
    lines = [f"{row.run}  {row.size_bytes / 1e6:8.1f} MB  {row.why}" for row in answer.runs]
    # At once: each call costs a millisecond, and there may be thousands of runs.
    if lines:
        say(console, "\n".join((*lines, *answer.problems)))
    counts, sizes = Counter(row.why for row in answer.runs), Counter[str]()
    for row in answer.runs:
        sizes[row.why] += row.size_bytes
    for why, count in counts.most_common():
        if why != "old":
            say(console, f"{count} stay, {sizes[why] / 1e6:.1f} MB: {why}")
    if answer.removed:
        text = f"{answer.gone} were removed, {answer.freed_bytes / 1e6:.1f} MB"
    else:
        text = f"{counts['old']} can go, {sizes['old'] / 1e6:.1f} MB; --remove removes them"
    say(console, text)
