"""The command ``tinyhil data list | verify | fetch | build``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.table import Table

from tinyhil.data.official import Report
from tinyhil.data.pins import load_sources
from tinyhil.ground.answer import Answer, add_format, answered
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.help import HelpText, with_suites
from tinyhil.ground.outputs import check_folder
from tinyhil.ground.paths import official_data
from tinyhil.ground.tables import show_fitted
from tinyhil.ground.text import say

_DESCRIPTION = """\
The official data sets and models of MLPerf Tiny. None comes with tinyhil: some are fetched from
their origin, one is built from a public archive, and MLCommons gives the others to its members.
Every file is checked against a pinned SHA-256; a file that fails is named and never used.
"""
_EPILOG = """\
examples:
  tinyhil data list                           what there is, and where it comes from
  tinyhil data fetch ~/mlperf-tiny            get what is public
  tinyhil data build ~/mlperf-tiny            make ic01 from the public CIFAR-10 archive
  tinyhil data verify ~/mlperf-tiny           check every file

next: `TINYHIL_DATA=~/mlperf-tiny pytest suites` measures on it
"""
_ROOT_HELP = "the folder with 'datasets/' and 'models/'; default: $TINYHIL_DATA"


@dataclass(frozen=True)
class DataSet:
    """A set of official files: the data of a task, or the models."""

    name: str
    """Its name, for `--only`."""
    title: str
    """What it is."""
    origin: str
    """Who publishes it."""
    licence: str
    """The licence that its origin names."""
    get: str
    """How to get it."""
    state: str | None
    """``complete``, ``not there``, or what is wrong; None if no folder is named."""
    missing: tuple[str, ...] = ()
    """Files that are not there."""
    altered: tuple[str, ...] = ()
    """Files whose sum is another one."""
    extra: tuple[str, ...] = ()
    """Files that do not belong there."""

    @classmethod
    def of(cls, name: str, report: Report | None) -> Self:
        """As it is in a folder, if one was looked at."""
        source = load_sources()[name]
        about = (name, source.title, source.origin, source.licence, source.get)
        if report is None:
            return cls(*about, None)
        return cls(*about, report.state, report.missing, report.altered, report.extra)


@dataclass(frozen=True)
class DataSets(Answer):
    """The official sets as they are in a folder."""

    root: Path | None
    """The folder with ``datasets`` and ``models``; None if none is named."""
    sets: tuple[DataSet, ...]
    """Those that were looked at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.formatter_class = HelpText
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    listing = actions.add_parser(
        "list",
        help="show all sets, where they come from and what is here",
        description="Show all sets, where they come from, and which of them are here.",
    )
    listing.set_defaults(run=_list)

    verifying = actions.add_parser(
        "verify",
        help="check every file",
        description="Check every file of the sets that are here, or of those that --only names.\n"
        "Exits with 1 if a file is missing, altered or extra.",
    )
    verifying.set_defaults(run=_verify)

    fetching = actions.add_parser(
        "fetch",
        help="get what the origin publishes",
        description="Get the missing or changed files of the sets that their origin publishes.\n"
        "Continues where an earlier download stopped.",
    )
    fetching.set_defaults(run=_fetch)

    building = actions.add_parser(
        "build",
        help="build ic01 from the CIFAR-10 archive",
        description="Build ic01 from the CIFAR-10 archive: the binary or the Python version.\n"
        "Without --archive the binary one is fetched, 162 MiB.",
    )
    building.add_argument("--archive", type=Path, metavar="FILE", help="an archive on this machine")
    building.set_defaults(run=_build)

    for action in (listing, verifying, fetching, building):
        action.add_argument("root", type=Path, nargs="?", metavar="DIR", help=_ROOT_HELP)
        add_format(action, DataSets)
        action.epilog, action.formatter_class = _EPILOG, parser.formatter_class
    for action in (verifying, fetching):
        action.add_argument(
            "--only", action="append", metavar="NAME", help="only this set; repeatable"
        )


def _list(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.data.verify import verify  # noqa: PLC0415 - other commands need it not

    root: Path | None = options.root or official_data()
    reports = {name: verify(root, name) if root else None for name in load_sources()}
    sets = tuple(DataSet.of(name, report) for name, report in reports.items())
    if answered(options, DataSets(root, sets)):
        return 0
    table = Table("name", "what it is", "from", "licence", "state", box=None, pad_edge=False)
    to_get = []
    for one in sets:
        table.add_row(one.name, one.title, one.origin, one.licence, one.state or "?")
        if one.state != "complete":
            to_get.append(f"{one.name}: {one.get}")
    show_fitted(console, lambda _: table)
    if root is None:
        console.print("name a folder, or set TINYHIL_DATA, to see what is in it")
    for line in to_get:
        say(console, line)
    return 0


def _verify(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.data.verify import verify  # noqa: PLC0415 - as above
    from tinyhil.ground.progress import progress_bar  # noqa: PLC0415

    root, sources = _root(options), load_sources()
    wrong = present = 0
    reports = []
    for name in options.only or sources:
        with progress_bar(console, f"verifying {name}") as progress:
            report = verify(root, name, progress=progress)
        present += not report.absent
        wrong += not report.complete and not (report.absent and not options.only)
        _print_report(report, sources[name].get, console)
        reports.append(report)
    _answer(options, root, reports)
    if not present:
        say(console, f"{root}: holds none of the official files")
        say(console, "next step: `tinyhil data list` says where to get them")
    return 1 if wrong or not present else 0


def _answer(options: argparse.Namespace, root: Path, reports: Sequence[Report]) -> None:
    answered(options, DataSets(root, tuple(DataSet.of(one.name, one) for one in reports)))


def _print_report(report: Report, get: str, console: Console) -> None:
    say(console, f"{report.name}: {report.state}")
    if report.complete or report.absent:
        return
    for kind in ("missing", "altered", "extra"):
        for file in getattr(report, kind):
            say(console, f"  {kind:8}{file}")
    remedy = (
        f"to restore it, {get}" if report.missing or report.altered else "move the extra files away"
    )
    say(console, f"  next step: {remedy}")


def _fetch(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.data.fetch import fetch  # noqa: PLC0415 - as above
    from tinyhil.data.verify import verify  # noqa: PLC0415
    from tinyhil.ground.progress import progress_bar  # noqa: PLC0415

    root, sources = _root(options), load_sources()
    check_folder(root, "DIR")
    reports = []
    for name in options.only or [name for name, source in sources.items() if source.fetched]:
        with progress_bar(console, f"fetching {name}") as progress:
            report = fetch(root, name, progress=progress)
        _print_report(report, sources[name].get, console)
        reports.append(report)
    _answer(options, root, reports)
    for name, source in sources.items():
        if not options.only and not source.fetched and verify(root, name).absent:
            say(console, f"{name}: {source.get}")
    say(console, with_suites(f"use it: TINYHIL_DATA={root} pytest suites"))
    return 0


def _build(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.data.fetch import build  # noqa: PLC0415 - as above
    from tinyhil.ground.progress import progress_bar  # noqa: PLC0415

    root = _root(options)
    check_folder(root, "DIR")
    with progress_bar(console, "building ic01") as progress:
        report = build(root, archive=options.archive, progress=progress)
    _print_report(report, load_sources()[report.name].get, console)
    _answer(options, root, [report])
    return 0


def _root(options: argparse.Namespace) -> Path:
    root: Path | None = options.root or official_data()
    if root is None:
        raise ConfigError(
            "no folder for the official data",
            hint="name the folder for 'datasets/' and 'models/', or set TINYHIL_DATA to it",
        )
    return root
