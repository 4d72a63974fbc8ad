"""The command line: ``tinyhil doctor``, ``boards``, ``emulate`` and so on.

A command imports its own module alone: it is for shells and scripts, which call it often.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from rich.console import Console

from tinyhil.ground.answer import failed, means_json, print_json, wants_json
from tinyhil.ground.errors import TinyhilError
from tinyhil.ground.help import HelpText, Parser
from tinyhil.ground.interrupts import Interrupts
from tinyhil.ground.text import replace_unprintable

COMMANDS: Mapping[str, tuple[str, str]] = {
    "doctor": (
        "cli.bench.command", "say what is missing on this machine, or between it and a board"
    ),
    "boards": ("cli.boards", "list the board types"),
    "emulate": ("cli.emulate", "start one emulated board"),
    "farm": ("cli.farm.command", "boards of other hosts"),
    "data": ("data.command", "list, verify and get the official data sets and models"),
    "gate": ("judge.gate.command", "compare a run with a baseline: is the firmware any worse?"),
    "verify": (
        "judge.verify.command",
        "check the record of a run: figures from the raw bytes, and the seal",
    ),
    "build": ("cli.build", "compile a model into the reference firmware"),
    "new": ("cli.new", "write a project to begin with"),
    "suites": ("cli.suites", "print where the benchmark's tests are"),
    "report": ("publish.report.command", "make one HTML report of runs"),
    "results": ("publish.results.command", "print the results table of runs and submissions"),
    "runs": ("cli.runs", "what becomes of old runs"),
    "submission": ("publish.submission.command", "check, prepare or describe a submission"),
    "completion": ("cli.completion", "print a shell's completion script"),
}  # fmt: skip
"""Each command's module, whose `add_arguments` says what it takes, and its line in the help."""

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 found something, 2 error.

    Ended by a signal, it is that of a shell: 128 and the signal's number.
    """
    replace_unprintable()
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:
        parser("").print_help()
        return 2
    options = argparse.Namespace()
    with Interrupts() as interrupts:
        try:
            parser(_named(arguments)).parse_args(arguments, options)
            run: Callable[[argparse.Namespace, Console], int] = options.run
            # JSON has standard output for itself.
            return run(
                options, Console(stderr=getattr(options, "answer", None) == "json", markup=False)
            )
        except TinyhilError as error:
            problem = Console(stderr=True, soft_wrap=True)
            problem.print(f"error: {error.told}", markup=False, highlight=False)
            if wants_json(options) or means_json(arguments):
                print_json(failed(error))
            return 2
        except KeyboardInterrupt:
            return 128 + (interrupts.caught or signal.SIGINT)


def _named(arguments: Sequence[str]) -> str:
    """The command that comes first, if it is one."""
    return arguments[0] if arguments[0] in COMMANDS else ""


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """What can be typed after `tinyhil`.

    Args:
        only: the one command whose arguments are wanted, so that the modules of no other are
            imported; empty: of none; None: of all.
    """
    parser: argparse.ArgumentParser = Parser(
        prog="tinyhil",
        description="MLPerf Tiny on microcontroller boards: flash, stream, measure, judge.",
        epilog=_EPILOG,
        formatter_class=HelpText,
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="show program's version number and exit"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        if only in (None, name):
            import_module(f"tinyhil.{module}").add_arguments(command)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for, which takes a while."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version  # noqa: PLC0415 - slow

        print(f"tinyhil {version('pytest-tinyhil')}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
