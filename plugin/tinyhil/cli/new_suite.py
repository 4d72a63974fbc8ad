"""The command ``tinyhil new suite``: tests to begin with, in a repository of the user's own."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tinyhil.ground.answer import Answer, add_format, answered
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.help import HelpText
from tinyhil.ground.outputs import check_file, write_text
from tinyhil.ground.project import FILE, project_around
from tinyhil.ground.text import say

HELP = "write tests of a board for a repository of your own"

_DESCRIPTION = """\
Write FOLDER/test_board.py: tests of one board that you change to what your firmware must keep, in
any suite that pytest runs. The settings go into pyproject.toml; where there is one already, they
are printed, and you add them. No file is ever replaced.
"""

_EPILOG = """\
examples:
  tinyhil new suite                    write hil/test_board.py
  tinyhil new suite tests/board        write it into another folder

next: `pytest hil --hil-quick` for a first look
"""

_SUITE = '''\
"""What the firmware must keep on its board."""

import pytest
from tinyhil import Measurement


@pytest.mark.latency
def test_it_answers_in_time(measurement: Measurement) -> None:
    assert measurement.judge("latency_p90_s").value < 0.5


@pytest.mark.memory
def test_it_fits(measurement: Measurement) -> None:
    size = measurement.judge("flash_bytes")
    assert size.value <= 256 * 1024, str(size)


@pytest.mark.accuracy
def test_it_is_right(measurement: Measurement) -> None:
    quality = measurement.judge("top1")
    assert quality, str(quality)
'''

_SETTINGS = """\
[tool.tinyhil]
board = "mps2-an386"  # emulated; `tinyhil boards` lists all, bench.toml names those on your desk
task = "kws01"
# firmware = "build/firmware.elf"  # an image of your own; without it: our reference firmware
# tasks = "{folder}/tasks"  # tasks of your own, a TOML file each
# boards = "{folder}/boards"  # board types of your own, likewise
"""


@dataclass(frozen=True)
class NewSuite(Answer):
    """Files that were written."""

    suite: Path
    """The tests."""
    project: Path
    """The file for the settings."""
    settings: str | None
    """What you have to add to `project`; None if nothing is to be added."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.formatter_class = HelpText
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path("hil"), help="default: %(default)s"
    )
    add_format(parser, NewSuite)
    parser.set_defaults(run=_new_suite)


def _new_suite(options: argparse.Namespace, console: Console) -> int:
    suite = options.folder / "test_board.py"
    if suite.exists():
        raise ConfigError(f"{suite}: is there already", hint="choose another folder")
    check_file(suite, "FOLDER")
    project = project_around(Path.cwd())
    below = Path(os.path.relpath(options.folder.resolve(), project.folder.resolve()))
    settings = _SETTINGS.format(folder=below.as_posix())
    write_text(suite, _SUITE)
    say(console, f"wrote {suite}")
    missing = not project.table and project.file.exists()
    if project.table:
        say(console, f"{project.file} has [tool.tinyhil] already; it stays as it is")
    elif missing:
        say(console, f"\nadd to {project.file}:\n\n{settings}")
    else:
        write_text(Path(FILE), settings)
        say(console, f"wrote {FILE}")
    say(console, f"to run it: pytest {options.folder}")
    answered(options, NewSuite(suite, project.file, settings if missing else None))
    say(console, "to keep out of git: build/ and reports/")
    return 0
