"""What is wired to this desk: stations, each a board type with its probe and its port.

A physical board needs an entry in the user's ``bench.toml``, which is never committed::

    schema = 1

    [stations.desk-l4]
    board = "nucleo-l4r5zi"
    probe = "066BFF515055657867212134"
    port = "/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink_066BFF-if02"

An emulated board needs none: it is a station of its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import Field

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Facts, load
from tinyhil.ground.errors import ConfigError


class Wiring(Facts):
    """One entry of ``bench.toml``."""

    board: str
    """Name of the board type."""
    probe: str
    """Exact id, as ``pyocd list`` shows it."""
    port: str
    """Serial port by a name that survives replugging."""
    baud: int | None = Field(default=None, gt=0)
    """At which it boots, if other than the board's."""
    baud_max: int = Field(default=921_600, gt=0)
    """Highest rate that cable and adapter carry; our own firmware is asked for it."""


class BenchFile(Facts):
    """The whole of ``bench.toml``."""

    schema_version: Literal[1] = Field(alias="schema")
    stations: dict[str, Wiring]


@dataclass(frozen=True)
class Station:
    """A board that can be tested: its type, and how it is wired (None when emulated)."""

    name: str
    board: Board
    wiring: Wiring | None


def stations(boards: Mapping[str, Board], bench: Path | None) -> dict[str, Station]:
    """All stations by name: every emulated board, and what `bench` lists.

    Raises:
        ConfigError: the file is wrong, or names a board type that there is none of.
    """
    found = {
        board.name: Station(board.name, board, None) for board in boards.values() if board.emulated
    }
    wired = load(bench, BenchFile).stations if bench else {}
    for name, wiring in wired.items():
        if wiring.board not in boards:
            raise ConfigError(
                f"{bench}: key 'stations.{name}.board': unknown board '{wiring.board}'; known "
                f"boards: {', '.join(sorted(boards))}",
                hint="correct the name, or add boards/<name>.toml",
            )
        found[name] = Station(name, boards[wiring.board], wiring)
    return found


def select(known: Mapping[str, Station], patterns: Iterable[str]) -> tuple[Station, ...]:
    """The stations that the patterns name: a name, a glob, or ``all``; each once.

    Raises:
        ConfigError: a pattern names none.
    """
    chosen: dict[str, Station] = {}
    for pattern in patterns:
        names = [name for name in known if pattern == "all" or fnmatchcase(name, pattern)]
        if not names:
            raise ConfigError(
                f"option --hil-board: no station '{pattern}'; known: {', '.join(sorted(known))}",
                hint="correct the name; a physical board needs an entry in --hil-bench",
            )
        chosen.update({name: known[name] for name in names})
    return tuple(chosen.values())
