"""How a board's power is switched off and on again, as a station of a bench file says it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from tinyhil.catalog.facts import Facts
from tinyhil.ground.errors import ConfigError

_HUB = re.compile(r"\d{1,3}(-\d{1,3}(\.\d{1,3}){0,6})?")
"""As `uhubctl` shows it, such as ``1-1.4``; never an option of it."""


class PowerFacts(Facts):
    """The table ``power`` of a station."""

    method: Literal["command", "uhubctl", "labgrid"]
    """``command``: one of your own; ``uhubctl``: a USB hub that switches its ports, on the board's
    host; ``labgrid``: the power driver of the board's place."""
    command: tuple[str, ...] = ()
    """Of ``command``: program and arguments that take the power away and give it back; it runs on
    the board's host, and has ended when the board has power again."""
    hub: str = ""
    """Of ``uhubctl``: where the hub is, as in ``1-1.4``."""
    hub_port: int | None = Field(default=None, ge=1, le=64)
    """Of ``uhubctl``: the port of the hub that the board is plugged into."""
    off_s: float = Field(default=3.0, gt=0, le=60)
    """Of ``uhubctl``: how long the board has no power, in seconds."""
    timeout_s: float = Field(default=60.0, gt=0, le=120)
    """How long switching may take in all, in seconds."""


_NEEDS = {"command": ("command",), "uhubctl": ("hub", "hub_port"), "labgrid": ()}
_MAY_HAVE = {"uhubctl": ("off_s",)}


def check_power(key: str, power: PowerFacts, *, has_place: bool) -> None:
    """Refuse a table whose keys don't go together.

    Args:
        key: of the bench file, for errors.
        power: the table.
        has_place: whether labgrid hands the board out.

    Raises:
        ConfigError: names the key.
    """
    needs = _NEEDS[power.method]
    for name in ("command", "hub", "hub_port", "off_s"):
        given = name in power.model_fields_set and getattr(power, name) not in ("", (), ("",))
        if given != (name in needs) and not (given and name in _MAY_HAVE.get(power.method, ())):
            what = "is of another method" if given else f"is needed by '{power.method}'"
            raise ConfigError(
                f"{key[:-1]}.power.{name}': {what}",
                hint="see the table 'power' in the documentation of the bench file",
            )
    if power.hub and not _HUB.fullmatch(power.hub):
        raise ConfigError(
            f"{key[:-1]}.power.hub': '{power.hub}' is not the place of a hub",
            hint="write it as `uhubctl` shows it, as in 1-1.4",
        )
    if power.method == "uhubctl" and power.off_s >= power.timeout_s:
        raise ConfigError(
            f"{key[:-1]}.power.timeout_s': switching has {power.timeout_s:g} s in all, and the "
            f"board is to have no power for {power.off_s:g} s",
            hint="raise 'timeout_s', or lower 'off_s'",
        )
    if power.method == "labgrid" and not has_place:
        raise ConfigError(
            f"{key[:-1]}.power.method': labgrid switches the power of its own places alone",
            hint="name the station's place by 'labgrid', or choose another method",
        )
