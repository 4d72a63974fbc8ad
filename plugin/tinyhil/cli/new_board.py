"""The command ``tinyhil new board``: the file of a board type of the user's own, and its port."""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.facts import load_named
from tinyhil.ground.answer import Answer, add_format, answered
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.files import writing_to
from tinyhil.ground.help import HelpText
from tinyhil.ground.outputs import check_file, check_folder, write_text
from tinyhil.ground.paths import FIRMWARE
from tinyhil.ground.project import FILE, project_around
from tinyhil.ground.text import say

HELP = "write the file of a board type of your own"

_DESCRIPTION = """\
Write NAME.toml with every key explained, into the folder of board types that [tool.tinyhil] names,
else into boards/. It is valid as it is: change its figures to those of your chip. With --port, also
the folder ports/NAME next to it, for the reference firmware: it compiles as it is, and what is the
chip's own is marked TODO. No file is ever replaced.
"""

_EPILOG = """\
examples:
  tinyhil new board ours-rev2                        firmware of your own runs on it
  tinyhil new board ours-rev2 --core cortex-m33
  tinyhil new board ours-rev2 --port                 the reference firmware shall run on it

next: `tinyhil doctor --write` proposes the bench file, `tinyhil doctor --board` tries the board
"""

_SOFT, _HARD = "-mfloat-abi=soft", "-mfloat-abi=hard"
_CORES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cortex-m0": ((_SOFT,), ("armv6-m",)),
    "cortex-m0plus": ((_SOFT,), ("armv6-m",)),
    "cortex-m3": ((_SOFT,), ()),
    "cortex-m4": ((_HARD, "-mfpu=fpv4-sp-d16"), ("armv7e-m",)),
    "cortex-m7": ((_HARD, "-mfpu=fpv5-d16"), ("armv7e-m",)),
    "cortex-m33": ((_HARD, "-mfpu=fpv5-sp-d16"), ("armv7e-m",)),
    "cortex-m55": ((_HARD,), ("mve", "armv7e-m")),
}
"""Flags of the compiler beside the core's own, and folders of kernels, by core."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

_BOARD = """\
# A board type. `tinyhil boards` lists it, a station of bench.toml names it, and it is valid as it
# is: correct each figure by the chip's data sheet.

schema = 1                       # version of this form
name = "{name}"                  # as the file's name: small letters, digits and -
title = "{name}"                 # for people, in reports
processor = "{core}"             # as a results table shows it, with its maker
core = "{core}"                  # as GCC's -mcpu calls it
clock_hz = 64_000_000            # of the timer behind the device's time stamps, in Hz
baud = 115_200                   # at which the firmware's serial port starts
{port}

# The memory map: one table for each region, by the data sheet. The first flash takes the code, the
# first RAM the data; an image with a part outside of all is refused before it is flashed.
[[memory]]
name = "flash"                   # errors name it
start = 0x0800_0000              # first address
size = 0x0010_0000               # in bytes
kind = "flash"                   # flash: code and constants; ram: data

[[memory]]
name = "sram"
start = 0x2000_0000
size = 0x0004_0000
kind = "ram"

# How the reference firmware is compiled; an image of your own needs none of it.
[toolchain]
prefix = "arm-none-eabi-"        # of the cross compiler's programs
flags = {flags}  # the core, for compiler and linker
kernels = {kernels}              # folders of firmware/kernels, best first, before the portable ones

# How an image gets onto the board. A station can say it anew for itself.
[flash]
method = "pyocd"                 # or command, openocd, drive, none, or a flasher of your own
target = ""                      # for pyocd: its name of the chip, see `pyocd list --targets`
# pack = "Vendor.Chip_DFP.pack"  # CMSIS pack, for a chip that is not built into pyOCD
frequency_hz = 4_000_000         # of the debug wire; lower it if the wires are long
# command = ["west", "flash", "--elf-file", "{{image}}"]   # of the methods command and openocd
# drive = "/media/me/BOARD"      # of the method drive: where the board's drive is mounted
# reset = ["nrfjprog", "--reset"]                          # resets the board, for such methods
timeout_s = 120                  # of a command, or of a drive to take the image
# options = {{}}                   # keys of a flasher of your own

# Limits by task and metric, each with its source: a run that misses one fails.
# [limits.kws01]
# latency_p90_s = {{ max = 0.060, source = "release 1.4 of our firmware" }}
# flash_bytes = {{ max = 262144, source = "what the boot loader leaves" }}

# A board that QEMU plays has a table `emulator` with `machine` and `icount_shift`; see the boards
# that tinyhil brings.
"""
_NO_PORT = '# port = "ports/{name}"      # folder of the reference firmware\'s port, see --port'
_PORT = 'port = "ports/{name}"        # folder of the reference firmware\'s port, beside this file'


@dataclass(frozen=True)
class NewBoard(Answer):
    """Files that were written."""

    board: Path
    """The board's file."""
    port: Path | None
    """The folder of its port; None without ``--port``."""
    settings: str | None
    """What you have to add to `pyproject.toml`; None if nothing is to be added."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes, and that `run` does it."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.formatter_class = HelpText
    parser.add_argument("name", metavar="NAME", help="small letters, digits and -")
    parser.add_argument(
        "--core",
        choices=_CORES,
        default="cortex-m4",
        metavar="CORE",
        help=f"default: %(default)s; {', '.join(_CORES)}",
    )
    parser.add_argument("--port", action="store_true", help="also a port of the reference firmware")
    parser.add_argument("--boards", type=Path, metavar="DIR", help="folder of your board types")
    add_format(parser, NewBoard)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the file, and the folder, and say what comes next.

    Raises:
        ConfigError: the name is wrong or taken, or something is there already.
        WriteError: it can't be written.
    """
    name, project = options.name, project_around(Path.cwd())
    named = options.boards or project.path("boards")
    folder: Path = named or project.folder / "boards"
    board, port = folder / f"{name}.toml", folder / "ports" / name
    _check(name, folder, board, port if options.port else None)
    flags, kernels = _CORES[options.core]
    text = _BOARD.format(
        name=name,
        core=options.core,
        port=(_PORT if options.port else _NO_PORT).format(name=name),
        flags=_listed((f"-mcpu={options.core}", "-mthumb", *flags)),
        kernels=_listed(kernels),
    )
    if options.port:
        _write_port(port, name)
    write_text(board, text)
    load_named(board, Board)  # Were the template wrong, this is where it is told.
    say(console, f"wrote {board}" + (f" and {port}" if options.port else ""))
    missing = _settings(folder, project.folder) if named is None else None
    if missing and not project.file.exists():
        write_text(project.file, f"[tool.tinyhil]\n{missing}")
        say(console, f"wrote {FILE}")
        missing = None
    elif missing:
        say(console, f"\nadd to [tool.tinyhil] in {project.file}:\n\n{missing}")
    if options.port:
        say(console, f"next: fill in {port / 'port.c'}, then `tinyhil build --board {name}`")
    say(console, f"next: `tinyhil doctor --write --board {name}`, then `tinyhil doctor --board …`")
    answered(options, NewBoard(board, port if options.port else None, missing))
    return 0


def _check(name: str, folder: Path, board: Path, port: Path | None) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"'{name}' is no name for a board type",
            hint="use small letters, digits and '-', a letter or a digit first",
        )
    for path in (board, port):
        if path and (path.exists() or path.is_symlink()):
            raise ConfigError(f"{path}: is there already", hint="choose another name")
    known = load_boards(folder if folder.is_dir() else None)
    if name in known:
        raise ConfigError(
            f"the name '{name}' is taken by a board that tinyhil brings",
            hint="choose another name",
        )
    check_file(board, "NAME")
    if port:
        check_folder(port, "NAME")


def _write_port(folder: Path, name: str) -> None:
    """Write the port's folder, completely or not at all."""
    templates = FIRMWARE / "templates" / "port"
    with writing_to(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=folder.parent) as scratch:
            made = Path(scratch) / name
            made.mkdir()
            for template in sorted(templates.iterdir()):
                text = template.read_text(encoding="utf-8").replace("__NAME__", name)
                (made / template.name).write_text(text, encoding="utf-8", newline="\n")
            made.rename(folder)


def _listed(words: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def _settings(folder: Path, project: Path) -> str:
    below = Path(os.path.relpath(folder.resolve(), project.resolve()))
    return f'boards = "{below.as_posix()}"\n'
