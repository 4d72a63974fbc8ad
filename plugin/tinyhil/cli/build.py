"""``tinyhil build``: a model compiled into the reference firmware of a board."""

from __future__ import annotations

import argparse
import random
import shlex
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from rich.console import Console

from tinyhil.catalog.board import Board, named_board
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.cli.answers import Built
from tinyhil.ground.answer import add_format, answered
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.help import HelpText
from tinyhil.ground.outputs import check_file, check_folder
from tinyhil.ground.paths import SUITES
from tinyhil.ground.project import project_around
from tinyhil.ground.tables import show_fitted

_DESCRIPTION = """\
Compile a model and build the reference firmware for a board. Without --model: the task's stand-in
model.
"""

_EPILOG = """\
examples:
  tinyhil build                                       the stand-in keyword model
  tinyhil build --task ic01 --board mps3-an547        another task, for a Cortex-M55 with Helium
  tinyhil build --model my.tflite --out build/mine    a model of your own, of any task or of none
  tinyhil build --model my.tflite --check             and try what the compiler made of it
  tinyhil build --profile --html model.html           and see where time and memory go

next: `pytest suites --hil-firmware IMAGE` measures the image that the last line names, and
`pytest suites --hil-model kws01=my.tflite` builds and measures a model of a task
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes, and that `run` does it."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.formatter_class = HelpText
    parser.add_argument("--board", default="mps2-an386", help="default: %(default)s")
    parser.add_argument(
        "--task",
        help="default: kws01; with --model the task that it fits, or one made of its own sizes",
    )
    parser.add_argument(
        "--model", type=Path, metavar="TFLITE", help="a quantized .tflite, of any task or of none"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="default: build/firmware/<board>/<task> of the project",
    )
    add_format(parser, Built)
    _add_compiling(parser)
    _add_firmware(parser)
    _add_telling(parser)
    parser.set_defaults(run=run)


def _add_compiling(parser: argparse.ArgumentParser) -> None:
    """What the compiler chooses by."""
    group = parser.add_argument_group("how the model is compiled")
    group.add_argument(
        "--optimize",
        choices=("speed", "size", "memory"),
        default="speed",
        help="size: constants take the fewest bytes; memory: so does the arena; "
        "default: %(default)s",
    )
    group.add_argument(
        "--wait-states",
        type=int,
        metavar="N",
        help="cycles that a read of flash waits, for the compiler's choice of kernels; default: "
        "the board's, if they are known, else 0",
    )
    group.add_argument(
        "--arena",
        type=int,
        metavar="BYTES",
        help="of the tensor arena at most, without input and output; a model of larger activations "
        "is computed in bands of rows, as where the board has no room (default: the board's room)",
    )
    group.add_argument(
        "--keep-dead-channels",
        action="store_true",
        help="compute channels too that are proved constant, or that nothing reads",
    )


def _add_firmware(parser: argparse.ArgumentParser) -> None:
    """What the image does besides."""
    group = parser.add_argument_group("the firmware around it")
    group.add_argument(
        "--energy",
        action="store_true",
        help="mark times by a pin's edges, for a power monitor, not by text lines",
    )
    group.add_argument(
        "--baud",
        type=int,
        metavar="N",
        help="of the serial port at boot; behind the interface board 9600; default: the board's",
    )


def _add_telling(parser: argparse.ArgumentParser) -> None:
    """What is found out about the model."""
    group = parser.add_argument_group("what is looked at")
    group.add_argument(
        "--check",
        nargs="?",
        type=int,
        const=100,
        metavar="N",
        help="run the compiled model on this machine with N random inputs (default: %(const)s), "
        "and compare it with its general form",
    )
    group.add_argument(
        "--profile",
        action="store_true",
        help="run an inference on the board, an emulated one, and count its instructions operator "
        "by operator",
    )
    group.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write a page: the operators, and the tensor arena over time as a picture",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Build, and check if asked to; 1 if the check found something.

    Raises:
        TinyhilError: an option is wrong, the model is refused, or the build fails.
    """
    # What these import, other commands need not.
    from tinyhil.cli.built import OPTIONAL, arena_text, built_table, summary  # noqa: PLC0415
    from tinyhil.data.material import stand_in_model  # noqa: PLC0415
    from tinyhil.image import build as firmware  # noqa: PLC0415
    from tinyhil.image.generic import task_for, write_task  # noqa: PLC0415
    from tinyhil.image.limits import frames_carry  # noqa: PLC0415
    from tinyhil.publish.model_page.content import content  # noqa: PLC0415
    from tinyhil.publish.model_page.render import write_model_page  # noqa: PLC0415

    board, tasks = named_board(options.board), load_tasks()
    _check_options(options, tasks, board)
    if options.baud is not None:
        board = board.model_copy(update={"baud": options.baud})
    named = tasks.get(options.task or ("" if options.model else "kws01"))
    model = options.model or stand_in_model(named or tasks["kws01"])
    wishes = firmware.Wishes(
        options.optimize, options.keep_dead_channels, options.wait_states, options.arena
    )
    task, compiled = firmware.compile_as(
        lambda made: named or task_for(model, made, tasks), model, board, wishes
    )
    folder = options.out or project_around(Path.cwd()).build / "firmware" / board.name / task.name
    check_folder(folder, "--out")
    if options.html:
        check_file(options.html, "--html")
    with console.status(f"building for {board.name}"):
        built = firmware.build_compiled(board, task, compiled, folder, energy=options.energy)
        of_none = None if task.name in tasks else write_task(task, folder / "task")
    checked = None
    if options.check:
        from tinyhil.image.check import compare  # noqa: PLC0415 - only where it is asked for

        with console.status("checking on this machine"):
            checked = compare(model, compiled, options.check, random.getrandbits(32))
    counted = None
    if options.profile:
        from tinyhil.measure.profile import profile  # noqa: PLC0415 - only where it is asked for

        with console.status(f"running on {board.name}"):
            counted = profile(board, task, built)
    if options.html:
        write_model_page(content(model.stem, board, built, counted), options.html)
    status = 1 if checked and checked.differing else 0
    if not answered(options, Built.of(board, task.name, built, checked, counted)):
        show_fitted(console, partial(built_table, board, built, counted), OPTIONAL)
        console.print(arena_text(built.model, console.width, console.encoding), highlight=False)
        frames = frames_carry(task, compiled)
        console.print(summary(built, checked, of_a_task=of_none is None, frames=frames))
        if of_none:
            console.print(_how_to_run(board.name, task.name, of_none), soft_wrap=True, markup=False)
        console.print(f"{built.image.path}", soft_wrap=True)
    return status


def _how_to_run(board: str, task: str, file: Path) -> str:
    """The command that measures a model of no task."""
    suites = "suites" if Path("suites").resolve() == SUITES.resolve() else str(SUITES)
    words = ["pytest", suites, "--hil-board", board, "--hil-tasks", str(file.parent)]
    return shlex.join([*words, "--hil-task", task, "-m", "latency or memory"])


def _check_options(options: argparse.Namespace, tasks: Mapping[str, Task], board: Board) -> None:
    if options.profile and board.emulator is None:
        raise ConfigError(
            f"option --profile: board '{board.name}' is not emulated, and an emulator counts",
            hint="choose an emulated board of the same core: `tinyhil boards`",
        )
    if options.task not in (None, *tasks):
        raise ConfigError(
            f"option --task: no task '{options.task}'; known: {', '.join(tasks)}",
            hint="choose one of them",
        )
    if options.baud is not None and not 300 <= options.baud <= 4_000_000:
        raise ConfigError(
            f"option --baud: {options.baud} is not a rate in baud",
            hint="9600, 115200 and 921600 are usual",
        )
    if options.wait_states is not None and not 0 <= options.wait_states <= 63:
        raise ConfigError(
            f"option --wait-states: {options.wait_states} is no number of a flash's wait states",
            hint="0 to 15 are usual; the chip's manual names them by clock and voltage",
        )
    if options.arena is not None and options.arena < 1:
        raise ConfigError(
            f"option --arena: {options.arena} is no number of bytes", hint="65536 are 64 KiB"
        )
    if options.check is not None and not 1 <= options.check <= 100_000:
        raise ConfigError(
            f"option --check: {options.check} is no number of inputs", hint="100 are usual"
        )
