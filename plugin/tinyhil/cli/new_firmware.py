"""``tinyhil new firmware``: a project that a vendor puts his model and his board into."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tinyhil.catalog.board import load_boards
from tinyhil.catalog.task import load_tasks
from tinyhil.ground.answer import Answer, add_format, answered
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.help import HelpText
from tinyhil.ground.text import say

HELP = "write a firmware project for an engine of your own"

_DESCRIPTION = """\
Write a firmware project: the harness, which speaks to the host, a board's files, and a template
of an engine, which runs the model. CMake and the cross compiler alone build it. Engines:

  c      a model that is a plain C function
  sdk    a network that a vendor's SDK has generated
  tflm   TensorFlow Lite Micro, behind the official API's th_ functions
"""

_EPILOG = """\
examples:
  tinyhil new firmware my-kws                   keyword spotting on the emulated Cortex-M4
  tinyhil new firmware my-vww --task vww01 --engine sdk

next: the commands that it prints build and measure it
"""

_ENGINES = ("c", "sdk", "tflm")
"""Folders of ``firmware/templates``."""


@dataclass(frozen=True)
class NewFirmware(Answer):
    """A project that was written."""

    project: Path
    """Its folder."""
    steps: list[str]
    """Commands that build and measure it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes, and that `run` does it."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.formatter_class = HelpText
    parser.add_argument("folder", type=Path, metavar="NAME", help="folder: a new or an empty one")
    parser.add_argument("--engine", choices=_ENGINES, default="c", help="default: %(default)s")
    parser.add_argument("--board", default="mps2-an386", help="default: %(default)s")
    parser.add_argument("--task", default="kws01", help="default: %(default)s")
    parser.add_argument(
        "--model", type=Path, metavar="TFLITE", help="an int8 .tflite; default: the stand-in"
    )
    add_format(parser, NewFirmware)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the project and say what comes next.

    Raises:
        ConfigError, ModelError, DataError, BenchError, WriteError: see `write_project`.
    """
    from tinyhil.data.material import stand_in_model  # noqa: PLC0415 - only needed here
    from tinyhil.image.project import NEEDS, check_target, write_project  # noqa: PLC0415 - as above

    boards, tasks = load_boards(), load_tasks()
    for option, name, known in (("board", options.board, boards), ("task", options.task, tasks)):
        if name not in known:
            raise ConfigError(
                f"option --{option}: no {option} '{name}'; known: {', '.join(known)}",
                hint="choose one of them",
            )
    folder: Path = options.folder
    check_target(folder)
    task = tasks[options.task]
    model = options.model or stand_in_model(task)
    write_project(folder, options.engine, boards[options.board], task, model)
    needs = NEEDS.get(options.engine, "")
    steps = [
        f"cmake -G Ninja -S {_quoted(folder)} -B {_quoted(folder / 'build')}{needs}",
        f"cmake --build {_quoted(folder / 'build')}",
        f'pytest "$(tinyhil suites)" --hil-board {options.board} -k {options.task} '
        f"--hil-firmware {_quoted(folder / 'build' / 'firmware.elf')}",
    ]
    say(console, f"wrote {folder}; its README.md says where your model and your board go. Next:")
    for step in steps:
        say(console, f"  {step}")
    answered(options, NewFirmware(folder, steps))
    return 0


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
