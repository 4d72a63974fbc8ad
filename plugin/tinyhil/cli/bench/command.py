"""The command ``tinyhil doctor``: this machine, or one board with all that is between."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinyhil.catalog.board import load_boards
from tinyhil.cli.answers import Doctor
from tinyhil.ground.answer import Answer, add_format, answered
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.help import HelpText
from tinyhil.ground.outputs import check_file, write_text
from tinyhil.ground.project import project_around
from tinyhil.ground.tables import show_fitted, show_text
from tinyhil.ground.text import say

if TYPE_CHECKING:
    from tinyhil.cli.bench.steps import Step

_DESCRIPTION = """\
Look for every program that tinyhil calls. With --board, try on the hardware each step between this
machine and one board instead: probe, permission, target, port, latency timer, connect, flash,
read-back, boot line, protocol, identity, clock. The board is reset; without --flash nothing is
written to it. After a step that fails, the others are not tried. Exits with 1 if something is
missing or fails; a version that was not tested is shown, but is not an error."""

_EPILOG = """\
examples:
  tinyhil doctor                       look for every program
  tinyhil doctor --format json         the same for a script
  tinyhil doctor --board mps2-an386    try every step, on an emulated board
  tinyhil doctor --write bench.toml    propose a bench file from what is plugged in
  tinyhil doctor --board desk-l4       try every step, and leave what the board holds
  tinyhil doctor --board desk-l4 --flash --firmware my.elf
                                       the same with an image put onto it
  tinyhil doctor --board desk-l4 --power
                                       the same after its power was switched off and on
  tinyhil doctor --udev                print rules by which users may open probes and ports

next: `pytest suites --hil-quick` for a first look on the emulated board
"""
_FOUND_COLUMNS = 28
_NAME_COLUMNS = max(len(state) for state in ("left out", "not tried")) + 1


@dataclass(frozen=True)
class Examined(Answer):
    """One board, step by step; the exit status is 1 if a step has failed."""

    station: str
    """Its name."""
    board: str
    """Name of its type."""
    steps: tuple[Step, ...]
    """In the order in which they were tried."""
    failed: str | None
    """Name of the step that has failed, if one has."""


@dataclass(frozen=True)
class Proposed(Answer):
    """A bench file that was written."""

    bench: Path
    """The file."""
    stations: int
    """How many of its stations are complete."""
    found: int
    """Probes and ports that were found."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.formatter_class = HelpText
    parser.add_argument("--board", metavar="NAME", help="station of the bench file, or board type")
    parser.add_argument(
        "--bench", type=Path, metavar="FILE", help="default: bench.toml of the project, if there"
    )
    parser.add_argument("--boards", type=Path, metavar="DIR", help="board types of your own")
    parser.add_argument("--probe", metavar="ID", help="of a board type without a bench file")
    parser.add_argument("--port", help="the same; as in a bench file")
    parser.add_argument(
        "--firmware", type=Path, metavar="ELF", help="the image that the board is to hold"
    )
    parser.add_argument(
        "--flash",
        action="store_true",
        help="put the image onto the board; without --firmware: the reference firmware",
    )
    parser.add_argument(
        "--power",
        action="store_true",
        help="first switch the board's power off and on, by the station's table 'power'",
    )
    parser.add_argument(
        "--write",
        type=Path,
        nargs="?",
        const=Path("bench.toml"),
        metavar="FILE",
        help="propose a bench file (default: bench.toml), never over one that is there",
    )
    parser.add_argument("--udev", action="store_true", help="print the udev rules for Linux")
    add_format(parser, Doctor, Examined, Proposed)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, console: Console) -> int:
    if options.udev:
        from tinyhil.cli.bench.probe import RULES  # noqa: PLC0415 - as below

        sys.stdout.write(RULES.read_text(encoding="utf-8"))
        return 0
    if options.write is not None:
        return _write(options, console)
    if options.board is not None:
        return _examine(options, console)
    for name in ("bench", "probe", "port", "firmware", "flash", "power"):
        if getattr(options, name):
            raise ConfigError(f"option --{name}: of which board?", hint="add --board NAME")
    return _look(options, console)


def _look(options: argparse.Namespace, console: Console) -> int:
    """What this machine has."""
    from tinyhil.cli.doctor import examine  # noqa: PLC0415 - what it imports, other commands need not

    checks = examine(load_boards(options.boards))
    missing = sum(check.missing for check in checks)
    untried = sum(check.warning is not None for check in checks)
    if answered(options, Doctor(tuple(checks), missing, untried)):
        return 1 if missing else 0

    def table(without: frozenset[str]) -> Table:
        made = Table("what", "found", box=None, pad_edge=False)
        for heading in ("needed for", "advice"):
            if heading not in without:
                made.add_column(heading)
        for check in checks:
            state = Text("MISSING", "bold red") if check.missing else Text(check.found or "absent")
            state.truncate(_FOUND_COLUMNS, overflow="ellipsis")
            needed_for = [] if "needed for" in without else [check.needed_for]
            advice = [] if "advice" in without else [check.advice]
            made.add_row(check.thing, state, *needed_for, *advice)
        return made

    if "advice" in show_fitted(console, table, ["needed for", "advice"]):
        for check in checks:
            if check.advice:
                say(console, f"{check.thing}: {check.advice}")
    summary = f"{missing} missing" if missing else "nothing is missing"
    console.print(f"{summary}, {untried} not tried" if untried else summary)
    return 1 if missing else 0


def _examine(options: argparse.Namespace, console: Console) -> int:
    """One board, step by step."""
    from tinyhil.cli.bench.examine import Wish, examined, station_of  # noqa: PLC0415 - brings pyOCD

    project = project_around(Path.cwd())
    bench = options.bench or project.path("bench") or project.folder / "bench.toml"
    if options.bench is None and not bench.is_file():
        bench = None
    given = options.board, bench, options.probe, options.port
    wish = Wish(*given, firmware=options.firmware, program=options.flash, power=options.power)
    station = station_of(wish, load_boards(options.boards))
    steps: list[Step] = []

    def tell(step: Step) -> None:
        steps.append(step)
        state = step.state.upper() if step.state == "failed" else step.state
        show_text(console, f"{state:<{_NAME_COLUMNS}} {step.name:<14} {step.found}".rstrip())
        if step.state == "failed":
            show_text(console, f"{'':<{_NAME_COLUMNS}} next step: {step.advice}")

    examined(wish, station, project, tell)
    failed = next((step.name for step in steps if step.state == "failed"), None)
    answered(options, Examined(station.name, station.board.name, tuple(steps), failed))
    console.print(f"\n{station.name}: {'stopped at ' + failed if failed else 'ready'}")
    return 1 if failed else 0


def _write(options: argparse.Namespace, console: Console) -> int:
    """A bench file from what is plugged in."""
    from serial.tools import list_ports  # noqa: PLC0415 - as below

    from tinyhil.catalog.bench import stations  # noqa: PLC0415
    from tinyhil.cli.bench.proposal import bench_file, places  # noqa: PLC0415
    from tinyhil.flash import probes  # noqa: PLC0415 - pyOCD is slow

    path: Path = options.write
    if path.exists() or path.is_symlink():
        raise ConfigError(f"{path}: is there already", hint="name another file: --write FILE")
    check_file(path, "--write")
    boards = load_boards(options.boards)
    if options.board is not None and (
        options.board not in boards or not boards[options.board].on_desks
    ):
        physical = (name for name, board in boards.items() if board.on_desks)
        raise ConfigError(
            f"option --board: no physical board type '{options.board}'; known: "
            f"{', '.join(physical)}",
            hint="correct the name, or write one: `tinyhil new board NAME`",
        )
    found = places(probes(), sorted(list_ports.comports()))
    write_text(path, bench_file(found, boards, options.board))
    made = sum(station.wiring is not None for station in stations(boards, path).values())
    say(console, f"wrote {path}: {len(found)} found, {made} of them complete stations")
    say(console, "next: fill in what its comments ask for, then `tinyhil doctor --board NAME`")
    answered(options, Proposed(path, made, len(found)))
    return 0
