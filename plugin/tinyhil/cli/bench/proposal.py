"""``tinyhil doctor --write``: a bench file from the probes and the ports that are plugged in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from serial.tools.list_ports_common import ListPortInfo

from tinyhil.catalog.board import Board
from tinyhil.cli.bench.usb import same_serial
from tinyhil.device.ports import stable_name
from tinyhil.flash import FoundProbe
from tinyhil.ground.text import printable

_HEAD = """\
# What is wired to this desk, as `tinyhil doctor --write` found it. Not to be committed.
# Try a station: tinyhil doctor --board NAME
# A run that brings a board back may switch its power, by a table [stations.NAME.power]:
#   method = "uhubctl", hub = "1-1.4", hub_port = 2; or method = "command", command = ["PROGRAM"]

schema = 1
"""


@dataclass(frozen=True)
class Place:
    """A probe, a port, or both of one USB device."""

    probe: FoundProbe | None
    ports: tuple[ListPortInfo, ...]


def places(probes: Iterable[FoundProbe], ports: Iterable[ListPortInfo]) -> list[Place]:
    """Probes with the ports of the same USB device; then the ports that are left, of USB alone."""
    left = [port for port in ports if port.vid is not None]
    found: list[Place] = []
    for probe in {probe.uid.casefold(): probe for probe in probes}.values():
        if probe.emulated:
            continue
        own = [port for port in left if same_serial(port.serial_number or "", probe.uid)]
        left = [port for port in left if port not in own]
        found.append(Place(probe, tuple(own)))
    return found + [Place(None, (port,)) for port in left]


def bench_file(found: Sequence[Place], boards: Mapping[str, Board], chosen: str | None) -> str:
    """The text of a bench file; what can't be known is a comment, so that it is valid as it is.

    Args:
        found: what is plugged in.
        boards: the known types.
        chosen: the type that the user says it is, if he does.
    """
    physical = [name for name, board in boards.items() if board.on_desks]
    parts = [_HEAD]
    for number, place in enumerate(found, 1):
        types = [chosen] if chosen else _types(place, boards)
        parts.append("\n".join(_station(number, place, types, physical)) + "\n")
    if not found:
        parts.append("# Neither a debug probe nor a port of a USB device was found.\n")
    return "\n".join(parts)


def _types(place: Place, boards: Mapping[str, Board]) -> list[str]:
    """The board types that a probe is soldered to, as far as it tells."""
    target = place.probe.target if place.probe else ""
    return [
        name
        for name, board in boards.items()
        if target and board.on_desks and board.flash.target.casefold() == target.casefold()
    ]


def _station(number: int, place: Place, types: list[str], physical: list[str]) -> list[str]:
    """The lines of one station, the first port of several being the one that is proposed."""
    about, port = [], ""
    if place.probe:
        target = f", on a board with {printable(place.probe.target)}" if place.probe.target else ""
        about.append(f"# Probe: {printable(place.probe.description)}{target}")
    for info in place.ports:
        name = stable_name(info.device) or info.device
        about.append(f"# Port: {printable(info.device)}, {printable(info.description or '?')}")
        about += [f"# or: port = {json.dumps(name)}"] if port else []
        port = port or name
    lines = [f"[stations.{types[0] if types else 'desk'}-{number}]"]
    lines.append(f'board = "{types[0]}"' if types else f'board = ""  # {_known(physical)}')
    if place.probe:
        lines.append(f"probe = {json.dumps(place.probe.uid)}")
    lines.append(f"port = {json.dumps(port)}" if port else 'port = ""  # no port with its serial')
    if types and port:
        return [*about, *lines]
    missing = " and ".join(["board"] * (not types) + ["port"] * (not port))
    return [
        *about,
        f"# Fill in {missing}, then take away the # before the lines:",
        *(f"# {line}" for line in lines),
    ]


def _known(physical: list[str]) -> str:
    return f"one of: {', '.join(physical)}; or `tinyhil new board`"
