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
from tinyhil.ground.paths import SUITES
from tinyhil.ground.text import say

_ENGINES = {
    "c": "a model that is a plain C function",
    "sdk": "a network that a vendor's SDK has generated",
    "tflm": "TensorFlow Lite Micro, behind the official API's th_ functions",
}
"""What runs the model, by the name of its folder in ``firmware/templates``."""

HELP = "write a firmware project for an engine of your own"

_EPILOG = """\
examples:
  tinyhil new firmware my-kws                      a plain C function, for mps2-an386 and kws01
  tinyhil new firmware my-kws --engine tflm        TensorFlow Lite Micro, as in the official code
  tinyhil new firmware my-ad --task ad01 --board mps3-an547

next: the commands that it prints build the project, and judge it on the board
"""


@dataclass(frozen=True)
class NewFirmware(Answer):
    """The project that was written."""

    folder: Path
    """Where it is."""
    next_steps: tuple[str, ...]
    """Commands that build it, and judge it on the board."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes, and that `run` does it."""
    engines = ";\n  ".join(f"{name}: {what}" for name, what in _ENGINES.items())
    parser.description = (
        "Write a firmware project: the harness, which speaks to the host, a board's files, and a\n"
        f"template of an engine, which runs the model. Engines:\n  {engines}."
    )
    parser.epilog, parser.formatter_class = _EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, metavar="NAME", help="folder, which is made")
    parser.add_argument(
        "--engine", choices=tuple(_ENGINES), default="c", help="default: %(default)s"
    )
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
        ConfigError, ModelError, DataError, WriteError: see `write_project`.
    """
    from tinyhil.data.material import stand_in_model  # noqa: PLC0415 - only needed here
    from tinyhil.image.project import check_target, write_project  # noqa: PLC0415 - as above

    boards, tasks = load_boards(), load_tasks()
    for option, name, known in (("board", options.board, boards), ("task", options.task, tasks)):
        if name not in known:
            raise ConfigError(
                f"option --{option}: no {option} '{name}'; known: {', '.join(known)}",
                hint="choose one of them",
            )
    check_target(options.folder)
    task = tasks[options.task]
    model = options.model or stand_in_model(task)
    write_project(options.folder, options.engine, boards[options.board], task, model)
    folder = options.folder
    steps = (
        f"cmake -G Ninja -S {_quoted(folder)} -B {_quoted(folder / 'build')}",
        f"cmake --build {_quoted(folder / 'build')}",
        f"pytest {_quoted(_near(SUITES))} --hil-board {options.board} -k {options.task} "
        f"--hil-firmware {_quoted(folder / 'build' / 'firmware.elf')}",
    )
    if answered(options, NewFirmware(folder, steps)):
        return 0
    say(console, f"{folder}: its README.md says where your model and your board go. Next:")
    for step in steps:
        say(console, f"  {step}")
    return 0


def _near(path: Path) -> Path:
    """The path from here, where it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
