"""The command ``tinyhil suites``."""

from __future__ import annotations

import argparse

from rich.console import Console

from tinyhil.cli.answers import Suites
from tinyhil.ground.answer import add_format, answered
from tinyhil.ground.help import HelpText
from tinyhil.ground.paths import SUITES
from tinyhil.ground.text import say

_EPILOG = """\
examples:
  tinyhil suites                            print the folder
  pytest "$(tinyhil suites)" --hil-quick    the benchmark, from any folder

next: `tinyhil new suite` writes tests of your own
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description = (
        'Print the folder of the benchmark\'s tests, for pytest "$(tinyhil suites)".'
    )
    parser.epilog, parser.formatter_class = _EPILOG, HelpText
    add_format(parser, Suites)
    parser.set_defaults(run=_suites)


def _suites(options: argparse.Namespace, console: Console) -> int:
    if not answered(options, Suites(SUITES)):
        say(console, str(SUITES))
    return 0
