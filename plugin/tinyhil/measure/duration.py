"""How long a set takes by the text protocol, and how long it would by frames; for a notice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tinyhil.device.queries import Queries
from tinyhil.device.queries.text import TextQueries
from tinyhil.measure.job import Job

_LONG_S = 10.0
"""What takes no longer needs no notice."""
_LEARNT = 4
"""Windows after which a session has learnt all that it learns once."""
_SEEN_S = 0.5
"""How long the windows after those must have taken, for their pace to be known."""
_EMULATED_BYTE_S = 25e-6
"""Of a frame over an emulated port, on a machine of 2024; there is no wire to be asked."""
_MINUTES_FROM_S = 120.0


@dataclass
class Duration:
    """Says once how long a set will take, as soon as its pace is known; nothing of a short one.

    Args:
        job: whose samples are sent.
        queries: the way that they are sent; frames need no notice.
        samples: how many are sent.
        tell: takes the notice.
        now: the host's clock, in seconds.
    """

    job: Job
    queries: Queries
    samples: int
    tell: Callable[[str], None]
    now: Callable[[], float] = time.monotonic
    _began: tuple[float, float] | None = field(init=False, default=None)
    """When the session had learnt all, and how many samples were done then."""
    _started_s: float = field(init=False)
    _told: bool = field(init=False)

    def __post_init__(self) -> None:
        self._started_s, self._told = self.now(), not isinstance(self.queries, TextQueries)

    def __call__(self, done: float) -> None:
        """So many of the samples are done."""
        if self._told:
            return
        now_s = self.now()
        if self._began is None:
            if done * self.job.task.input.count(all_windows=self.job.all_windows) >= _LEARNT:
                self._began = now_s, done
            return
        began_s, before = self._began
        if now_s - began_s < _SEEN_S:
            return
        self._told = True
        each_s = (now_s - began_s) / (done - before)
        whole_s = now_s - self._started_s + each_s * (self.samples - done)
        if whole_s >= _LONG_S:
            self.tell(self._notice(whole_s))

    def _notice(self, whole_s: float) -> str:
        job = self.job
        at = "" if job.dut.board.emulated else f" at {job.dut.baud_max} baud"
        return (
            f"{job.dut.station}: {job.task.name}, {self.samples} samples by the text protocol take "
            f"about {_about(whole_s)}; by the frames of a firmware with tinyhil's harness they "
            f"would take about {_about(self._frames_s())}{at}"
        )

    def _frames_s(self) -> float:
        """On a wire the next window travels while one is inferred, so the longer of the two counts;
        an emulator does one after the other."""
        job, queries = self.job, self.queries
        assert isinstance(queries, TextQueries)
        inference_s, emulated = queries.inference_s, job.dut.board.emulated
        byte_s = _EMULATED_BYTE_S if emulated else 10 / job.dut.baud_max
        sizes = [
            len(window.data) - window.keep
            for sample in job.samples[-self.samples :]
            for window in job.task.input.windows(sample.data, all_windows=job.all_windows)
        ]
        if emulated:
            return len(sizes) * inference_s + sum(sizes) * byte_s
        return sum(max(size * byte_s, inference_s) for size in sizes)


def _about(seconds: float) -> str:
    if seconds < _MINUTES_FROM_S:
        return f"{max(1.0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min"
