"""The command line: ``tinyhil doctor``, ``boards``, ``emulate`` and so on."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinyhil.catalog.board import Board, load_boards
from tinyhil.cli import new_firmware
from tinyhil.data import command as data_command
from tinyhil.ground.errors import ConfigError, TinyhilError
from tinyhil.ground.interrupts import Interrupts
from tinyhil.ground.outputs import check_folder
from tinyhil.judge.gate import command as gate_command
from tinyhil.judge.verify import command as verify_command
from tinyhil.publish.results import command as results_command
from tinyhil.publish.submission import command as submission_command

_FOUND_COLUMNS = 28

_EPILOG = """\
examples:
  tinyhil doctor                       show what is missing here, and how to get it
  tinyhil boards                       list the known board types
  tinyhil emulate mps2-an386           start an emulated board for a terminal or a debugger
  tinyhil data list                    the official data sets, and how to get them
  tinyhil build --board mps2-an386     build the firmware of the stand-in keyword model
  tinyhil new firmware my-kws          write a firmware project for your own engine
  pytest suites --hil-board mps2-an386 run the benchmark
  tinyhil verify RUN                   check every figure of a run against its raw bytes
  tinyhil gate BASELINE RUN            show what got slower, bigger or less accurate
  tinyhil results                      show the results table of runs and submissions
  tinyhil submission check TREE        recompute a submission's figures from its raw logs

Times of an emulated board are instruction counts, not times measured on silicon.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 found something, 2 error.

    Ended by a signal, it is that of a shell: 128 and the signal's number.
    """
    with Interrupts() as interrupts:
        try:
            options = _parser().parse_args(arguments)
            run: Callable[[argparse.Namespace, Console], int] = options.run
            return run(options, Console())
        except TinyhilError as error:
            problem = Console(stderr=True, soft_wrap=True)
            problem.print(f"error: {error}", markup=False, highlight=False)
            return 2
        except KeyboardInterrupt:
            return 128 + (interrupts.caught or signal.SIGINT)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tinyhil",
        description="MLPerf Tiny on microcontroller boards: flash, stream, measure, judge.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    doctor = commands.add_parser(
        "doctor",
        help="say what is missing on this machine and how to get it",
        description="Look for every program that tinyhil calls. Exits with 1 if one is missing; "
        "a version that was not tested is shown, but is not an error.",
    )
    doctor.set_defaults(run=_doctor)

    boards = commands.add_parser(
        "boards",
        help="list the board types",
        description="List the board types; to add one, add a file to boards/.",
    )
    boards.set_defaults(run=_boards)

    emulate = commands.add_parser(
        "emulate",
        help="start one emulated board",
        description="Start an emulated board, empty, and print its serial port and its probe's "
        "id, for a terminal, pyocd, a debugger or any host program. Ctrl-C ends it.",
    )
    emulate.add_argument("board", help="name of an emulated board, see `tinyhil boards`")
    emulate.set_defaults(run=_emulate)

    data_command.add_arguments(commands.add_parser("data", help=data_command.HELP))
    gate_command.add_arguments(commands.add_parser("gate", help=gate_command.HELP))
    verify_command.add_arguments(commands.add_parser("verify", help=verify_command.HELP))

    _add_build(commands)
    new = commands.add_parser("new", help="write a project to begin with")
    kinds = new.add_subparsers(required=True, metavar="KIND")
    new_firmware.add_arguments(kinds.add_parser("firmware", help=new_firmware.HELP))
    results_command.add_command(commands)
    submission_command.add_command(commands)
    return parser


def _add_build(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    build = commands.add_parser(
        "build",
        help="compile a model into the reference firmware",
        description="Compile a model and build the reference firmware for a board. Without "
        "--model: the task's stand-in model.",
    )
    build.add_argument("--board", default="mps2-an386", help="default: %(default)s")
    build.add_argument("--task", default="kws01", help="default: %(default)s")
    build.add_argument("--model", type=Path, metavar="TFLITE", help="an int8 .tflite")
    build.add_argument(
        "--energy",
        action="store_true",
        help="mark times by a pin's edges, for a power monitor, not by text lines",
    )
    build.add_argument(
        "--out", type=Path, metavar="DIR", help="default: build/firmware/<board>/<task>"
    )
    build.set_defaults(run=_build)


def _doctor(_: argparse.Namespace, console: Console) -> int:
    from tinyhil.cli.doctor import examine  # noqa: PLC0415 - what it imports, other commands need not

    table = Table("what", "found", "needed for", "advice", box=None, pad_edge=False)
    checks = examine(load_boards())
    for check in checks:
        state = Text("MISSING", "bold red") if check.missing else Text(check.found or "")
        state.truncate(_FOUND_COLUMNS, overflow="ellipsis")
        state.no_wrap = True
        table.add_row(check.thing, state, check.needed_for, check.advice)
    console.print(table)
    missing = sum(check.missing for check in checks)
    untried = sum(check.warning is not None for check in checks)
    summary = f"{missing} missing" if missing else "nothing is missing"
    console.print(f"{summary}, {untried} not tried" if untried else summary)
    return 1 if missing else 0


def _boards(_: argparse.Namespace, console: Console) -> int:
    table = Table("name", "processor", "title", "flash", "RAM", "emulated", box=None)
    for board in load_boards().values():
        size = {
            kind: sum(memory.size for memory in board.memory if memory.kind == kind)
            for kind in ("flash", "ram")
        }
        table.add_row(
            board.name,
            board.processor,
            board.title,
            f"{size['flash'] // 1024} KiB",
            f"{size['ram'] // 1024} KiB",
            "yes" if board.emulated else "no",
        )
    console.print(table)
    return 0


def _emulate(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.emulator.run import emulate  # noqa: PLC0415 - as above

    board = _board(options.board)
    if not board.emulated:
        raise ConfigError(
            f"board '{board.name}' is not an emulated board",
            hint="`tinyhil boards` shows the emulated ones",
        )
    return emulate(board, console=console)


def _build(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.catalog.task import load_tasks  # noqa: PLC0415
    from tinyhil.data.material import stand_in_model  # noqa: PLC0415
    from tinyhil.image import build as firmware  # noqa: PLC0415 - as above

    board, tasks = _board(options.board), load_tasks()
    if options.task not in tasks:
        raise ConfigError(
            f"option --task: no task '{options.task}'; known: {', '.join(tasks)}",
            hint="choose one of them",
        )
    model = options.model or stand_in_model(tasks[options.task])
    folder = options.out or Path("build", "firmware", board.name, options.task)
    check_folder(folder, "--out")
    with console.status(f"building for {board.name}"):
        built = firmware.build(board, tasks[options.task], model, folder, energy=options.energy)
    # The cost model knows the kernels of Armv7E-M; of Helium's it says nothing.
    predicted = "mve" not in board.toolchain.kernels
    table = Table("#", "operator", "output", "MACs", box=None)
    if predicted:
        table.add_column("instructions, predicted")
    for operator in built.model.operators:
        table.add_row(
            str(operator.index),
            operator.name,
            " x ".join(map(str, operator.output_shape)),
            f"{operator.macs:,}",
            *([_count(operator.instructions)] if predicted else []),
        )
    console.print(table)
    image = built.image
    console.print(
        f"{built.model.macs:,} MACs, {built.model.weights_bytes:,} bytes of weights, "
        f"tensor arena {built.model.arena_bytes:,} bytes\n"
        f"text {image.text_bytes:,}, data {image.data_bytes:,}, bss {image.bss_bytes:,} bytes"
    )
    console.print(f"{image.path}", soft_wrap=True)
    return 0


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _board(name: str) -> Board:
    boards = load_boards()
    if name not in boards:
        raise ConfigError(
            f"no board '{name}'; known: {', '.join(boards)}",
            hint="correct the name, or add boards/<name>.toml",
        )
    return boards[name]


if __name__ == "__main__":
    sys.exit(main())
