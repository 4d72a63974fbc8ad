"""Asks a device for an audit, and keeps each answer with what the host's clock said around it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tinyhil.catalog.task import Window
from tinyhil.device.queries import Queries
from tinyhil.ground.errors import DeviceError
from tinyhil.measure.audit.answers import HEADING, Answer, Scores
from tinyhil.measure.audit.inputs import Input
from tinyhil.measure.uploads import Uploads
from tinyhil.record.rows import Keep

_KEPT_LAPS = 64
"""Of one answer, at most: some audits ask for thousands of inferences."""


class Asker:
    """The questions of one audit.

    Args:
        queries: the way to ask.
        tick_hz: of the laps that the device reports; None where it reports none.
        keep: takes each answer as a row, as soon as it has come; see `answers`.
        now: the host's monotonic clock, in seconds.
    """

    def __init__(
        self,
        queries: Queries,
        tick_hz: int | None,
        keep: Keep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.now = now
        self._queries = queries
        self._tick_hz = tick_hz
        self._keep = keep
        self._began_s = now()
        self._uploads = Uploads()
        self._pace_s: float | None = None  # the longest that an inference took on the host's clock

    @property
    def laps(self) -> bool:
        """Whether the device tells the time of each inference."""
        return self._tick_hz is not None

    def watch(self) -> None:
        """See how long the pieces of uploads take, from here on."""
        self._queries.watch(self._uploads.heard, self.now, alone=True)

    def unwatch(self) -> None:
        """Keep what was seen of uploads."""
        self._queries.watch(None, self.now)
        for row in self._uploads.rows():
            self._keep(row)

    def begin(self, heading: Mapping[str, Any]) -> None:
        """Begin an attempt: its first row says how it is asked."""
        self._keep({"role": HEADING, "tick_hz": self._tick_hz, **heading})

    def send(self, one: Input) -> None:
        """Let the next `infer` take this input, and have it sent completely.

        What the device holds already would not be sent again, and an input that was not sent can't
        be compared with one that was. So we make the way forget it, by asking for nothing in the
        other mode.
        """
        for _ in self._queries.each(()):
            pass
        self._queries.load(one.data)

    def infer(self, one: Input, role: str, count: int = 1, warm_up: int = 0) -> Answer:
        """Run timed inferences of the input that was sent last.

        Raises:
            DeviceError: they took no time; besides what `Queries` raises.
        """
        inferences = count + warm_up
        expected_s = None if self._pace_s is None else inferences * self._pace_s
        asked_s = self.now()
        inference = self._queries.infer(
            count, warm_up, expected_s=expected_s, laps=self._tick_hz is not None
        )
        answered_s = self.now()
        self._pace_s = max(self._pace_s or 0.0, (answered_s - asked_s) / inferences)
        row = {
            **_about(one, role, inference.scores),
            "count": count,
            "warm_up": warm_up,
            **inference.stamps,
            "laps": inference.laps[:_KEPT_LAPS],
            "host_s": [round(at - self._began_s, 6) for at in (asked_s, answered_s)],
        }
        self._keep(row)
        answer = Answer.of(row, self._tick_hz)
        if answer.each_s <= 0.0:
            raise DeviceError(
                f"{count} inferences took no time by the device's clock",
                hint="its timer does not run; check the firmware's port",
            )
        return answer

    def time(self, one: Input, role: str) -> Answer:
        """Send an input and infer it once."""
        self.send(one)
        return self.infer(one, role)

    def results(self, asked: Sequence[tuple[str, Input]]) -> Iterator[Scores]:
        """Scores of inputs, each with its role, the way an accuracy run gets them."""
        answers = self._queries.each(Window(one.data, 0) for _, one in asked)
        for (role, one), inference in zip(asked, answers, strict=True):
            self._keep({**_about(one, role, inference.scores), **inference.stamps})
            yield inference.scores


def _about(one: Input, role: str, scores: Scores) -> dict[str, Any]:
    label = {} if one.label is None else {"label": one.label}
    return {"role": role, "place": one.place, "name": one.name, "scores": scores, **label}
