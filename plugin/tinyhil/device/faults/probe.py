"""Faults between a debug probe and its chip: what happens at which transfer, by a seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from numpy.random import RandomState

from tinyhil.catalog.board import Board
from tinyhil.device.fault_spec import ProbeKind, Spec
from tinyhil.emulator.usb.trouble import Upset, UpsetKind, sabotage
from tinyhil.ground.errors import ConfigError

_UPSETS: Final[dict[ProbeKind, UpsetKind]] = {
    "probe-wait": "wait",
    "probe-fault": "fault",
    "probe-parity": "parity",
    "probe-unplug": "unplug",
    "probe-slow": "slow",
    "probe-read": "wrong-read",
    "probe-write": "wrong-write",
}
_MOST_WAITS: Final = 300
"""In a row: twice what pyOCD tells a probe to repeat."""


@dataclass(frozen=True)
class ProbeFault:
    """A fault that has happened."""

    kind: ProbeKind
    transfer: int
    """That it met, counted from the first one."""
    what: str

    def __str__(self) -> str:
        return f"{self.kind} at transfer {self.transfer}: {self.what}"


class ProbeFaults:
    """A `Trouble` by a seed. It outlives a session: the next one goes on where the last ended."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._random = RandomState(spec.seed)
        self._passed = 0
        self._next = spec.first + self._gap()
        self._notes: list[ProbeFault] = []

    @property
    def faults(self) -> tuple[ProbeFault, ...]:
        """Every fault until now."""
        return tuple(self._notes)

    def clear(self, count: int) -> int:
        """See `Trouble.clear`."""
        if self._spec.limit is not None and len(self._notes) >= self._spec.limit:
            return count
        passing = min(count, self._next - self._passed)
        self._passed += passing
        return passing

    def take(self) -> Upset:
        """See `Trouble.take`; always as many draws, in one order."""
        kind, size, hold, number = self._random.random_sample(4).tolist()
        chosen = self._spec.probe[int(kind * len(self._spec.probe))]
        waits = 1 + int(size * _MOST_WAITS)
        hold_s = hold * self._spec.hold_ms / 1000
        upset = Upset(
            _UPSETS[chosen], waits if chosen == "probe-wait" else int(number * 2**31), hold_s
        )
        what = {"probe-wait": f"{waits} times", "probe-slow": f"{hold_s:.3f} s"}.get(chosen, "once")
        self._notes.append(ProbeFault(chosen, self._passed, what))
        self._passed += 1
        self._next = self._passed + self._gap()
        return upset

    def _gap(self) -> int:
        return int(self._random.geometric(1 / self._spec.every)) - 1


@contextmanager
def faulty_probe(spec: Spec | None, board: Board, uid: str) -> Iterator[ProbeFaults | None]:
    """The board's probe meets the faults of `spec` until the block ends; None: it has none.

    Raises:
        ConfigError: faults of a probe are asked for, but this one can't have any.
    """
    if spec is None or not spec.probe:
        yield None
        return
    if board.emulator is None or board.emulator.probe != "cmsis-dap":
        raise ConfigError(
            f"faults: '{spec.probe[0]}' can't be done to the probe of '{board.name}'",
            hint="choose an emulated board whose 'emulator.probe' is 'cmsis-dap', or leave it out "
            "of 'kinds'",
        )
    faults = ProbeFaults(spec)
    sabotage(uid, faults)
    try:
        yield faults
    finally:
        sabotage(uid, None)
