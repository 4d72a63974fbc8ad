"""The command ``tinyhil boards``."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from tinyhil.catalog.board import load_boards
from tinyhil.cli.answers import BoardRow, Boards
from tinyhil.ground.answer import add_format, answered
from tinyhil.ground.help import HelpText
from tinyhil.ground.tables import show_fitted

_EPILOG = """\
examples:
  tinyhil boards                       all board types
  tinyhil boards --format json         the same for a script

next: `pytest suites --hil-board NAME` tests one of them; a physical board also needs a station in
bench.toml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description = "List the board types; to add one, add a file to boards/."
    parser.epilog, parser.formatter_class = _EPILOG, HelpText
    add_format(parser, Boards)
    parser.set_defaults(run=_boards)


def _boards(options: argparse.Namespace, console: Console) -> int:
    rows = tuple(map(BoardRow.of, load_boards().values()))
    if answered(options, Boards(rows)):
        return 0

    def table(without: frozenset[str]) -> Table:
        made = Table("name", "processor", box=None)
        for heading in (*({"title"} - without), "flash", "RAM", "emulated"):
            made.add_column(heading)
        for row in rows:
            title = [] if "title" in without else [row.title]
            emulated = "yes" if row.emulated else "no"
            sizes = (f"{row.flash_bytes // 1024} KiB", f"{row.ram_bytes // 1024} KiB")
            made.add_row(row.name, row.processor, *title, *sizes, emulated)
        return made

    show_fitted(console, table, ["title"])
    return 0
