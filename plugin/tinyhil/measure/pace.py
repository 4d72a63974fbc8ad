"""How long an inference takes, learned from the ones before."""

from __future__ import annotations

import math
import time

from tinyhil.device.inference import Inference
from tinyhil.ground.errors import DeviceError
from tinyhil.measure.witness import Part, Witness
from tinyhil.record.resolution import tick_us
from tinyhil.record.rows import Row, seconds_of

_LEAST_TICKS = 100
"""Of the clock in a time: its two ends are known to a tick, so this is to 1 % at worst."""

_STANDS_STILL_S, _MOST_TO_FIND = 2.0, 1 << 18
"""On the host's clock, and inferences, that no clock in use is too coarse for."""

_STAMPS_KEPT = 30
"""Of which the clock's resolution is told."""


class Pace:
    """How long an inference of one input takes, on both clocks.

    Args:
        witness: asks, and keeps what it saw.
        part: the input.
    """

    def __init__(self, witness: Witness, part: Part) -> None:
        self._witness = witness
        self._part = part
        self.device_s = 0.0
        self._host_s: float | None = None
        self._rows: list[Row] = []
        self._batch = 1

    def load(self) -> None:
        """Choose the input."""
        self._witness.queries.load(self._part.data)

    def find(self) -> None:
        """Infer until the device's clock shows how long an inference takes.

        Raises:
            DeviceError: it shows none, for as long as no clock is too coarse.
        """
        count, started = 1, time.monotonic()
        while self.infer(count, 0, role="pace", may_be_too_short=True) and self.device_s <= 0.0:
            if time.monotonic() - started > _STANDS_STILL_S or count >= _MOST_TO_FIND:
                raise _no_time(count)
            count *= 8

    @property
    def name(self) -> str:
        """Of the input."""
        return self._part.name

    @property
    def batch(self) -> int:
        """How many inferences a time must be of, for the clock's resolution to matter no more."""
        if len(self._rows) <= _STAMPS_KEPT:  # More stamps tell nothing new.
            least_s = self.device_s / _LEAST_TICKS
            tick_s = tick_us(self._rows, least_us=least_s * 1e6) * 1e-6
            self._batch = math.ceil(tick_s / least_s) if tick_s > least_s else 1
        return self._batch

    def infer(
        self,
        count: int,
        warm_up: int,
        *,
        role: str | None = None,
        laps: bool = False,
        may_be_too_short: bool = False,
    ) -> tuple[Inference, Row]:
        """Infer; how long it should take is known from the ones before.

        Args:
            count: timed inferences.
            warm_up: those before.
            role: of a query that is none of the measure's own, which is kept here.
            laps: whether the time of each is wanted.
            may_be_too_short: for the clock to show it.

        Returns:
            The answer, and the host's clock around it.

        Raises:
            DeviceError: it took no time; besides what `Queries` raises.
        """
        witness, inferences = self._witness, count + warm_up
        expected_s = None if self._host_s is None else inferences * self._host_s
        started, asked_s = time.monotonic(), witness.now()
        answer = witness.queries.infer(count, warm_up, expected_s=expected_s, laps=laps)
        host = witness.host(asked_s, witness.now())
        self._host_s = (time.monotonic() - started) / inferences
        if len(self._rows) <= _STAMPS_KEPT:
            self._rows.append(answer.stamps)
        self.device_s = seconds_of(answer.stamps) / count
        if self.device_s <= 0.0 and not may_be_too_short:
            raise _no_time(count)
        if role or self._part.canary:
            witness.timed(role or "query", self._part, answer, warm_up, host)
        return answer, host


def _no_time(count: int) -> DeviceError:
    return DeviceError(
        f"{count} inferences took no time by the device's clock",
        hint="its timer does not run, or its resolution is far coarser than an inference: check "
        "the firmware's port",
    )
