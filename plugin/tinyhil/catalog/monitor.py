"""What a bench file says of a power monitor: the keys that all kinds have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tinyhil.catalog.facts import Facts


class MonitorFacts(Facts):
    """The table ``monitor`` of a station; each kind of monitor adds its own keys."""

    kind: str
    """Which one, such as ``lpm01a``, or one that a package of your own brings."""
    volts: float = Field(gt=0, le=60)
    """Supply of the device; the monitor switches it on when energy is measured."""
    edges: Literal["pin", "trace"] = "pin"
    """Where the begin and the end of inferring are read off: from the device's time stamp pin, or,
    where none leads to the monitor, from the power itself."""
    accuracy: float = Field(default=0.0, ge=0, lt=0.5)
    """Of the instrument, as a share, from its data sheet; part of the figure's error."""
    hookup: str = Field(default="", max_length=2000)
    """How it is connected to the board, in words for who repeats it: pins, jumpers, what else it
    supplies. It goes into a submission's description of the measurement."""
