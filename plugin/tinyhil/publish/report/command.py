"""The command ``tinyhil report``."""

from __future__ import annotations

import argparse
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
    from tinyhil.catalog.board import Board
    from tinyhil.publish.report.page.content import Source
    from tinyhil.record import Entry

_DESCRIPTION = """\
Makes one report of one or several runs, each of another station: the figures of all boards and
tasks with verdicts, changes and pictures. One HTML file that opens without a network. What a pytest
run has measured is in its own report already; this is for runs of several machines.
"""
_EPILOG = """\
examples:
  tinyhil report reports/runs/20260102T030405Z_desk-l4 --out report.html
  tinyhil report nightly/*_desk-* --out nightly.html
                                      one page of the runs that twelve jobs have made

next: open the file in a browser; it needs no network
"""


@dataclass(frozen=True)
class Reported(Answer):
    """A report that was written."""

    page: Path
    """The HTML file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.formatter_class = HelpText
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run folders")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", required=True, help="write the page there"
    )
    add_format(parser, Reported)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Make the page; returns 0.

    Raises:
        ConfigError: a run can't be read or does not agree, or two are of one station.
        WriteError: the page can't be written.
    """
    from tinyhil.publish.report.page.render import write_page  # noqa: PLC0415 - others need it not

    check_file(options.out, "--out")
    write_page(source_of(options.runs), options.out)
    if not answered(options, Reported(options.out)):
        say(console, str(options.out))
    return 0


def source_of(folders: list[Path]) -> Source:
    """What the page of some runs is made of.

    Raises:
        ConfigError: a run can't be read, does not agree or is empty, or two are of one station.
    """
    from tinyhil.judge.verify.trust import trust_of  # noqa: PLC0415 - as above
    from tinyhil.publish.report.page.content import Source  # noqa: PLC0415
    from tinyhil.record.recall import board_of, recalled  # noqa: PLC0415
    from tinyhil.record.store import read_run  # noqa: PLC0415

    versions: dict[str, None] = {}
    stations: dict[str, tuple[Board | None, Path]] = {}
    entries: list[Entry] = []
    records: dict[str, str] = {}
    for folder in folders:
        found, trust = read_run(folder), trust_of(folder)
        trust.refuse(folder)
        if not found.lines:
            raise ConfigError(f"{folder}: has measured nothing", hint="name another run")
        station = found.lines[0].station
        if any(line.station != station for line in found.lines):
            raise ConfigError(
                f"{folder}: its record holds lines of several stations",
                hint="it was altered; `tinyhil verify` shows where",
            )
        if station in stations:
            raise ConfigError(
                f"{folder} and {stations[station][1]} are both runs of '{station}'",
                hint="name one run of each station: a report shows one",
            )
        records[station] = str(trust)
        stations[station] = board_of(found, found.lines[0].task), folder.resolve()
        entries += recalled(found)
        versions |= dict.fromkeys(part.tinyhil for part in found.description.parts)
    told = "; ".join(f"{station}: {text}" for station, text in records.items())
    return Source(entries, stations, made_with={"tinyhil": ", ".join(versions), "records": told})
