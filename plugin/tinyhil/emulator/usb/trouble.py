"""What goes wrong between a debug probe and its chip on purpose.

Decided elsewhere (`tinyhil.device.faults`), done here: a probe asks before each transfer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

UpsetKind = Literal[
    "wait",
    "fault",
    "parity",
    "unplug",
    "slow",
    "wrong-read",
    "wrong-write",
]


@dataclass(frozen=True)
class Upset:
    """One thing that goes wrong, at one transfer."""

    kind: UpsetKind
    number: int
    """How much: WAIT answers in a row, or what bits change."""
    hold_s: float = 0.0
    """By which a slow answer is late."""


class Trouble(Protocol):
    """Decides by the number of transfers alone."""

    def clear(self, count: int) -> int:
        """How many of the next `count` transfers pass untouched before something goes wrong; they
        count as passed."""
        ...

    def take(self) -> Upset:
        """What goes wrong at the next transfer, which counts as passed."""
        ...


class NoTrouble:
    """A `Trouble` that never comes."""

    def clear(self, count: int) -> int:
        """See `Trouble.clear`."""
        return count

    def take(self) -> Upset:
        """Never called."""
        raise AssertionError


_by_probe: dict[str, Trouble] = {}


def trouble_of(uid: str) -> Trouble:
    """What the probe with this uid meets."""
    return _by_probe.get(uid, NoTrouble())


def sabotage(uid: str, trouble: Trouble | None) -> None:
    """Have a probe meet trouble from its next opening in this process on; None ends that."""
    if trouble is None:
        _by_probe.pop(uid, None)
    else:
        _by_probe[uid] = trouble
