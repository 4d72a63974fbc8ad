"""Examines one station, from its probe to its clock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tinyhil.catalog.bench import Station, stations
from tinyhil.catalog.board import Board
from tinyhil.catalog.task import load_tasks
from tinyhil.catalog.wiring import Wiring, check_wiring
from tinyhil.cli.bench.port import PortSteps
from tinyhil.cli.bench.probe import ProbeSteps
from tinyhil.cli.bench.steps import Step, Trial, tried
from tinyhil.data.material import stand_in_model
from tinyhil.device.dut import Dut, attached
from tinyhil.flash import await_there
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.project import Project
from tinyhil.image.build import build, folder_of
from tinyhil.image.elf import Image, read_image
from tinyhil.measure.monitors import options_of
from tinyhil.measure.supply import supplied

_POWER_S, _THERE_S = 140.0, 20.0
"""How long switching may take in all, and a probe to show itself afterwards."""


@dataclass(frozen=True)
class Wish:
    """What is to be examined, as the user gave it."""

    board: str
    """Name of a station, or of a board type with probe and port."""
    bench: Path | None
    probe: str | None
    port: str | None
    firmware: Path | None
    """The image that the board is to hold."""
    program: bool
    """Whether the image may be put onto it."""
    power: bool = False
    """Whether its power may be switched."""


def station_of(wish: Wish, boards: dict[str, Board]) -> Station:
    """The station that is meant.

    Raises:
        ConfigError: there is none; the text lists the known ones.
    """
    known = stations(boards, wish.bench)
    given = wish.probe is not None or wish.port is not None
    if wish.board in known and not given:
        return known[wish.board]
    board = boards.get(wish.board)
    if board is not None and not board.on_desks:
        raise ConfigError(
            f"option --board: '{board.name}' is played by QEMU alone, with a probe and a port of "
            "its own",
            hint="leave out --probe and --port",
        )
    if board is None:
        raise ConfigError(
            f"option --board: no {'board type' if given else 'station'} '{wish.board}'; known: "
            f"{', '.join(sorted(known))}",
            hint="correct the name; `tinyhil doctor --write` proposes a bench file",
        )
    if wish.port is None:
        raise ConfigError(
            f"option --board: '{board.name}' is a board type, and no station of it is known",
            hint="say where it is: --port PORT and --probe ID, or --bench FILE with a station of "
            "it; `tinyhil doctor --write` proposes one",
        )
    wiring = Wiring(board=board.name, probe=wish.probe or "", port=wish.port)
    check_wiring(f"option --board: '{board.name}'", wiring, board)
    return Station(board.name, wiring.board_of(board), wiring)


def examined(wish: Wish, station: Station, project: Project, tell: Callable[[Step], None]) -> None:
    """Try every step on the station's hardware.

    Args:
        wish: what the user asked for.
        station: see `station_of`.
        project: its build folder is used.
        tell: is told each step as it ends.

    Raises:
        ConfigError, FirmwareError, BenchError: it can't even begin: the image is wrong or can't be
            built, or somebody else uses the station.
    """
    # An emulated board is empty when it starts: nothing of anybody's is lost.
    program = wish.program or station.board.emulated
    image = _image(wish, station.board, project, program)
    values = station.wiring.monitor if station.wiring else None
    where = f"{wish.bench}: table 'stations.{station.name}.monitor'"
    options = options_of(values, where) if values is not None else None
    with (
        attached(station, tell=lambda _: None, quarantined=True) as dut,
        supplied(dut, options, energy=False) if options else nullcontext(),
    ):
        probe = ProbeSteps(dut, image, program)
        port = PortSteps(probe)
        there, permitted, target, *rest = probe.trials()

        def close() -> None:
            probe.close()
            port.close()

        power = [Trial("power", _POWER_S, partial(_switched, dut))] if wish.power else []
        steps = [*power, there, permitted, target, *port.first(), *rest, *port.last()]
        for step in tried(steps, close):
            tell(step)


def _switched(dut: Dut, deadline: Deadline) -> str:
    """Cycle the board's power, as a run does that brings it back."""
    if dut.power is None:
        raise ConfigError(
            "nothing is known that switches the power of this board",
            hint="give its station a table 'power' in the bench file, or leave out --power",
        )
    dut.power(deadline)
    await_there(dut.board, dut.probe_uid, deadline.within(_THERE_S))
    return "it was switched off and on"


def _image(wish: Wish, board: Board, project: Project, program: bool) -> Image | None:
    if wish.firmware:
        if not wish.firmware.is_file():
            raise ConfigError(
                f"option --firmware: {wish.firmware} is not a file", hint="correct the path"
            )
        return read_image(wish.firmware)
    if not program:
        return None
    task = load_tasks()["kws01"]
    folder = folder_of(project.build, board.name, task.name, "stand-in")
    return build(board, task, stand_in_model(task), folder).image
