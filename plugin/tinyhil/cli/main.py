"""The command line: ``tinyhil doctor``, ``boards``, ``emulate`` and so on."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tinyhil.catalog.board import load_boards, named_board
from tinyhil.cli import build as build_command
from tinyhil.cli import completion, new_board, new_firmware, new_suite, runs
from tinyhil.cli.answers import BoardRow, Boards, Emulated, Suites
from tinyhil.cli.bench import command as bench_command
from tinyhil.cli.farm import command as farm_command
from tinyhil.data import command as data_command
from tinyhil.ground.answer import Answer, add_format, answered, failed, print_json, wants_json
from tinyhil.ground.errors import ConfigError, TinyhilError
from tinyhil.ground.help import HelpText, Parser
from tinyhil.ground.hosts import require_linux
from tinyhil.ground.interrupts import Interrupts
from tinyhil.ground.paths import SUITES
from tinyhil.ground.tables import show_fitted
from tinyhil.ground.text import replace_unprintable, say
from tinyhil.judge.gate import command as gate_command
from tinyhil.judge.verify import command as verify_command
from tinyhil.publish.report import command as report_command
from tinyhil.publish.results import command as results_command
from tinyhil.publish.submission import command as submission_command

if TYPE_CHECKING:
    from tinyhil.emulator.qemu import EmulatedBoard

_EPILOG = """\
first steps:
  tinyhil doctor                       show what is missing here, and how to get it
  tinyhil doctor --board mps2-an386    try each step between here and a board
  pytest suites --hil-quick            a first look on the emulated board, in a minute
  pytest suites --hil-board mps2-an386  run the benchmark

then:
  tinyhil boards                       list the known board types
  tinyhil emulate mps2-an386           start an emulated board for a terminal or a debugger
  tinyhil data list                    the official data sets, and how to get them
  tinyhil build --board mps2-an386     build the firmware of the stand-in keyword model
  tinyhil new suite                    write tests of a board for a repository of your own
  tinyhil new board ours-rev2          write the file of a board type of your own
  tinyhil new firmware my-kws          write a firmware project for an engine of your own
  tinyhil verify RUN                   check every figure of a run against its raw bytes
  tinyhil gate BASELINE RUN            show what got slower, bigger or less accurate
  tinyhil report RUN --out FILE        make one HTML page of runs
  tinyhil results                      show the results table of runs and submissions
  tinyhil runs prune --days 90         show which old runs nobody needs
  tinyhil farm status                  show the boards of a farm, and who holds them
  tinyhil submission check TREE        recompute a submission's figures from its raw logs
  tinyhil completion bash              let the shell complete all this

`tinyhil COMMAND --help` shows examples of each. With --format json a command answers programs.
Exit status: 0 done, 1 something was found or is missing, 2 an error, which says the next step.
Times of an emulated board are instruction counts, not times measured on silicon.
"""

_BOARDS = """\
examples:
  tinyhil boards                       all board types
  tinyhil boards --format json         the same for a script

next: `pytest suites --hil-board NAME` tests one of them; a physical board also needs a station in
bench.toml
"""

_EMULATE = """\
examples:
  tinyhil emulate mps2-an386           print port and probe, then run until Ctrl-C
  tinyhil emulate mps2-an386 --format json
                                       the same for a script: one object, then nothing

next: in another terminal, `pyocd flash --uid PROBE firmware.elf`, then any terminal on the port
"""
_NEW = """\
examples:
  tinyhil new suite                    tests of a board, in a repository of your own
  tinyhil new board ours-rev2          a board type that tinyhil does not know
  tinyhil new firmware my-kws          a firmware project for an engine of your own

next: `pytest hil --hil-quick` for a first look at a new suite
"""
_SUITES = """\
examples:
  tinyhil suites                            print the folder
  pytest "$(tinyhil suites)" --hil-quick    the benchmark, from any folder

next: `tinyhil new suite` writes tests of your own
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 found something, 2 error.

    Ended by a signal, it is that of a shell: 128 and the signal's number.
    """
    replace_unprintable()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser().print_help()
        return 2
    options = argparse.Namespace()
    with Interrupts() as interrupts:
        try:
            parser().parse_args(arguments, options)
            run: Callable[[argparse.Namespace, Console], int] = options.run
            # JSON has standard output for itself.
            return run(
                options, Console(stderr=getattr(options, "answer", None) == "json", markup=False)
            )
        except TinyhilError as error:
            problem = Console(stderr=True, soft_wrap=True)
            problem.print(f"error: {error.told}", markup=False, highlight=False)
            if wants_json(options):
                print_json(failed(error))
            return 2
        except KeyboardInterrupt:
            return 128 + (interrupts.caught or signal.SIGINT)


def parser() -> argparse.ArgumentParser:
    """Everything that can be typed after `tinyhil`."""
    parser: argparse.ArgumentParser = Parser(
        prog="tinyhil",
        description="MLPerf Tiny on microcontroller boards: flash, stream, measure, judge.",
        epilog=_EPILOG,
        formatter_class=HelpText,
    )
    parser.add_argument(
        "--version", action="version", version=f"tinyhil {version('pytest-tinyhil')}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    bench_command.add_command(commands)
    boards = commands.add_parser(
        "boards",
        help="list the board types",
        description="List the board types; to add one, add a file to boards/.",
    )
    _finish(boards, _boards, Boards, _BOARDS)

    emulate = commands.add_parser(
        "emulate",
        help="start one emulated board",
        description="Start an emulated board, empty, and print its serial port and its probe's "
        "id, for a terminal, pyocd, a debugger or any host program. Ctrl-C ends it.",
    )
    emulate.add_argument("board", help="name of an emulated board, see `tinyhil boards`")
    _finish(emulate, _emulate, Emulated, _EMULATE)

    farm_command.add_command(commands)
    data_command.add_arguments(commands.add_parser("data", help=data_command.HELP))
    gate_command.add_arguments(commands.add_parser("gate", help=gate_command.HELP))
    verify_command.add_arguments(commands.add_parser("verify", help=verify_command.HELP))

    build_command.add_arguments(commands.add_parser("build", help=build_command.HELP))
    new = commands.add_parser(
        "new",
        help="write a project to begin with",
        description="Write what a project of your own begins with. No file is ever replaced.",
        epilog=_NEW,
        formatter_class=HelpText,
    )
    kinds = new.add_subparsers(required=True, metavar="KIND")
    new_suite.add_arguments(kinds.add_parser("suite", help=new_suite.HELP))
    new_firmware.add_arguments(kinds.add_parser("firmware", help=new_firmware.HELP))
    new_board.add_arguments(kinds.add_parser("board", help=new_board.HELP))
    suites = commands.add_parser(
        "suites",
        help="print where the benchmark's tests are",
        description='Print the folder of the benchmark\'s tests, for pytest "$(tinyhil suites)".',
    )
    _finish(suites, _suites, Suites, _SUITES)
    report_command.add_command(commands)
    results_command.add_command(commands)
    runs.add_command(commands)
    submission_command.add_command(commands)
    completion.add_command(commands, parser)
    return parser


def _finish(
    command: argparse.ArgumentParser,
    run: Callable[[argparse.Namespace, Console], int],
    answer: type[Answer],
    epilog: str,
) -> None:
    """Give a command what all have: a format, examples, and what it does."""
    add_format(command, answer)
    command.epilog, command.formatter_class = epilog, HelpText
    command.set_defaults(run=run)


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


def _suites(options: argparse.Namespace, console: Console) -> int:
    if not answered(options, Suites(SUITES)):
        say(console, str(SUITES))
    return 0


def _emulate(options: argparse.Namespace, console: Console) -> int:
    board = named_board(options.board)
    if not board.emulated:
        raise ConfigError(
            f"board '{board.name}' is not an emulated board",
            hint="`tinyhil boards` shows the emulated ones",
        )
    require_linux(f"the emulated board '{board.name}'")
    from tinyhil.emulator.run import describe, emulate  # noqa: PLC0415 - as above

    def tell(emulated: EmulatedBoard) -> None:
        port, probe = emulated.serial_url, emulated.probe_uid
        if not answered(options, Emulated(board.name, port, board.baud, probe)):
            say(console, describe(emulated))

    return emulate(board, tell)


if __name__ == "__main__":
    sys.exit(main())
