"""The command ``tinyhil new``: a suite, a firmware project, a board type."""

from __future__ import annotations

import argparse

from tinyhil.cli import new_board, new_firmware, new_suite
from tinyhil.ground.help import HelpText

_EPILOG = """\
examples:
  tinyhil new suite                    tests of a board, in a repository of your own
  tinyhil new board ours-rev2          a board type that tinyhil does not know
  tinyhil new firmware my-kws          a firmware project for an engine of your own

next: `pytest hil --hil-quick` for a first look at a new suite
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the commands to argparse; `run` of the parsed options is what one does."""
    parser.description = "Write what a project of your own begins with. No file is ever replaced."
    parser.epilog, parser.formatter_class = _EPILOG, HelpText
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    new_suite.add_arguments(kinds.add_parser("suite", help=new_suite.HELP))
    new_firmware.add_arguments(kinds.add_parser("firmware", help=new_firmware.HELP))
    new_board.add_arguments(kinds.add_parser("board", help=new_board.HELP))
