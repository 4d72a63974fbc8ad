"""Power monitors: instruments that measure the supply of a DUT. One module here is one kind.

A module has `Options`, the keys of its table in the bench file, and `open_monitor`. A package of
the user's own offers the same two by an entry point of the group ``tinyhil.monitors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from tinyhil.catalog.monitor import MonitorFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.parts import Parts
from tinyhil.ground.text import printable


@dataclass(frozen=True)
class Piece:
    """What a monitor has measured since the piece before."""

    power_w: NDArray[np.float32]
    """``(samples,)``, in watts; NaN for one that was lost."""
    edges: tuple[int, ...] = ()
    """Falling edges of the device's pin: places of the samples in whose period they fell; below 0
    for one among the samples before, where a monitor tells it later."""


EMPTY = Piece(np.empty(0, np.float32))


class Monitor(Protocol):
    """An instrument in the supply of a board, which may also see the board's time stamp pin.

    Every method may raise `MonitorError`: the instrument is gone, refuses, or says that what it
    measures is wrong.
    """

    rate_hz: float
    """Samples a second, from `start` on."""
    name: str
    """What it says that it is, for the record."""
    modelled: bool
    """Whether it plays a model of a device: its figures are never exported."""

    def supply(self, on: bool, deadline: Deadline) -> None:
        """Switch the device's supply."""
        ...

    def start(self, deadline: Deadline) -> None:
        """Begin to measure."""
        ...

    def read(self, deadline: Deadline) -> Piece:
        """Wait for samples; `EMPTY` if none came before the deadline. Another thread calls it."""
        ...

    def stop(self, deadline: Deadline) -> None:
        """End measuring; what is still on its way is dropped."""
        ...

    def close(self) -> None:
        """Release the instrument; the supply stays as it is. Never fails."""
        ...


class Kind(Protocol):
    """What a module here offers."""

    Options: type[MonitorFacts]

    def open_monitor(self, options: Any, deadline: Deadline) -> Monitor:
        """Open the instrument that the bench file names.

        Raises:
            MonitorError: it is missing, taken, or something else.
            BenchError: its package is not installed; the hint names the extra.
        """
        ...


KINDS = Parts("power monitor", "tinyhil.monitors", __name__, ("Options", "open_monitor"))


def names() -> tuple[str, ...]:
    """The known kinds: ours, and those of other packages."""
    return KINDS.names()


def own_options() -> dict[str, type[MonitorFacts]]:
    """The keys of each kind that comes with tinyhil."""
    return {name: _kind(name).Options for name in sorted(KINDS.own())}


def options_of(values: Mapping[str, Any], where: str) -> MonitorFacts:
    """The checked table of a bench file.

    Args:
        values: of the table.
        where: names file and table, for errors.

    Raises:
        ConfigError: the kind is unknown, or a key is unknown, missing or wrong.
    """
    kind = values.get("kind")
    if kind not in names():
        wrong = "is missing" if kind is None else f"no power monitor '{printable(str(kind))}'"
        raise ConfigError(
            f"{where}: key 'kind': {wrong}; known: {', '.join(names())}",
            hint="correct the name, or install the package that brings this kind",
        )
    return _kind(str(kind)).Options.checked(values, where)


def open_monitor(options: MonitorFacts, deadline: Deadline) -> Monitor:
    """Open the monitor of a bench file's table, see `Kind.open_monitor`."""
    return _kind(options.kind).open_monitor(options, deadline)


def _kind(name: str) -> Kind:
    return cast(Kind, KINDS.load(name))
