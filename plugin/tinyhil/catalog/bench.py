"""What is wired to this desk: stations, each a board type with its probe and its port.

A physical board needs an entry in the user's ``bench.toml``, which is never committed::

    schema = 1

    [stations.desk-l4]
    board = "nucleo-l4r5zi"
    probe = "066BFF515055657867212134"
    port = "/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink_066BFF-if02"

A board that already runs its firmware needs no probe: leave the key out, and nothing is flashed.
How it is flashed, if not as its type is, is in a table of its own::

    [stations.desk-l4.flash]
    method = "command"
    command = ["west", "flash", "--no-rebuild", "--elf-file", "{image}"]

The power monitor that supplies it is in another one, see ``measure.monitors``::

    [stations.desk-l4.monitor]
    kind = "lpm01a"
    volts = 1.8
    port = "usb:0483:5740"

How its power is switched off and on, for a run that brings it back after a fault, is in another
one::

    [stations.desk-l4.power]
    method = "uhubctl"
    hub = "1-1.4"
    hub_port = 2

Each task has an image of its own, so firmware of your own is named by task::

    [firmware]
    kws01 = "build/kws/app.elf"
    ic01 = "build/ic/app.elf"

``port`` is a path, a URL that pyserial knows, or the USB device behind the port, with any number
that the system gives it: ``serial:SERIAL``, ``usb:VID:PID`` or ``usb:VID:PID:SERIAL``, each with
``:INTERFACE`` after it where one device has several ports.

A board of another host is named by ``host``, where ssh leads and tinyhil is installed: probe and
port are then as that host knows them, and tunnels are made for a run (`device.far`)::

    [stations.lab-l4]
    board = "nucleo-l4r5zi"
    host = "bench1"
    probe = "066BFF515055657867212134"
    port = "/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink_066BFF-if02"

Whoever makes tunnels otherwise names their ends: ``probe = "remote:HOST:PORT"`` of a
`pyocd server`, and ``port = "rfc2217://HOST:PORT"``, or ``socket://HOST:PORT``, whose rate can't
be changed.

A board that labgrid hands out is named by its place, or by tags of several that will do::

    [stations.farm-l4]
    board = "nucleo-l4r5zi"
    labgrid = "board=nucleo-l4r5zi"

An emulated board needs no entry: it is a station with the board's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import Field

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Facts, load
from tinyhil.catalog.identity import port_identity, probe_identity
from tinyhil.catalog.places import PREFIX, wanted
from tinyhil.catalog.wiring import Wiring, check_wiring
from tinyhil.ground.errors import ConfigError

ALL = "all"
"""Chooses every station."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Of a station: a part of file names, of test ids and of reports, and not a glob."""


class BenchFile(Facts):
    """The whole of ``bench.toml``."""

    schema_version: Literal[1] = Field(alias="schema")
    """Version of the file's form."""
    stations: dict[str, Wiring] = Field(default_factory=dict)
    """By name: the physical boards on this desk."""
    firmware: dict[str, Path] = Field(default_factory=dict)
    """Images of the user's own, by task; paths below the folder of the file."""
    sign: Path | None = None
    """SSH key that signs the runs of this bench, see `--hil-sign`; below the folder of the file."""


@dataclass(frozen=True)
class Station:
    """A board that can be tested: its type, and how it is wired (None when emulated)."""

    name: str
    board: Board
    wiring: Wiring | None


def stations(boards: Mapping[str, Board], bench: Path | None) -> dict[str, Station]:
    """All stations by name: every emulated board, and what `bench` lists.

    Raises:
        ConfigError: the file is wrong, names an unknown board type, or two of its stations share
            a probe or a port.
    """
    found = {
        board.name: Station(board.name, board, None) for board in boards.values() if board.emulated
    }
    if bench is None:
        return found
    wired = load(bench, BenchFile).stations
    for name, wiring in wired.items():
        key = f"{bench}: key 'stations.{name}'"
        _check_name(key, name, found)
        if wiring.board not in boards:
            raise ConfigError(
                f"{key[:-1]}.board': unknown board '{wiring.board}'; known "
                f"boards: {', '.join(sorted(boards))}",
                hint="correct the name, or add boards/<name>.toml",
            )
        check_wiring(key, wiring, boards[wiring.board])
    _refuse_shared(bench, wired, "probe", probe_identity)
    _refuse_shared(bench, wired, "port", port_identity)
    named = {
        name: Station(name, wiring.board_of(boards[wiring.board]), wiring)
        for name, wiring in wired.items()
    }
    return found | named


def station_of_place(word: str, boards: Mapping[str, Board]) -> Station:
    """The station that a choice for ``--hil-board`` means.

    Args:
        word: ``labgrid:board=TYPE…``, or ``labgrid:PLACE@TYPE``.
        boards: the known types.

    Raises:
        ConfigError: it names no type, or an unknown one.
    """
    text, _, kind = word.removeprefix(PREFIX).partition("@")
    choice = wanted(text, f"option --hil-board: {word}")
    kind = kind or choice.tags.get("board", "")
    if kind not in boards:
        why = f"the unknown board '{kind}'" if kind else "no board"
        raise ConfigError(
            f"option --hil-board: '{word}' names {why}; known boards: {', '.join(sorted(boards))}",
            hint="name the type by the tag 'board', as in labgrid:board=nucleo-l4r5zi",
        )
    others = [f"{name}-{value}" for name, value in choice.tags.items() if name != "board"]
    name = choice.place or "-".join(["labgrid", kind, *others])
    wiring = Wiring(board=kind, labgrid=text)
    return Station(name, wiring.board_of(boards[kind]), wiring)


def key_of(bench: Path | None) -> Path | None:
    """The key that signs runs, as the bench file names it; None where it does not.

    Raises:
        ConfigError: the file is wrong.
    """
    named = load(bench, BenchFile).sign if bench else None
    return bench.parent / named.expanduser() if bench and named else None


def firmware_of(bench: Path | None, tasks: Iterable[str]) -> dict[str, Path]:
    """The user's own images by task, as the bench file's table ``firmware`` names them.

    Args:
        bench: the file, if there is one.
        tasks: names that are known.

    Raises:
        ConfigError: the file is wrong, or names an unknown task or a file that is not there.
    """
    if bench is None:
        return {}
    named = load(bench, BenchFile).firmware
    return images_of({task: bench.parent / path for task, path in named.items()}, tasks, bench)


def images_of(named: Mapping[str, Path], tasks: Iterable[str], file: Path) -> dict[str, Path]:
    """Images by task, checked.

    Args:
        named: of a table ``firmware``.
        tasks: names that are known.
        file: where the table stands, for errors.

    Raises:
        ConfigError: an unknown task, or a file that is not there.
    """
    known = set(tasks)
    for task, path in named.items():
        if task not in known:
            raise ConfigError(
                f"{file}: key 'firmware.{task}': unknown task; known: {', '.join(sorted(known))}",
                hint="correct the name",
            )
        if not path.is_file():
            raise ConfigError(
                f"{file}: key 'firmware.{task}': {path} is not a file",
                hint="correct the path, which is below the file's folder, or build the image",
            )
    return dict(named)


def _check_name(key: str, name: str, emulated: Mapping[str, Station]) -> None:
    if not _NAME.fullmatch(name) or name == ALL:
        raise ConfigError(
            f"{key}: '{name}' can't be the name of a station",
            hint="use at most 64 letters, digits, '.', '_' and '-', a letter or a digit first; "
            f"'{ALL}' means every station",
        )
    if name in emulated:
        raise ConfigError(
            f"{key}: '{name}' is the name of an emulated board, which is a station already",
            hint="give the station another name",
        )


def _refuse_shared(
    bench: Path, wired: Mapping[str, Wiring], part: str, identity: Callable[[str], str]
) -> None:
    """Refuse two stations that have one probe, or one port: no two boards can."""
    users: dict[str, str] = {}
    for name, wiring in wired.items():
        given = getattr(wiring, part)
        if not given:
            continue
        other = users.setdefault(f"{wiring.host} {identity(given)}", name)
        if other != name:
            raise ConfigError(
                f"{bench}: the stations '{other}' and '{name}' have the same {part}: "
                f"'{getattr(wired[other], part)}' and '{given}'",
                hint=f"correct one of the keys 'stations.{other}.{part}' and "
                f"'stations.{name}.{part}', or delete one of the stations",
            )


def select(known: Mapping[str, Station], patterns: Iterable[str]) -> tuple[Station, ...]:
    """The stations that the patterns name: a name, a glob, or ``all``; each once.

    Raises:
        ConfigError: a pattern names none.
    """
    chosen: dict[str, Station] = {}
    for pattern in patterns:
        names = [pattern] if pattern in known else []
        names = names or [name for name in known if pattern == ALL or fnmatchcase(name, pattern)]
        if not names:
            raise ConfigError(
                f"option --hil-board: no station '{pattern}'; known: {', '.join(sorted(known))}",
                hint="correct the name; a physical board needs an entry in --hil-bench",
            )
        chosen.update({name: known[name] for name in names})
    return tuple(chosen.values())
