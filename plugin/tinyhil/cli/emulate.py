"""The command ``tinyhil emulate``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rich.console import Console

from tinyhil.catalog.board import named_board
from tinyhil.cli.answers import Emulated
from tinyhil.ground.answer import add_format, answered
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.help import HelpText
from tinyhil.ground.hosts import require_linux
from tinyhil.ground.text import say

if TYPE_CHECKING:
    from tinyhil.emulator.qemu import EmulatedBoard

_EPILOG = """\
examples:
  tinyhil emulate mps2-an386           print port and probe, then run until Ctrl-C
  tinyhil emulate mps2-an386 --format json
                                       the same for a script: one object, then nothing

next: in another terminal, `pyocd flash --uid PROBE firmware.elf`, then any terminal on the port
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description = (
        "Start an emulated board, empty, and print its serial port and its probe's "
        "id, for a terminal, pyocd, a debugger or any host program. Ctrl-C ends it."
    )
    parser.epilog, parser.formatter_class = _EPILOG, HelpText
    parser.add_argument("board", help="name of an emulated board, see `tinyhil boards`")
    add_format(parser, Emulated)
    parser.set_defaults(run=_emulate)


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
