"""Asks a device for an audit: each answer with what the host's clock said before and after."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinyhil.audit.inputs import Input
from tinyhil.errors import DeviceError
from tinyhil.queries import Inference, Queries
from tinyhil.task import Window

_KEPT_LAPS = 64
"""Of one answer, at most, in the raw rows: some audits ask for thousands."""


@dataclass(frozen=True)
class Answer:
    """One or more inferences of one input."""

    inference: Inference
    asked_s: float
    """On the host's clock, before the query left."""
    answered_s: float
    """On the host's clock, after the answer was read."""
    each_s: float
    """Time of an inference on the device's clock, the mean of them."""

    @property
    def device_s(self) -> float:
        """Of all inferences together, on the device's clock."""
        return (self.inference.end_us - self.inference.start_us) * 1e-6

    @property
    def waited_s(self) -> float:
        """Of query and answer, on the host's clock."""
        return self.answered_s - self.asked_s


class Asker:
    """The questions of one audit.

    Args:
        queries: the way to ask.
        tick_hz: of the laps that the device tells; None where it tells none.
        keep: takes each answer as a JSON object, as soon as it has come.
        now: the host's monotonic clock, in seconds.
    """

    def __init__(
        self,
        queries: Queries,
        tick_hz: int | None,
        keep: Callable[[Mapping[str, Any]], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.now = now
        self.asked = 0
        """How many queries so far."""
        self._queries = queries
        self._tick_hz = tick_hz
        self._keep = keep
        self._began_s = now()
        self._pace_s: float | None = None  # the longest that an inference took on the host's clock

    def send(self, data: bytes) -> None:
        """Let the next `infer` take this input, and let it travel whole.

        What the device holds already would not travel again, and an input that did not travel is
        not met under the conditions of one that did. So we have the way forget it, by asking for
        nothing in the other mode.
        """
        for _ in self._queries.each(()):
            pass
        self._queries.load(data)

    def infer(self, name: str, count: int = 1, warm_up: int = 0) -> Answer:
        """Run timed inferences of the input that was sent last, whose name this is."""
        inferences = count + warm_up
        expected_s = None if self._pace_s is None else inferences * self._pace_s
        asked_s = self.now()
        inference = self._queries.infer(
            count, warm_up, expected_s=expected_s, laps=self._tick_hz is not None
        )
        answered_s = self.now()
        self._pace_s = max(self._pace_s or 0.0, (answered_s - asked_s) / inferences)
        answer = Answer(inference, asked_s, answered_s, self._each_s(inference))
        self.asked += 1
        self._keep(
            {
                "input": name,
                "count": count,
                "warm_up": warm_up,
                "start_us": inference.start_us,
                "end_us": inference.end_us,
                "laps": inference.laps[:_KEPT_LAPS],
                "host_s": [round(at - self._began_s, 6) for at in (asked_s, answered_s)],
                "scores": inference.scores,
            }
        )
        return answer

    def time(self, one: Input) -> Answer:
        """Send an input and infer it once."""
        self.send(one.data)
        return self.infer(one.name)

    def results(self, inputs: Sequence[Input]) -> list[tuple[float, ...]]:
        """Scores of inputs the way an accuracy run gets them, in their order."""
        found = []
        answers = self._queries.each(Window(one.data, 0) for one in inputs)
        for one, inference in zip(inputs, answers, strict=True):
            self.asked += 1
            self._keep({"input": one.name, "scores": inference.scores})
            found.append(inference.scores)
        return found

    def _each_s(self, inference: Inference) -> float:
        """From the laps, which are finer, where they are all there."""
        if self._tick_hz is not None and len(inference.laps) == inference.count:
            each_s = sum(inference.laps) / self._tick_hz / inference.count
        else:
            each_s = (inference.end_us - inference.start_us) * 1e-6 / inference.count
        if each_s <= 0.0:
            raise DeviceError(
                f"{inference.count} inferences took no time by the device's clock",
                hint="its timer stands still; check the firmware's port",
            )
        return each_s
