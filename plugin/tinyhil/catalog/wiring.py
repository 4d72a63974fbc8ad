"""How a board of a bench file is reached: its host, its probe, its port."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field

from tinyhil.catalog.board import NO_FLASH, Board, FlashFacts
from tinyhil.catalog.facts import Facts
from tinyhil.catalog.identity import (
    USB_NAME,
    has_fixed_rate,
    is_network,
    is_remote,
    network_address,
    remote_address,
)
from tinyhil.catalog.places import wanted
from tinyhil.catalog.power import PowerFacts, check_power
from tinyhil.ground.errors import ConfigError

_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:%\[\]@-]{0,254}")
"""Where ssh leads, and never an option of it."""


class Wiring(Facts):
    """One entry of ``bench.toml``."""

    board: str
    """Name of the board type."""
    host: str = ""
    """Where ssh leads to the host that the board is plugged into; empty: this one."""
    host_program: str = "tinyhil"
    """tinyhil on that host, as its shell takes it: a path, where ssh does not find it by name."""
    probe: str = ""
    """Exact id, as ``pyocd list`` shows it, or ``remote:HOST:PORT`` of a `pyocd server`; empty:
    there is none."""
    labgrid: str = ""
    """A place of labgrid, which says host, probe and port: its name, or tags of those that will do,
    as in ``board=nucleo-l4r5zi,site=lab2``. Empty: none."""
    port: str = ""
    """Serial port by a name that survives replugging: a path, a URL that pyserial knows, or
    ``serial:SERIAL``, ``usb:VID:PID`` or ``usb:VID:PID:SERIAL``, each with ``:INTERFACE`` after it
    where one device has several ports."""
    baud: int | None = Field(default=None, gt=0)
    """At which it boots, if not the board's."""
    interface_board: bool = False
    """Whether the official runner's interface board is between port and device, which parts them
    for energy: commands go as ``dut CMD%``, and frames can't pass."""
    baud_max: int = Field(default=921_600, gt=0)
    """Highest rate that cable and adapter carry; our own firmware is asked for it. A raw socket has
    the one of the boot."""
    flash: FlashFacts | None = None
    """How this one is flashed, where that differs from its type."""
    power: PowerFacts | None = None
    """How its power is switched off and on again, for a run that recovers it."""
    monitor: dict[str, Any] | None = None
    """The power monitor that supplies it: ``kind``, ``volts``, and what that kind needs."""

    def board_of(self, board: Board) -> Board:
        """The board type on a desk, with how this one is flashed."""
        facts = board.flash
        if self.flash:
            given = {name: getattr(self.flash, name) for name in self.flash.model_fields_set}
            facts = facts.model_copy(update=given)
        if facts.method == "pyocd" and not (self.probe or self.labgrid):
            facts = facts.model_copy(update={"method": NO_FLASH})
        return board.physical().model_copy(update={"flash": facts})


def check_wiring(key: str, wiring: Wiring, board: Board, *, at_place: bool = False) -> None:
    """Refuse an entry whose keys don't go together, or have none of the forms that they may have.

    Args:
        key: of the bench file, for errors.
        wiring: of a board.
        board: its type.
        at_place: whether the entry is what labgrid says of one of its places.

    Raises:
        ConfigError: names the key.
    """
    if wiring.power:
        check_power(key, wiring.power, has_place=at_place or bool(wiring.labgrid))
    if wiring.labgrid:
        _check_place(key, wiring)
        return
    if not wiring.port:
        raise ConfigError(
            f"{key[:-1]}.port': a station needs its port",
            hint="write it: `tinyhil doctor --write` finds what is plugged in",
        )
    _check_port(key, wiring)
    _check_probe(key, wiring)
    _check_host(key, wiring, board)


def _check_place(key: str, wiring: Wiring) -> None:
    wanted(wiring.labgrid, f"{key[:-1]}.labgrid'")
    for other in ("host", "probe", "port"):
        if getattr(wiring, other):
            raise ConfigError(
                f"{key[:-1]}.{other}': the place of 'labgrid' says it",
                hint=f"leave out '{other}', or 'labgrid'",
            )


def _check_port(key: str, wiring: Wiring) -> None:
    """Refuse a port that is meant to be named by USB, or to be a network's, and is not in one of
    the forms."""
    port = wiring.port
    if port.casefold().startswith(("serial:", "usb:")) and not USB_NAME.fullmatch(port):
        raise ConfigError(
            f"{key[:-1]}.port': '{port}' does not name a USB device",
            hint="write serial:SERIAL, or usb:VID:PID with four hexadecimal digits each, if needed "
            "with :SERIAL or :INTERFACE after them",
        )
    if is_network(port) and network_address(port) is None:
        raise ConfigError(
            f"{key[:-1]}.port': '{port}' has no host and port",
            hint="write rfc2217://HOST:PORT, or socket://HOST:PORT",
        )
    if has_fixed_rate(port) and "baud_max" in wiring.model_fields_set:
        raise ConfigError(
            f"{key[:-1]}.baud_max': the rate of '{port}' can't be changed from here",
            hint="leave 'baud_max' out, or let the far end speak RFC 2217: rfc2217://HOST:PORT",
        )


def _check_probe(key: str, wiring: Wiring) -> None:
    if is_remote(wiring.probe) and remote_address(wiring.probe) is None:
        raise ConfigError(
            f"{key[:-1]}.probe': '{wiring.probe}' is not of the form remote:HOST:PORT",
            hint="write the host and the port where `pyocd server` is reached",
        )


def _check_host(key: str, wiring: Wiring, board: Board) -> None:
    """Refuse what can't be the end of a tunnel."""
    if not wiring.host:
        return
    if not _HOST.fullmatch(wiring.host):
        raise ConfigError(
            f"{key[:-1]}.host': '{wiring.host}' is not where ssh leads",
            hint="write a name of your ssh configuration, or USER@HOST; ports, keys and jumps "
            "belong into that configuration",
        )
    if is_network(wiring.port) or is_remote(wiring.probe):
        raise ConfigError(
            f"{key[:-1]}.host': probe or port is one end of another tunnel already",
            hint="name probe and port as that host knows them, or leave 'host' out",
        )
    method = wiring.board_of(board).flash.method
    if method not in ("pyocd", NO_FLASH):
        raise ConfigError(
            f"{key[:-1]}.flash.method': '{method}' works only on the board's own host",
            hint="run pytest there, or flash it by its debug probe: leave the table 'flash' out",
        )
